import type { AccessSize } from '@pckit/interfaces';
import { ChipsetError } from '../chipset-error.js';
import { pirqOf } from './pci-bus.js';
import * as reg from './registers.js';

/**
 * What a BIOS does to a PCI bus before the operating system runs: sizes and places the bars, routes the interrupts, fills in the
 * interrupt lines and enables decoding. Through configuration accesses only, as firmware would; bus mastering is left to drivers.
 */

/** What `PciBus` offers. */
export interface PciConfigAccess {
  readConfig(device: number, functionNumber: number, register: number, size: AccessSize): number;
  writeConfig(device: number, functionNumber: number, register: number, value: number, size: AccessSize): void;
}

export interface ResourceWindow {
  readonly start: number;
  /** Last address. */
  readonly end: number;
}

export interface AssignResourcesOptions {
  /** Default E0000000H to FEBFFFFFH: above RAM, below the I/O APIC. */
  readonly memory?: ResourceWindow;
  /** Default C000H to FFFFH. */
  readonly io?: ResourceWindow;
  /** For 64-bit bars that don't fit below 4 GiB. None by default. */
  readonly memory64?: ResourceWindow;
  /** ISA interrupts for PIRQA to PIRQD. Default 10, 11, 10, 11. Software that doesn't use ACPI expects their 8259 inputs level triggered. */
  readonly pirqIrqs?: readonly [number, number, number, number];
  /** Where the PIIX4's PM block goes, if there is one. Default 600H. */
  readonly pmBase?: number;
}

export interface BarAssignment {
  readonly device: number;
  readonly functionNumber: number;
  readonly bar: number;
  readonly kind: 'io' | 'memory32' | 'memory64';
  readonly address: number;
  readonly size: number;
}

export const DEFAULT_PCI_MEMORY: ResourceWindow = { start: 0xe000_0000, end: 0xfebf_ffff };
export const DEFAULT_PCI_IO: ResourceWindow = { start: 0xc000, end: 0xffff };
export const DEFAULT_PIRQ_IRQS: readonly [number, number, number, number] = [10, 11, 10, 11];
export const DEFAULT_PM_BASE = 0x600;
/** The system control interrupt's IRQ, fixed on PIIX4. */
export const SCI_IRQ = 9;

const INTEL = 0x8086;
const PIIX3_ISA = 0x7000;
const PIIX4_PM = 0x7113;
const PIRQRC_A = 0x60;
const PMBA = 0x40;
const PMREGMISC = 0x80;
/** A memory bar gets at least a page of its own, so that the guest can map it apart. */
const PAGE = 4096;

/** @throws ChipsetError when the bars don't fit into the windows */
export function assignResources(bus: PciConfigAccess, options: AssignResourcesOptions = {}): BarAssignment[] {
  const pirqIrqs = options.pirqIrqs ?? DEFAULT_PIRQ_IRQS;
  const bars: UnplacedBar[] = [];
  const functions = findFunctions(bus);
  for (const { device, functionNumber } of functions) {
    const write = (register: number, value: number, size: AccessSize): void => bus.writeConfig(device, functionNumber, register, value, size);
    const id = bus.readConfig(device, functionNumber, reg.VENDOR_ID, 4);
    write(reg.COMMAND, 0, 2);
    bars.push(...sizeBars(bus, device, functionNumber));

    const pin = bus.readConfig(device, functionNumber, reg.INTERRUPT_PIN, 1);
    if (pin !== 0) write(reg.INTERRUPT_LINE, pirqIrqs[pirqOf(device, pin)], 1);
    if (id === (PIIX3_ISA * 0x1_0000 + INTEL)) {
      for (let i = 0; i < 4; i++) write(PIRQRC_A + i, pirqIrqs[i], 1);
    } else if (id === (PIIX4_PM * 0x1_0000 + INTEL)) {
      write(PMBA, options.pmBase ?? DEFAULT_PM_BASE, 2);
      write(PMREGMISC, 1, 1);
      write(reg.INTERRUPT_LINE, SCI_IRQ, 1);
    }
  }
  const assignments = placeBars(bars, options);
  for (const { device, functionNumber, bar, kind, address } of assignments) {
    bus.writeConfig(device, functionNumber, reg.BASE_ADDRESS_0 + 4 * bar, address % 2 ** 32, 4);
    if (kind === 'memory64') bus.writeConfig(device, functionNumber, reg.BASE_ADDRESS_0 + 4 * bar + 4, Math.floor(address / 2 ** 32), 4);
  }
  for (const { device, functionNumber } of functions) {
    const own = assignments.filter((a) => a.device === device && a.functionNumber === functionNumber);
    const decode = (own.some((a) => a.kind === 'io') ? reg.COMMAND_IO : 0) | (own.some((a) => a.kind !== 'io') ? reg.COMMAND_MEMORY : 0);
    bus.writeConfig(device, functionNumber, reg.COMMAND, decode, 2);
  }
  return assignments;
}

