/** Serial ATA AHCI 1.3.1: registers of the HBA (section 3.1) and of a port (section 3.3), and structures in memory (section 4). */

// Generic host control.
export const CAP = 0x00;
export const GHC = 0x04;
export const IS = 0x08;
export const PI = 0x0c;
export const VS = 0x10;
export const CAP2 = 0x24;
export const PORTS = 0x100;
export const PORT_BYTES = 0x80;

export const CAP_S64A = 0x8000_0000;
export const CAP_SNCQ = 0x4000_0000;
export const CAP_SCLO = 0x0100_0000;
/** Generation 2: 3 Gb/s. */
export const CAP_ISS_GEN2 = 0x0020_0000;
/** AHCI mode only. */
export const CAP_SAM = 0x0004_0000;
export const CAP_NCS_SHIFT = 8;

export const GHC_HR = 0x0000_0001;
export const GHC_IE = 0x0000_0002;
export const GHC_AE = 0x8000_0000;
export const VERSION_1_3_1 = 0x0001_0301;

// Port registers.
export const PX_CLB = 0x00;
export const PX_CLBU = 0x04;
export const PX_FB = 0x08;
export const PX_FBU = 0x0c;
export const PX_IS = 0x10;
export const PX_IE = 0x14;
export const PX_CMD = 0x18;
export const PX_TFD = 0x20;
export const PX_SIG = 0x24;
export const PX_SSTS = 0x28;
export const PX_SCTL = 0x2c;
export const PX_SERR = 0x30;
export const PX_SACT = 0x34;
export const PX_CI = 0x38;

// PxIS and PxIE.
export const IS_DHRS = 0x0000_0001;
export const IS_PSS = 0x0000_0002;
export const IS_SDBS = 0x0000_0008;
export const IS_PCS = 0x0000_0040;
export const IS_PRCS = 0x0040_0000;
export const IS_OFS = 0x0100_0000;
export const IS_IFS = 0x0800_0000;
export const IS_HBFS = 0x2000_0000;
export const IS_TFES = 0x4000_0000;
export const IE_WRITABLE = 0xfdc0_00ff;
/** Those that PxSERR holds; PxIS shows them. */
export const IS_FROM_SERR = IS_PCS | IS_PRCS;

// PxCMD.
export const CMD_ST = 0x0000_0001;
export const CMD_SUD = 0x0000_0002;
export const CMD_POD = 0x0000_0004;
export const CMD_CLO = 0x0000_0008;
export const CMD_FRE = 0x0000_0010;
export const CMD_CCS_SHIFT = 8;
export const CMD_FR = 0x0000_4000;
export const CMD_CR = 0x0000_8000;
/** Bits that software stores: ATAPI, DLAE, ALPE, ASP. */
export const CMD_STORED = 0x0f00_0000;

// PxSSTS, PxSCTL, PxSERR.
export const SSTS_PRESENT_GEN2_ACTIVE = 0x123;
export const SCTL_WRITABLE = 0xfff;
export const SCTL_DET_INITIALIZE = 1;
export const SERR_DIAG_N = 0x0001_0000;
export const SERR_DIAG_X = 0x0400_0000;

// The command list (section 4.2.2).
export const HEADER_BYTES = 32;
export const SLOTS = 32;
export const HEADER_CFL = 0x1f;
export const HEADER_ATAPI = 0x20;
export const HEADER_CLEAR_BUSY = 0x400;

// The command table (section 4.2.3).
export const TABLE_ACMD = 0x40;
export const TABLE_PRDT = 0x80;
export const PRD_BYTES = 16;
/** Byte count less one, always odd. */
export const PRD_DBC = 0x3f_ffff;

// The received FIS structure (section 4.2.1).
export const RFIS_PIO_SETUP = 0x20;
export const RFIS_D2H = 0x40;
export const RFIS_SDB = 0x58;
export const RFIS_BYTES = 0x100;

// FIS types (Serial ATA 3.0, section 10.3).
export const FIS_H2D = 0x27;
export const FIS_D2H = 0x34;
export const FIS_PIO_SETUP = 0x5f;
export const FIS_SET_DEVICE_BITS = 0xa1;
/** H2D: the command register was written; otherwise device control. */
export const FIS_COMMAND = 0x80;
export const FIS_INTERRUPT = 0x40;
export const FIS_DIRECTION_IN = 0x20;
