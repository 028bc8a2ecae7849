/** Sense data of ATAPI devices: SPC-3 section 4.5.3 (fixed format), tables 27 and 28. */
export interface Sense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

export const NO_SENSE: Sense = { key: 0x0, asc: 0x00, ascq: 0x00 };
export const MEDIUM_NOT_PRESENT: Sense = { key: 0x2, asc: 0x3a, ascq: 0x00 };
export const UNRECOVERED_READ_ERROR: Sense = { key: 0x3, asc: 0x11, ascq: 0x00 };
export const INVALID_COMMAND: Sense = { key: 0x5, asc: 0x20, ascq: 0x00 };
export const LBA_OUT_OF_RANGE: Sense = { key: 0x5, asc: 0x21, ascq: 0x00 };
export const INVALID_FIELD: Sense = { key: 0x5, asc: 0x24, ascq: 0x00 };
export const MEDIUM_REMOVAL_PREVENTED: Sense = { key: 0x5, asc: 0x53, ascq: 0x02 };
export const ILLEGAL_MODE: Sense = { key: 0x5, asc: 0x64, ascq: 0x00 };
export const MEDIUM_MAY_HAVE_CHANGED: Sense = { key: 0x6, asc: 0x28, ascq: 0x00 };
export const POWER_ON_OR_RESET: Sense = { key: 0x6, asc: 0x29, ascq: 0x00 };

export function senseData({ key, asc, ascq }: Sense): Uint8Array {
  const data = new Uint8Array(18);
  // Current errors; ten more bytes follow.
  data[0] = 0x70;
  data[2] = key;
  data[7] = 10;
  data[12] = asc;
  data[13] = ascq;
  return data;
}
