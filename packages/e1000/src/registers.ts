// Registers of the 82540EM: Intel PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (317453), chapter 13. The names
// are the manual's.

export const CTRL = 0x0000;
/** The same register again (13.4.2). */
export const CTRL_ALIAS = 0x0004;
export const STATUS = 0x0008;
export const EECD = 0x0010;
export const EERD = 0x0014;
export const CTRL_EXT = 0x0018;
export const MDIC = 0x0020;
export const FCAL = 0x0028;
export const FCAH = 0x002c;
export const FCT = 0x0030;
export const VET = 0x0038;
export const ICR = 0x00c0;
export const ITR = 0x00c4;
export const ICS = 0x00c8;
export const IMS = 0x00d0;
export const IMC = 0x00d8;
export const RCTL = 0x0100;
export const FCTTV = 0x0170;
export const TXCW = 0x0178;
export const TCTL = 0x0400;
export const TIPG = 0x0410;
export const AIFS = 0x0458;
export const LEDCTL = 0x0e00;
export const PBA = 0x1000;
export const FCRTL = 0x2160;
export const FCRTH = 0x2168;
export const RDBAL = 0x2800;
export const RDBAH = 0x2804;
export const RDLEN = 0x2808;
export const RDH = 0x2810;
export const RDT = 0x2818;
export const RDTR = 0x2820;
export const RXDCTL = 0x2828;
export const RADV = 0x282c;
export const RSRPD = 0x2c00;
export const TXDMAC = 0x3000;
export const TDBAL = 0x3800;
export const TDBAH = 0x3804;
export const TDLEN = 0x3808;
export const TDH = 0x3810;
export const TDT = 0x3818;
export const TIDV = 0x3820;
export const TXDCTL = 0x3828;
export const TADV = 0x382c;
export const TSPMT = 0x3830;
export const STATISTICS = 0x4000;
export const STATISTICS_END = 0x4128;
export const RXCSUM = 0x5000;
export const MTA = 0x5200;
export const MTA_COUNT = 128;
export const RA = 0x5400;
export const RA_COUNT = 16;
export const VFTA = 0x5600;
export const VFTA_COUNT = 128;
export const WUC = 0x5800;
export const WUFC = 0x5808;
export const MANC = 0x5820;

export const CTRL_FD = 1 << 0;
export const CTRL_SLU = 1 << 6;
export const CTRL_SPEED_1000 = 2 << 8;
export const CTRL_SWDPIN_MASK = 0xf << 18;
export const CTRL_RST = 1 << 26;
export const CTRL_VME = 1 << 30;
export const CTRL_PHY_RST = 0x8000_0000;

export const STATUS_FD = 1 << 0;
export const STATUS_LU = 1 << 1;
export const STATUS_SPEED_1000 = 2 << 6;
export const STATUS_ASDV_1000 = 2 << 8;

export const CTRL_EXT_EE_RST = 1 << 13;

export const EECD_SK = 1 << 0;
export const EECD_CS = 1 << 1;
export const EECD_DI = 1 << 2;
export const EECD_DO = 1 << 3;
export const EECD_FWE = 3 << 4;
export const EECD_REQ = 1 << 6;
export const EECD_GNT = 1 << 7;
export const EECD_PRES = 1 << 8;

export const EERD_START = 1 << 0;
export const EERD_DONE = 1 << 4;

export const MDIC_OP_WRITE = 1;
export const MDIC_OP_READ = 2;
export const MDIC_R = 1 << 28;
export const MDIC_I = 1 << 29;
export const MDIC_E = 1 << 30;

export const ICR_TXDW = 1 << 0;
export const ICR_TXQE = 1 << 1;
export const ICR_LSC = 1 << 2;
export const ICR_RXDMT0 = 1 << 4;
export const ICR_RXT0 = 1 << 7;
export const ICR_MDAC = 1 << 9;
export const ICR_TXD_LOW = 1 << 15;
export const ICR_SRPD = 1 << 16;
/** Causes that exist; the others read zero and can't be set. */
export const ICR_ALL = 0x1_f6df;

export const RCTL_EN = 1 << 1;
export const RCTL_SBP = 1 << 2;
export const RCTL_UPE = 1 << 3;
export const RCTL_MPE = 1 << 4;
export const RCTL_LPE = 1 << 5;
export const RCTL_LBM = 3 << 6;
export const RCTL_RDMTS_SHIFT = 8;
export const RCTL_MO_SHIFT = 12;
export const RCTL_BAM = 1 << 15;
export const RCTL_BSIZE_SHIFT = 16;
export const RCTL_VFE = 1 << 18;
export const RCTL_BSEX = 1 << 25;
export const RCTL_SECRC = 1 << 26;

export const TCTL_EN = 1 << 1;
export const TCTL_PSP = 1 << 3;

export const RXCSUM_PCSS = 0xff;
export const RXCSUM_IPOFL = 1 << 8;
export const RXCSUM_TUOFL = 1 << 9;

/** RAH: the entry is valid. */
export const RAH_AV = 0x8000_0000;

/**
 * Registers that only store: their value after a reset, and which bits software can write. What else there is has behaviour of its own, or is not
 * there and reads zero.
 */
export const STORED: ReadonlyMap<number, readonly [reset: number, writable: number]> = new Map([
  [FCAL, [0, 0xffff_ffff]],
  [FCAH, [0, 0xffff]],
  [FCT, [0, 0xffff]],
  [VET, [0x8100, 0xffff]],
  [FCTTV, [0, 0xffff]],
  [TXCW, [0, 0xc000_ffff]],
  [TIPG, [0, 0x3fff_ffff]],
  [AIFS, [0, 0xffff]],
  [LEDCTL, [0x0706_0302, 0xcfcf_cfcf]],
  [PBA, [0x0010_0030, 0xffff]],
  [FCRTL, [0, 0x8000_fff8]],
  [FCRTH, [0, 0xfff8]],
  [RSRPD, [0, 0xfff]],
  [TXDMAC, [1, 1]],
  [TSPMT, [0x0100_0400, 0xffff_ffff]],
  [RXDCTL, [0, 0x013f_3f3f]],
  [TXDCTL, [0, 0xff3f_3f3f]],
  [RXCSUM, [0, 0x3ff]],
  [TCTL, [0, 0x01ff_fffa]],
  [RDBAL, [0, 0xffff_fff0]],
  [RDBAH, [0, 0xffff_ffff]],
  [RDLEN, [0, 0xf_ff80]],
  [TDBAL, [0, 0xffff_fff0]],
  [TDBAH, [0, 0xffff_ffff]],
  [TDLEN, [0, 0xf_ff80]],
  [RADV, [0, 0xffff]],
  [TIDV, [0, 0xffff]],
  [TADV, [0, 0xffff]],
  [WUC, [0, 0xf]],
  [WUFC, [0, 0xf_80ff]],
  [MANC, [0, 0xffff_ffff]],
] as const);
