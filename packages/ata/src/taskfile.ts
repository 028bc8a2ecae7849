/**
 * The registers through which a host talks to an ATA device, whatever carries them: ports of a parallel controller, or a Register FIS.
 * ATA8-ACS (T13/1699-D), section 6 "Register delivered data transfer command sector addressing", and section 7 for the commands.
 */

/** What the host wrote. LBA and the 16-bit registers hold both bytes of 48-bit commands; 28-bit ones use the low ones. */
export type Taskfile = {
  readonly command: number;
  readonly features: number;
  readonly count: number;
  /** 0 .. 2^48-1; bits 27:24 of a 28-bit address are in `device`. */
  readonly lba: number;
  readonly device: number;
};

// Status.
export const BSY = 0x80;
export const DRDY = 0x40;
export const DF = 0x20;
/** Device seek complete; software of the 1990s waits for it. */
export const DSC = 0x10;
export const DRQ = 0x08;
export const ERR = 0x01;

// Error.
export const ERROR_ICRC = 0x80;
export const ERROR_UNC = 0x40;
export const ERROR_IDNF = 0x10;
export const ERROR_ABRT = 0x04;
/** After a reset or EXECUTE DEVICE DIAGNOSTIC: device passed (ATA8-ACS table 14). */
export const DIAGNOSTIC_PASSED = 0x01;

// Device register.
export const DEVICE_LBA = 0x40;
/** Device 1 is selected. */
export const DEVICE_DEV = 0x10;

/** Bits of the count register in the PACKET protocol (interrupt reason). */
export const REASON_CD = 0x01;
export const REASON_IO = 0x02;

/** What a device shows in count and LBA after a reset, so that software knows its kind (ATA8-ACS table 206). */
export interface Signature {
  readonly count: number;
  readonly lba: number;
}
export const SIGNATURE_ATA: Signature = { count: 1, lba: 0x00_00_01 };
export const SIGNATURE_ATAPI: Signature = { count: 1, lba: 0xeb_14_01 };

// Commands.
export const CMD_NOP = 0x00;
export const CMD_DATA_SET_MANAGEMENT = 0x06;
export const CMD_DEVICE_RESET = 0x08;
export const CMD_READ_SECTORS = 0x20;
export const CMD_READ_SECTORS_EXT = 0x24;
export const CMD_READ_DMA_EXT = 0x25;
export const CMD_READ_MULTIPLE_EXT = 0x29;
export const CMD_READ_LOG_EXT = 0x2f;
export const CMD_WRITE_SECTORS = 0x30;
export const CMD_WRITE_SECTORS_EXT = 0x34;
export const CMD_WRITE_DMA_EXT = 0x35;
export const CMD_WRITE_MULTIPLE_EXT = 0x39;
export const CMD_WRITE_DMA_FUA_EXT = 0x3d;
export const CMD_READ_VERIFY_SECTORS = 0x40;
export const CMD_READ_VERIFY_SECTORS_EXT = 0x42;
export const CMD_READ_FPDMA_QUEUED = 0x60;
export const CMD_WRITE_FPDMA_QUEUED = 0x61;
export const CMD_EXECUTE_DEVICE_DIAGNOSTIC = 0x90;
export const CMD_INITIALIZE_DEVICE_PARAMETERS = 0x91;
export const CMD_PACKET = 0xa0;
export const CMD_IDENTIFY_PACKET_DEVICE = 0xa1;
export const CMD_READ_MULTIPLE = 0xc4;
export const CMD_WRITE_MULTIPLE = 0xc5;
export const CMD_SET_MULTIPLE_MODE = 0xc6;
export const CMD_READ_DMA = 0xc8;
export const CMD_WRITE_DMA = 0xca;
export const CMD_WRITE_MULTIPLE_FUA_EXT = 0xce;
export const CMD_STANDBY_IMMEDIATE = 0xe0;
export const CMD_IDLE_IMMEDIATE = 0xe1;
export const CMD_STANDBY = 0xe2;
export const CMD_IDLE = 0xe3;
export const CMD_CHECK_POWER_MODE = 0xe5;
export const CMD_SLEEP = 0xe6;
export const CMD_FLUSH_CACHE = 0xe7;
export const CMD_FLUSH_CACHE_EXT = 0xea;
export const CMD_IDENTIFY_DEVICE = 0xec;
export const CMD_SET_FEATURES = 0xef;