type UnplacedBar = Omit<BarAssignment, 'address'>;

function findFunctions(bus: PciConfigAccess): { device: number; functionNumber: number }[] {
  const found: { device: number; functionNumber: number }[] = [];
  for (let device = 0; device < 32; device++) {
    for (let functionNumber = 0; functionNumber < 8; functionNumber++) {
      if (bus.readConfig(device, functionNumber, reg.VENDOR_ID, 2) === 0xffff) {
        if (functionNumber === 0) break;
        continue;
      }
      found.push({ device, functionNumber });
      if (functionNumber === 0 && (bus.readConfig(device, 0, reg.HEADER_TYPE, 1) & reg.HEADER_MULTIFUNCTION) === 0) break;
    }
  }
  return found;
}

/** Writes ones and looks what stays: PCI 3.0 section 6.2.5.1, "Determining Block Size". */
function sizeBars(bus: PciConfigAccess, device: number, functionNumber: number): UnplacedBar[] {
  const bars: UnplacedBar[] = [];
  const ones = (bar: number): number => {
    const register = reg.BASE_ADDRESS_0 + 4 * bar;
    bus.writeConfig(device, functionNumber, register, 0xffff_ffff, 4);
    const value = bus.readConfig(device, functionNumber, register, 4);
    bus.writeConfig(device, functionNumber, register, 0, 4);
    return value;
  };
  for (let bar = 0; bar < 6; bar++) {
    const low = ones(bar);
    if (low === 0) continue;
    if ((low & reg.BAR_IO) !== 0) {
      bars.push({ device, functionNumber, bar, kind: 'io', size: 2 ** 32 - (low - (low % 4)) });
    } else if ((low & reg.BAR_MEMORY_64) !== 0) {
      const high = ones(bar + 1);
      bars.push({ device, functionNumber, bar, kind: 'memory64', size: 2 ** 32 - (low - (low % 16)) + (2 ** 32 - 1 - high) * 2 ** 32 });
      bar++;
    } else {
      bars.push({ device, functionNumber, bar, kind: 'memory32', size: 2 ** 32 - (low - (low % 16)) });
    }
  }
  return bars;
}

/** Largest first, so that natural alignment wastes nothing. */
function placeBars(bars: readonly UnplacedBar[], options: AssignResourcesOptions): BarAssignment[] {
  const memory = new Allocator('memory', options.memory ?? DEFAULT_PCI_MEMORY);
  const io = new Allocator('I/O', options.io ?? DEFAULT_PCI_IO);
  const memory64 = options.memory64 !== undefined ? new Allocator('64-bit memory', options.memory64) : undefined;
  return [...bars]
    .sort((a, b) => b.size - a.size)
    .map((bar) => {
      if (bar.kind === 'io') return { ...bar, address: io.take(bar) };
      const low = bar.kind === 'memory64' && memory64 !== undefined && !memory.fits(bar) ? memory64 : memory;
      return { ...bar, address: low.take(bar) };
    });
}

class Allocator {
  #next: number;

  constructor(
    private readonly name: string,
    private readonly window: ResourceWindow,
  ) {
    this.#next = window.start;
  }

  fits(bar: UnplacedBar): boolean {
    return this.#aligned(bar) + bar.size - 1 <= this.window.end;
  }

  take(bar: UnplacedBar): number {
    const address = this.#aligned(bar);
    if (!this.fits(bar)) {
      throw new ChipsetError(
        'pci-resources',
        `bar ${bar.bar} of PCI device ${bar.device}.${bar.functionNumber} (0x${bar.size.toString(16)} bytes) doesn't fit into the ${this.name} window 0x${this.window.start.toString(16)}..0x${this.window.end.toString(16)}; 0x${this.#next.toString(16)} is the first free address`,
      );
    }
    this.#next = address + bar.size;
    return address;
  }

  #aligned(bar: UnplacedBar): number {
    const alignment = bar.kind === 'io' ? bar.size : Math.max(bar.size, PAGE);
    return Math.ceil(this.#next / alignment) * alignment;
  }
}
