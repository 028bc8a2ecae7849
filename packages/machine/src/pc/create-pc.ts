import { Ahci, MAX_PORTS } from '@pckit/ahci';
import { AtaDisk, AtapiCdrom, type AtaDevice } from '@pckit/ata';
import {
  disconnected,
  type BlockBackend,
  type CharPort,
  type Device,
  type IrqLine,
  type PciFunction,
} from '@pckit/interfaces';
import { planBoot, type BootOptions, type BootPlan } from '@pckit/linux-boot';
import {
  AcpiPm,
  ApicBus,
  assignResources,
  buildAcpiTables,
  buildMpTable,
  buildSmbios,
  DebugConsole,
  DebugExit,
  Dma8237,
  fanOut,
  Hpet,
  I8042,
  i440fxHostBridge,
  I8254Pit,
  I8259PicPair,
  IoApic,
  LocalApic,
  Mc146818Rtc,
  PciBus,
  Piix3IsaBridge,
  Piix4Pm,
  Port61,
  Port92,
  PostCode,
  ResetControl,
  Uart16550,
  type AcpiConfig,
  type AcpiSegment,
  type PciSlot,
} from '@pckit/pc-chipset';
import { PiixIde } from '@pckit/piix-ide';
import { VirtioPci, VirtioRng, type VirtioDevice } from '@pckit/virtio';
import { VirtioBlk } from '@pckit/virtio-blk';
import type { MachineEvent } from '../events.js';
import { Machine, type MachineOptions } from '../machine.js';
import { MachineError } from '../machine-error.js';
import type { ProcessorFactory } from '../processor-factory.js';
import { hostEntropy, SeededEntropy } from '../seeded-entropy.js';
import { x86Processor } from '../x86-processor.js';
import { loadPlan } from './boot.js';
import { cmosContents } from './cmos.js';
import { IsaInterrupts } from './isa-interrupts.js';
import * as at from './memory-map.js';
import { addNetworkCard, type PcNetworkCard, type PcNic } from './network-card.js';
import { PcProcessorBus } from './processor-bus.js';
import { SerialLine } from './serial-line.js';

export type DiskInterface = 'virtio' | 'ide' | 'ahci';

export interface PcDisk {
  readonly backend: BlockBackend;
  /** What it is attached to. Default `virtio`. */
  readonly interface?: DiskInterface;
  /** A CD-ROM with the backend as its disc; not on virtio. */
  readonly cdrom?: boolean;
  /** Position on its controller. IDE: 0 and 1 are the primary channel's master and slave, 2 and 3 the secondary's. AHCI: the port. Default the first free. */
  readonly unit?: number;
  /** Unique. Default `disk0`, `disk1` ... */
  readonly name?: string;
  /** What the guest sees as the disk's serial number, up to 20 characters. Default the name. */
  readonly serial?: string;
  /** Request queues. Default one for each processor, at most 4. */
  readonly queues?: number;
}

/** What to boot: a plan made elsewhere, or what a plan is made from. */
export type PcBoot =
  | { readonly plan: BootPlan }
  | Omit<BootOptions, 'memory' | 'reserved' | 'acpi' | 'cpus' | 'rngSeed' | 'kaslrSeed'>;

export interface PcConfig
  extends Omit<MachineOptions, 'ramBytes' | 'holes' | 'holeStart' | 'ports' | 'processors' | 'processor'> {
  /** RAM, a multiple of 4 KiB, at least 2 MiB. */
  readonly memoryBytes: number;
  /** Processors. Default 1. */
  readonly cpus?: number;
  /** Name of a CPU profile of @pckit/x86-jit. */
  readonly cpuModel?: string;
  /** Processors from elsewhere; `cpuModel` then means nothing. */
  readonly processor?: ProcessorFactory;
  /** Without it the machine powers on with the processor at its reset vector and nothing there. */
  readonly boot?: PcBoot;
  /** COM1 to COM4; `null` is a UART with nothing plugged in. Default two of them. */
  readonly serial?: readonly (CharPort | null)[];
  readonly disks?: readonly PcDisk[];
  /** They come first among the cards: from PCI slot 3. */
  readonly nics?: readonly PcNic[];
  /** A virtio entropy device. Default true. */
  readonly rng?: boolean;
  /** The date and time at power-on, as `Date.now()`. Default: 2025-01-01 in deterministic time, now in real time. */
  readonly epoch?: number;
  /** What the guest writes to port E9H. */
  readonly debugConsole?: { write(byte: number): void };
}

