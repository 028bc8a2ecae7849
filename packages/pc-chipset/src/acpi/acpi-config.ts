import { ChipsetError } from '../chipset-error.js';
import { DEFAULT_PM_BASE, SCI_IRQ } from '../pci/assign-resources.js';
import type { AmlTerm } from './aml.js';

/** Addresses, both inclusive. */
export interface AcpiWindow {
  readonly start: number;
  readonly end: number;
}

export interface AcpiSerialPort {
  readonly ioBase: number;
  readonly irq: number;
}

/** What the tables say of a machine. Everything optional has the value of the board that `machine` builds. */
export interface AcpiConfig {
  readonly placement: {
    /** Where the RSDP goes: 16-byte aligned, in E0000H..FFFFFH, which operating systems search. Default E0000H. */
    readonly rsdp?: number;
    /** Page aligned, in RAM below 4 GiB that the memory map keeps from the guest: a page for the FACS, the tables from the next. */
    readonly tables: number;
  };
  /** Local APIC IDs, the boot processor's first; 0..254. */
  readonly apicIds: readonly number[];
  readonly localApicAddress?: number;
  readonly ioApic?: { readonly id?: number; readonly address?: number };
  /** `undefined`: there is none. */
  readonly hpet?: {
    readonly address?: number;
    /** The low half of the HPET's capabilities register: vendor, comparators, counter size. */
    readonly blockId?: number;
    /** In ticks, for periodic mode. */
    readonly minimumTick?: number;
  };
  /** Fixed hardware; see `AcpiPm`. */
  readonly pm?: {
    readonly base?: number;
    readonly timerBits?: 24 | 32;
    /** No SMI command port is needed: the firmware has switched the SCI on. */
    readonly acpiEnabled?: boolean;
    readonly sciIrq?: number;
  };
  /** `null`: no PCI bus. */
  readonly pci?: {
    readonly memory?: AcpiWindow;
    readonly memory64?: AcpiWindow;
    /** First I/O APIC input of PIRQA..PIRQD. Default 16. */
    readonly pirqGsi?: number;
    /** ISA interrupts that the PIRQs may be routed to. Default 5, 10, 11. */
    readonly pirqIrqs?: readonly number[];
    /** The last device number that can hold a function, 1 to 31. Default 31. */
    readonly lastSlot?: number;
    /** Whether the ISA bridge with the PIRQ router is device 1. Without it there is no PIC mode routing. Default true. */
    readonly isaBridge?: boolean;
  } | null;
  readonly serialPorts?: readonly AcpiSerialPort[];
  /** Default true. */
  readonly keyboard?: boolean;
  /** Default true. */
  readonly mouse?: boolean;
  /** Default true. */
  readonly rtc?: boolean;
  /** A VGA adapter answers at its legacy addresses. Default false, and the FADT says so. */
  readonly vga?: boolean;
  /** Virtio over MMIO, one device each: LNRO0005. */
  readonly virtioMmio?: readonly { readonly address: number; readonly length: number; readonly gsi: number }[];
  /** More of \_SB, at its end. */
  readonly extraDevices?: readonly AmlTerm[];
}

/** The configuration with its defaults filled in, as the table builders take it. */
export interface AcpiBoard {
  readonly apicIds: readonly number[];
  readonly localApicAddress: number;
  readonly ioApic: { readonly id: number; readonly address: number };
  readonly hpet: { readonly address: number; readonly blockId: number; readonly minimumTick: number } | undefined;
  readonly pm: { readonly base: number; readonly timerBits: 24 | 32; readonly acpiEnabled: boolean; readonly sciIrq: number };
  readonly pci:
    | {
        readonly memory: AcpiWindow | undefined;
        readonly memory64: AcpiWindow | undefined;
        readonly pirqGsi: number;
        readonly pirqIrqs: readonly number[];
        readonly lastSlot: number;
        readonly isaBridge: boolean;
      }
    | null;
  readonly serialPorts: readonly AcpiSerialPort[];
  readonly keyboard: boolean;
  readonly mouse: boolean;
  readonly rtc: boolean;
  readonly vga: boolean;
  readonly virtioMmio: readonly { readonly address: number; readonly length: number; readonly gsi: number }[];
  readonly extraDevices: readonly AmlTerm[];
}

/** 8086H, legacy replacement, 64-bit counter, three comparators, revision 1. */
const DEFAULT_HPET_BLOCK_ID = 0x8086_a201;

/** @throws ChipsetError when no table could say this */
export function boardOf(config: Omit<AcpiConfig, 'placement'>): AcpiBoard {
  const { apicIds, pci } = config;
  if (apicIds.length === 0 || apicIds.length > 255 || apicIds.some((id) => !Number.isInteger(id) || id < 0 || id > 254)) {
    throw new ChipsetError('acpi-config', `APIC IDs [${apicIds.join(', ')}]: 1 to 255 of them, each 0 to 254`);
  }
  return {
    apicIds,
    localApicAddress: config.localApicAddress ?? 0xfee0_0000,
    ioApic: { id: config.ioApic?.id ?? 0, address: config.ioApic?.address ?? 0xfec0_0000 },
    hpet:
      config.hpet === undefined
        ? undefined
        : {
            address: config.hpet.address ?? 0xfed0_0000,
            blockId: config.hpet.blockId ?? DEFAULT_HPET_BLOCK_ID,
            minimumTick: config.hpet.minimumTick ?? 100,
          },
    pm: {
      base: config.pm?.base ?? DEFAULT_PM_BASE,
      timerBits: config.pm?.timerBits ?? 24,
      acpiEnabled: config.pm?.acpiEnabled ?? false,
      sciIrq: config.pm?.sciIrq ?? SCI_IRQ,
    },
    pci:
      pci === null
        ? null
        : {
            memory: pci?.memory,
            memory64: pci?.memory64,
            pirqGsi: pci?.pirqGsi ?? 16,
            pirqIrqs: pci?.pirqIrqs ?? [5, 10, 11],
            lastSlot: pci?.lastSlot ?? 31,
            isaBridge: pci?.isaBridge ?? true,
          },
    serialPorts: config.serialPorts ?? [{ ioBase: 0x3f8, irq: 4 }],
    keyboard: config.keyboard ?? true,
    mouse: config.mouse ?? true,
    rtc: config.rtc ?? true,
    vga: config.vga ?? false,
    virtioMmio: config.virtioMmio ?? [],
    extraDevices: config.extraDevices ?? [],
  };
}
