/** Bytes in a sector, the unit of every disk here. */
export const SECTOR = 512;