/** Any PCI function that a reader wants to plug in. */
export interface PciCard {
  readonly device: Device;
  readonly function: PciFunction;
}

/** A PC: the board, its chips, and how to put more on it before it is switched on. */
export interface Pc {
  readonly machine: Machine;
  readonly chips: PcChips;
  /** What was booted, for printing. */
  readonly plan: BootPlan | undefined;
  readonly disks: readonly VirtioBlk[];
  readonly nics: readonly PcNetworkCard[];
  /** Puts a card into a slot, 2 to 31, or the first free one from 3. Before power-on. */
  plug(make: (slot: PciSlot) => PciCard, slotNumber?: number): PciSlot;
  /** A key goes down or up, by its `KeyboardEvent.code`; through the door. */
  key(code: string, down: boolean): void;
  /** The mouse moves: relative, y up, `buttons` bit 0 left, 1 right, 2 middle; through the door. */
  mouse(dx: number, dy: number, dz: number, buttons: number): void;
  /** A break condition on COM(n+1) from the far end; through the door. */
  sendBreak(n: number): void;
  /** The power button; through the door. */
  pressPowerButton(): void;
}

export interface PcChips {
  readonly apicBus: ApicBus;
  readonly localApics: readonly LocalApic[];
  readonly ioApic: IoApic;
  readonly pic: I8259PicPair;
  readonly pit: I8254Pit;
  readonly hpet: Hpet;
  readonly rtc: Mc146818Rtc;
  readonly acpiPm: AcpiPm;
  readonly i8042: I8042;
  readonly uarts: readonly Uart16550[];
  readonly serialLines: readonly SerialLine[];
  readonly pci: PciBus;
  readonly piix3: Piix3IsaBridge;
  readonly isa: IsaInterrupts;
}

const LEAST_MEMORY = 2 << 20;
const DETERMINISTIC_EPOCH = Date.UTC(2025, 0, 1);
const MAX_DISK_QUEUES = 4;

