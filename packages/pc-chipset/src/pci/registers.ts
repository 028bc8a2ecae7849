/** Configuration space header, type 0: PCI Local Bus Specification 3.0, section 6.1 and appendix D. */

export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
export const STATUS = 0x06;
export const REVISION_ID = 0x08;
export const CLASS_CODE = 0x09;
export const HEADER_TYPE = 0x0e;
export const BASE_ADDRESS_0 = 0x10;
export const SUBSYSTEM_VENDOR_ID = 0x2c;
export const SUBSYSTEM_ID = 0x2e;
export const CAPABILITIES_POINTER = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const INTERRUPT_PIN = 0x3d;
/** The first register that the standard leaves to the device. */
export const DEVICE_SPECIFIC = 0x40;

export const COMMAND_IO = 1 << 0;
export const COMMAND_MEMORY = 1 << 1;
export const COMMAND_BUS_MASTER = 1 << 2;
export const COMMAND_PARITY = 1 << 6;
export const COMMAND_SERR = 1 << 8;
export const COMMAND_INTX_DISABLE = 1 << 10;

export const STATUS_INTERRUPT = 1 << 3;
export const STATUS_CAPABILITIES = 1 << 4;
/** DEVSEL timing "medium", what the chips of the time had. */
export const STATUS_DEVSEL_MEDIUM = 1 << 9;

export const HEADER_MULTIFUNCTION = 0x80;

export const BAR_IO = 0x1;
export const BAR_MEMORY_64 = 0x4;
export const BAR_PREFETCHABLE = 0x8;

export const CAP_MSI = 0x05;
export const CAP_VENDOR = 0x09;
export const CAP_MSIX = 0x11;

/** MSI message control, PCI 3.0 section 6.8.1.3. */
export const MSI_ENABLE = 1 << 0;
export const MSI_MULTIPLE_CAPABLE_SHIFT = 1;
export const MSI_MULTIPLE_ENABLE_SHIFT = 4;
export const MSI_64_BIT = 1 << 7;
export const MSI_PER_VECTOR_MASK = 1 << 8;

/** MSI-X message control, PCI 3.0 section 6.8.2.3. */
export const MSIX_ENABLE = 1 << 15;
export const MSIX_FUNCTION_MASK = 1 << 14;
