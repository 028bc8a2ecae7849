/** Where things are on the PC that `createPc` builds. Addresses are physical, ports are ports. */

/** Devices below 4 GiB begin here; RAM that doesn't fit below goes above 4 GiB. */
export const RAM_HOLE_START = 0xc000_0000;
/** ACPI tables lie in the last bytes of RAM below 4 GiB. */
export const ACPI_RESERVE = 0x1_0000;
export const RSDP = 0xe_0000;
/** MP floating pointer and SMBIOS entry point: F0000H to FFFFFH is where they are searched for. */
export const MP_TABLE = 0xf_0000;
export const SMBIOS = 0xf_4000;

export const IO_APIC = 0xfec0_0000;
export const HPET = 0xfed0_0000;

export const PORT_DMA_LOW = 0x00;
export const PORT_PIC_MASTER = 0x20;
export const PORT_PIT = 0x40;
export const PORT_I8042_DATA = 0x60;
export const PORT_61 = 0x61;
export const PORT_I8042_COMMAND = 0x64;
export const PORT_RTC = 0x70;
export const PORT_POST = 0x80;
export const PORT_DMA_PAGES = 0x81;
export const PORT_92 = 0x92;
export const PORT_PIC_SLAVE = 0xa0;
export const PORT_SMI = 0xb2;
export const PORT_DMA_HIGH = 0xc0;
export const PORT_IDE_SECONDARY = 0x170;
export const PORT_IDE_PRIMARY = 0x1f0;
export const PORT_IDE_SECONDARY_CONTROL = 0x376;
export const PORT_IDE_PRIMARY_CONTROL = 0x3f6;
export const PORT_DEBUG_CONSOLE = 0xe9;
export const PORT_DEBUG_EXIT = 0xf4;
export const PORT_ELCR = 0x4d0;
export const PORT_PCI_ADDRESS = 0xcf8;
export const PORT_PCI_DATA = 0xcfc;

/** COM1 to COM4. */
export const SERIAL_PORTS = [
  { ioBase: 0x3f8, irq: 4 },
  { ioBase: 0x2f8, irq: 3 },
  { ioBase: 0x3e8, irq: 4 },
  { ioBase: 0x2e8, irq: 3 },
] as const;

/** ISA interrupts. */
export const IRQ_PIT = 0;
export const IRQ_KEYBOARD = 1;
export const IRQ_RTC = 8;
export const IRQ_SCI = 9;
export const IRQ_MOUSE = 12;
export const IRQ_IDE_PRIMARY = 14;
export const IRQ_IDE_SECONDARY = 15;

/** I/O APIC inputs: the PIT's, PIRQA# to PIRQD#, and those that the HPET may choose from. */
export const PIN_PIT = 2;
export const PIN_PIRQ_A = 16;
export const HPET_PINS = [20, 21, 22, 23] as const;

/** PCI device numbers. */
export const SLOT_HOST_BRIDGE = 0;
export const SLOT_ISA_BRIDGE = 1;
export const FUNCTION_IDE = 1;
export const FUNCTION_PM = 3;
/** Cards may be in 2 to 31. Unless told otherwise they begin at 3: other boards have their display in 2, and thus their network card in 3. */
export const SLOT_FIRST = 2;
export const SLOT_FIRST_CARD = 3;
export const SLOT_LAST = 31;