/** Builds a PC and leaves it switched off: `pc.machine.powerOn()`, or `pc.machine.restore(snapshot)`, comes next. */
export function createPc(config: PcConfig): Pc {
  const { memoryBytes, cpus = 1 } = config;
  if (memoryBytes < LEAST_MEMORY)
    throw new MachineError('configuration', `${memoryBytes} bytes of memory; a PC takes at least ${LEAST_MEMORY}`);
  const machine = new Machine({
    ...config,
    ramBytes: memoryBytes,
    processors: cpus,
    holeStart: at.RAM_HOLE_START,
    processor: config.processor ?? x86Processor({ ...(config.cpuModel === undefined ? {} : { model: config.cpuModel }), nmi: (index): boolean => ioApic.maySendNmi || localApics[index].lint0IsNmi }),
  });
  const { clock, door, ports, memory, ram } = machine;

  // Interrupts: devices -> ISA lines -> 8259s and I/O APIC -> local APICs.
  const apicBus = new ApicBus();
  const localApics: LocalApic[] = [];
  const pic: I8259PicPair = machine.add(
    new I8259PicPair({ intr: { set: (level) => localApics.forEach((apic) => apic.lint0.set(level)) } }),
  );
  const ioApic = machine.add(new IoApic({ bus: apicBus }));
  for (let id = 0; id < cpus; id++) {
    const tsc = {
      toNanoseconds: (value: bigint): number =>
        ticksToNanoseconds(value - (machine.vcpus[id].tscOffset ?? 0n), machine.tscHz),
    };
    localApics.push(machine.add(new LocalApic({ bus: apicBus, clock, tsc, pic }, { id })));
  }
  const isa = machine.add(
    new IsaInterrupts((irq) => fanOut(pic.irq(irq), ioApic.pin(irq === at.IRQ_PIT ? at.PIN_PIT : irq))),
  );
  ports.map(at.PORT_PIC_MASTER, pic.regions.master);
  ports.map(at.PORT_PIC_SLAVE, pic.regions.slave);
  ports.map(at.PORT_ELCR, pic.regions.elcr);
  memory.map(at.IO_APIC, ioApic.regions.registers);

  // Time.
  const hpetPins: Record<number, IrqLine> = {};
  for (const pin of at.HPET_PINS) hpetPins[pin] = ioApic.pin(pin);
  const hpet = machine.add(new Hpet({ clock, pins: hpetPins, irq0: isa.irq(at.IRQ_PIT), irq8: isa.irq(at.IRQ_RTC) }));
  const pit = machine.add(new I8254Pit({ clock, out0: hpet.pit }));
  const port61 = machine.add(new Port61({ clock, gate2: pit.gate(2), out2: () => pit.output(2) }));
  const lowBytes = Math.min(memoryBytes, at.RAM_HOLE_START);
  const rtc = machine.add(
    new Mc146818Rtc(
      { irq: hpet.rtc, clock },
      {
        epoch: config.epoch ?? (machine.deterministic ? DETERMINISTIC_EPOCH : Date.now()),
        cmos: cmosContents({ lowBytes, highBytes: memoryBytes - lowBytes }, cpus),
      },
    ),
  );
  memory.map(at.HPET, hpet.regions.registers);
  ports.map(at.PORT_PIT, pit.regions.ports);
  ports.map(at.PORT_61, port61.regions.port);
  ports.map(at.PORT_RTC, rtc.regions.ports);

  // Keyboard, mouse, reset, and what else an AT has.
  const i8042 = machine.add(
    new I8042({
      clock,
      keyboardIrq: isa.irq(at.IRQ_KEYBOARD),
      mouseIrq: isa.irq(at.IRQ_MOUSE),
      reset: () => machine.requestReset('keyboard-controller'),
    }),
  );
  const keys = door.input<{ code: string; down: boolean }>('keyboard', ({ code, down }) =>
    i8042.keyboard.key(code, down),
  );
  const moves = door.input<{ dx: number; dy: number; dz: number; buttons: number }>(
    'mouse',
    ({ dx, dy, dz, buttons }) => i8042.mouse?.move(dx, dy, dz, buttons),
  );
  // A20 is always open: what boots here never sees it closed, and RAM above 1 MiB must not fold.
  const port92 = machine.add(new Port92({ a20: disconnected, reset: () => machine.requestReset('port-92') }));
  const dma = machine.add(new Dma8237());
  const postCode = machine.add(new PostCode({ observe: (code) => machine.report({ kind: 'post-code', code }) }));
  ports.map(at.PORT_I8042_DATA, i8042.regions.data);
  ports.map(at.PORT_I8042_COMMAND, i8042.regions.command);
  ports.map(at.PORT_92, port92.regions.port);
  ports.map(at.PORT_DMA_LOW, dma.regions.low);
  ports.map(at.PORT_DMA_HIGH, dma.regions.high);
  ports.map(at.PORT_DMA_PAGES, dma.regions.pages);
  ports.map(at.PORT_POST, postCode.regions.port);

  // Serial ports.
  const uarts: Uart16550[] = [];
  const serialLines: SerialLine[] = [];
  const serial = config.serial ?? [null, null];
  if (serial.length > at.SERIAL_PORTS.length)
    throw new MachineError(
      'configuration',
      `${serial.length} serial ports; a PC has at most ${at.SERIAL_PORTS.length}`,
    );
  serial.forEach((port, index) => {
    const { ioBase, irq } = at.SERIAL_PORTS[index];
    const line = machine.add(new SerialLine(`com${index + 1}-line`, door, port ?? undefined));
    const uart = machine.add(
      new Uart16550({ irq: isa.irq(irq), port: line, clock }, { name: `com${index + 1}`, flowControl: 'rts' }),
    );
    ports.map(ioBase, uart.regions.registers);
    serialLines.push(line);
    uarts.push(uart);
  });

  const breaks = door.input<number>('serial-break', (n) => uarts[n].receiveBreak());

  // Debug ports: no part of a PC, and where nothing of a PC is.
  const debugExit = machine.add(new DebugExit({ exit: (value) => machine.requestDebugExit(value) }));
  const debugConsole = machine.add(new DebugConsole({ port: config.debugConsole ?? { write: () => undefined } }));
  ports.map(at.PORT_DEBUG_EXIT, debugExit.regions.port);
  ports.map(at.PORT_DEBUG_CONSOLE, debugConsole.regions.port);

  // PCI: host bridge, ISA bridge, power management.
  const resetControl = machine.add(
    new ResetControl({ reset: (type) => machine.requestReset('port-cf9', type === 'full' ? 'cold' : 'warm') }),
  );
  const piix3 = machine.add(
    new Piix3IsaBridge({
      isaIrqs: Array.from({ length: 16 }, (_, irq) => isa.irq(irq)),
      ioApicInputs: [0, 1, 2, 3].map((pirq) => ioApic.pin(at.PIN_PIRQ_A + pirq)),
    }),
  );
  const pci = machine.add(
    new PciBus({ ports, memory, msi: apicBus, pirqs: piix3.pirqs, resetControl: resetControl.regions.port }),
  );
  ports.map(at.PORT_PCI_ADDRESS, pci.regions.address);
  ports.map(at.PORT_PCI_DATA, pci.regions.data);
  pci.slot(at.SLOT_HOST_BRIDGE).plug(i440fxHostBridge());
  pci.slot(at.SLOT_ISA_BRIDGE).plug(piix3.pciFunction);
  const acpiPm = machine.add(
    new AcpiPm({ clock, sci: isa.irq(at.IRQ_SCI), powerOff: () => machine.requestPowerOff() }),
  );
  const piix4Pm = machine.add(new Piix4Pm({ ports, pm: acpiPm.regions.pm }));
  pci.slot(at.SLOT_ISA_BRIDGE, at.FUNCTION_PM).plug(piix4Pm.pciFunction);
  ports.map(at.PORT_SMI, acpiPm.regions.smi);
  const powerButton = door.input<null>('power-button', () => acpiPm.pressPowerButton());

  // Cards. Linux names network cards by their slots, so these don't depend on what else there is.
  const chosenSlots = new Set(config.nics?.map(({ slot }) => slot));
  const freeSlot = (): number => {
    for (let number = at.SLOT_FIRST_CARD; number <= at.SLOT_LAST; number++) {
      if (!chosenSlots.has(number) && pci.slot(number).occupant === undefined) return number;
    }
    throw new MachineError('configuration', 'no PCI slot is left');
  };
  const plug = (make: (slot: PciSlot) => PciCard, slotNumber = freeSlot()): PciSlot => {
    if (!Number.isInteger(slotNumber) || slotNumber < at.SLOT_FIRST || slotNumber > at.SLOT_LAST)
      throw new MachineError('configuration', `PCI slot ${slotNumber} takes no card; ${at.SLOT_FIRST} to ${at.SLOT_LAST} do`);
    const slot = pci.slot(slotNumber);
    if (slot.occupant !== undefined) throw new MachineError('configuration', `PCI slot ${slotNumber} is taken by ${slot.occupant.name}`);
    const card = make(slot);
    machine.add(card.device);
    slot.plug(card.function);
    return slot;
  };
  const plugVirtio = (device: VirtioDevice, slotNumber?: number): void => {
    plug((slot) => {
      const transport = new VirtioPci(
        {
          memory: ram,
          interrupts: slot.interrupts,
          device,
          observer: (event) => machine.report(event as MachineEvent),
        },
        { transitional: true },
      );
      return { device: transport, function: transport.function };
    }, slotNumber);
  };
  const nics = (config.nics ?? []).map((nic, index) => addNetworkCard(machine, { plug, plugVirtio }, nic, index));
  if (config.rng !== false) plugVirtio(new VirtioRng({ entropy: machine.entropy }));
  const wanted = (config.disks ?? []).map((disk, index) => ({ ...disk, name: disk.name ?? `disk${index}` }));
  const ide = plugIde(machine, isa, pci, wanted);
  plugAhci(machine, plug, wanted);
  const disks = wanted.flatMap(({ backend, name: diskName, serial: diskSerial, queues, interface: kind, cdrom }) => {
    if (kind !== undefined && kind !== 'virtio') return [];
    if (cdrom === true) throw new MachineError('configuration', `${diskName}: a CD-ROM is attached to ide or ahci, not to virtio`);
    const disk = new VirtioBlk(
      { backend, ingress: door },
      { name: diskName, serial: diskSerial ?? diskName, queues: queues ?? Math.min(cpus, MAX_DISK_QUEUES) },
    );
    plugVirtio(disk);
    return [disk];
  });

  // Processors.
  const pins = machine.addProcessors((index) => ({
    bus: new PcProcessorBus(memory, ports, localApics[index]),
    apic: localApics[index],
  }));
  pins.forEach((pin, index) => localApics[index].connect(pin));

  // Firmware.
  const firmware = firmwareTables(machine, lowBytes, hpet.eventTimerBlockId, uarts.length);
  const plan = config.boot === undefined ? undefined : planOf(config.boot, machine, firmware);
  machine.firmware = () => {
    assignResources(pci);
    ide?.enable();
    // PCI interrupts are level triggered, and so is the SCI: ELCR bits 9, 10 and 11.
    ports.write(at.PORT_ELCR + 1, 0x0e, 1);
    for (const { address, bytes } of firmware.segments) ram.load(address, bytes);
    if (plan !== undefined) loadPlan(plan, ram, machine.vcpus[0]);
  };

  return {
    machine,
    chips: { apicBus, localApics, ioApic, pic, pit, hpet, rtc, acpiPm, i8042, uarts, serialLines, pci, piix3, isa },
    plan,
    disks,
    nics,
    plug,
    key: (code, down) => keys.post({ code, down }),
    mouse: (dx, dy, dz, buttons) => moves.post({ dx, dy, dz, buttons }),
    sendBreak: (n) => {
      if (uarts[n] === undefined) throw new MachineError('configuration', `there is no COM${n + 1}`);
      breaks.post(n);
    },
    pressPowerButton: () => powerButton.post(null),
  };
}

/** Puts the IDE function, and what is attached to it, behind the ISA bridge; a machine without IDE disks has none. */
function plugIde(machine: Machine, isa: IsaInterrupts, pci: PciBus, disks: readonly (PcDisk & { name: string })[]): PiixIde | undefined {
  const drives = drivesOn('ide', disks, 4);
  if (drives === undefined) return undefined;
  const { door, ram, ports } = machine;
  const ide = machine.add(new PiixIde({ memory: ram, ingress: door, irqs: [isa.irq(at.IRQ_IDE_PRIMARY), isa.irq(at.IRQ_IDE_SECONDARY)], drives }));
  ports.map(at.PORT_IDE_PRIMARY, ide.regions.primary);
  ports.map(at.PORT_IDE_PRIMARY_CONTROL, ide.regions.primaryControl);
  ports.map(at.PORT_IDE_SECONDARY, ide.regions.secondary);
  ports.map(at.PORT_IDE_SECONDARY_CONTROL, ide.regions.secondaryControl);
  pci.slot(at.SLOT_ISA_BRIDGE, at.FUNCTION_IDE).plug(ide.pciFunction);
  return ide;
}

function plugAhci(machine: Machine, plug: Pc['plug'], disks: readonly (PcDisk & { name: string })[]): void {
  const drives = drivesOn('ahci', disks, MAX_PORTS);
  if (drives === undefined) return;
  plug(({ interrupts }) => {
    const ahci = new Ahci({ memory: machine.ram, ingress: machine.door, interrupts, drives });
    return { device: ahci, function: ahci.pciFunction };
  });
}

/** The drives on one controller, by position. @returns undefined when there are none */
function drivesOn(kind: 'ide' | 'ahci', disks: readonly (PcDisk & { name: string })[], units: number): (AtaDevice | undefined)[] | undefined {
  const ours = disks.filter((disk) => disk.interface === kind);
  if (ours.length === 0) return undefined;
  const drives = new Map<number, AtaDevice>();
  const names: string[] = [];
  const attach = (disk: PcDisk & { name: string }, unit: number): void => {
    if (!Number.isInteger(unit) || unit < 0 || unit >= units) throw new MachineError('configuration', `${disk.name}: there is no ${kind} unit ${unit}; there are 0 to ${units - 1}`);
    if (drives.has(unit)) throw new MachineError('configuration', `${disk.name}: ${kind} unit ${unit} is taken by ${names[unit]}`);
    names[unit] = disk.name;
    drives.set(unit, ataDevice(disk, kind === 'ahci'));
  };
  for (const disk of ours) if (disk.unit !== undefined) attach(disk, disk.unit);
  for (const disk of ours) {
    if (disk.unit !== undefined) continue;
    let free = 0;
    while (drives.has(free)) free++;
    attach(disk, free);
  }
  return Array.from({ length: Math.max(...drives.keys()) + 1 }, (_, unit) => drives.get(unit));
}

function ataDevice({ backend, cdrom, name, serial }: PcDisk & { name: string }, sata: boolean): AtaDevice {
  const identity = { serial: (serial ?? name).slice(0, 20), sata };
  return cdrom === true ? new AtapiCdrom(backend, identity) : new AtaDisk(backend, identity);
}

interface FirmwareTables {
  readonly segments: readonly AcpiSegment[];
  readonly rsdp: number;
}

function firmwareTables(machine: Machine, lowBytes: number, hpetBlockId: number, serialPorts: number): FirmwareTables {
  const board: Omit<AcpiConfig, 'placement'> = {
    apicIds: Array.from({ length: machine.processorCount }, (_, id) => id),
    ioApic: { id: 0, address: at.IO_APIC },
    hpet: { address: at.HPET, blockId: hpetBlockId },
    pci: { pirqGsi: at.PIN_PIRQ_A },
    serialPorts: at.SERIAL_PORTS.slice(0, serialPorts),
  };
  const { segments, rsdp } = buildAcpiTables({
    ...board,
    placement: { rsdp: at.RSDP, tables: lowBytes - at.ACPI_RESERVE },
  });
  for (const { name, address, bytes } of segments) {
    if (address > at.RSDP && address + bytes.length > lowBytes)
      throw new MachineError(
        'configuration',
        `${name} of ${bytes.length} bytes exceeds the ${at.ACPI_RESERVE} reserved for ACPI`,
      );
  }
  const mpTable = buildMpTable(board, at.MP_TABLE);
  if (mpTable.address + mpTable.bytes.length > at.SMBIOS)
    throw new MachineError('configuration', `the MP table of ${mpTable.bytes.length} bytes reaches into SMBIOS`);
  return { segments: [...segments, mpTable, buildSmbios({}, at.SMBIOS)], rsdp };
}

function planOf(boot: PcBoot, machine: Machine, firmware: FirmwareTables): BootPlan {
  if ('plan' in boot) return boot.plan;
  // Not from the machine's own numbers: power-on starts those again, and the guest would see its seed as its first random bytes.
  const random = new Uint8Array(36);
  (machine.seed === undefined ? hostEntropy : new SeededEntropy(~machine.seed)).fill(random);
  return planBoot({
    ...boot,
    cpus: machine.processorCount,
    memory: { ranges: machine.ram.ranges },
    acpi: { rsdp: firmware.rsdp },
    rngSeed: random.subarray(0, 32),
    kaslrSeed: new DataView(random.buffer).getUint32(32, true),
    // What lies below 1 MiB is reserved anyway.
    reserved: firmware.segments
      .filter(({ address }) => address >= 1 << 20)
      .map(({ name, address, bytes, memoryType }) => ({
        name,
        start: address,
        length: wholePages(bytes.length),
        type: memoryType,
      })),
  });
}

function wholePages(length: number): number {
  return Math.ceil(length / 4096) * 4096;
}

function ticksToNanoseconds(ticks: bigint, hz: number): number {
  const scaled = ticks * 1_000_000_000n;
  const rate = BigInt(hz);
  return Number((scaled + rate - 1n) / rate);
}
