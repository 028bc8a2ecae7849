import { AtaError } from './ata-error.js';

/** IDENTIFY DEVICE data: ATA8-ACS section 7.16, table 22. 256 words. */

export const SECTOR = 512;
/** Sectors in a DRQ block of READ and WRITE MULTIPLE at most. */
export const MAX_MULTIPLE = 16;
/** Commands that NCQ takes at a time. */
export const QUEUE_DEPTH = 32;
/** 512-byte blocks of ranges that one DATA SET MANAGEMENT takes. */
export const MAX_TRIM_BLOCKS = 8;

const LBA28_LIMIT = 0x0fff_ffff;

export interface IdentifyStrings {
  /** Up to 40 characters. */
  readonly model: string;
  /** Up to 20. */
  readonly serial: string;
  /** Up to 8. */
  readonly firmware: string;
}

/** What the host chose. */
export interface TransferModes {
  /** 0..2, or -1 when none is selected. */
  readonly multiwordDma: number;
  readonly ultraDma: number;
}

/** Geometry for software that knows no LBA: 16 heads and 63 sectors, as everyone's translation of disks above 504 MiB. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

export function defaultGeometry(totalSectors: number): Geometry {
  return { cylinders: Math.min(16383, Math.max(1, Math.floor(totalSectors / (16 * 63)))), heads: 16, sectors: 63 };
}

export interface DiskIdentity {
  readonly strings: IdentifyStrings;
  readonly sectors: number;
  readonly geometry: Geometry;
  readonly multiple: number;
  readonly modes: TransferModes;
  readonly writeCache: boolean;
  readonly lookAhead: boolean;
  /** Serial ATA: queued commands, no cable detection. */
  readonly sata: boolean;
  readonly trim: boolean;
}

export function identifyDisk(disk: DiskIdentity): Uint8Array {
  const words = new Words();
  const { geometry, sectors, multiple, modes, sata } = disk;
  const currentCapacity = Math.min(geometry.cylinders * geometry.heads * geometry.sectors, sectors);
  words.set(0, 0x0040);
  words.set(1, geometry.cylinders).set(3, geometry.heads).set(6, geometry.sectors);
  identityStrings(words, disk.strings);
  words.set(47, 0x8000 | MAX_MULTIPLE);
  // IORDY and that it can be disabled, LBA, DMA.
  words.set(49, 0x0f00).set(50, 0x4000);
  // Words 54-58, 64-70 and 88 are valid.
  words.set(53, 0x0007);
  words.set(54, geometry.cylinders).set(55, geometry.heads).set(56, geometry.sectors).set32(57, currentCapacity);
  if (multiple > 0) words.set(59, 0x0100 | multiple);
  words.set32(60, Math.min(sectors, LBA28_LIMIT));
  transferModes(words, modes, sata);
  if (sata) {
    words.set(75, QUEUE_DEPTH - 1);
    // NCQ, 3.0 and 1.5 Gb/s.
    words.set(76, 0x0106);
  }
  // ATA/ATAPI-4 to ATA8-ACS.
  words.set(80, 0x01f0);
  // NOP, look-ahead, write cache, power management; not SMART, not security, not HPA.
  const set1 = 0x4000 | 0x0040 | 0x0020 | 0x0008;
  // FLUSH CACHE (EXT), 48-bit addresses.
  const set2 = 0x2000 | 0x1000 | 0x0400;
  // WRITE DMA FUA EXT; general purpose logging, which the queued error log needs.
  const set3 = 0x0040 | (sata ? 0x0020 : 0);
  words.set(82, set1).set(83, 0x4000 | set2).set(84, 0x4000 | set3);
  words.set(85, (set1 & ~0x0060) | (disk.lookAhead ? 0x0040 : 0) | (disk.writeCache ? 0x0020 : 0));
  words.set(86, set2).set(87, 0x4000 | set3);
  words.set48(100, sectors);
  if (disk.trim) words.set(105, MAX_TRIM_BLOCKS).set(169, 1);
  // One logical sector per physical sector.
  words.set(106, 0x4000);
  // No rotation.
  words.set(217, 0x0001);
  if (sata) words.set(222, 0x101f);
  return words.sealed();
}

export interface PacketIdentity {
  readonly strings: IdentifyStrings;
  readonly modes: TransferModes;
  readonly sata: boolean;
}

/** IDENTIFY PACKET DEVICE data: ATA8-ACS section 7.17, table 36. */
export function identifyPacket(drive: PacketIdentity): Uint8Array {
  const words = new Words();
  // ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes.
  words.set(0, 0x85c0);
  identityStrings(words, drive.strings);
  words.set(49, 0x0f00).set(50, 0x4000).set(53, 0x0006);
  transferModes(words, drive.modes, drive.sata);
  if (drive.sata) words.set(76, 0x0006);
  words.set(80, 0x01f0);
  // NOP, DEVICE RESET, PACKET, power management.
  const set1 = 0x4000 | 0x0200 | 0x0010 | 0x0008;
  words.set(82, set1).set(83, 0x4000).set(84, 0x4000);
  words.set(85, set1).set(86, 0).set(87, 0x4000);
  if (drive.sata) words.set(222, 0x101f);
  return words.sealed();
}

function identityStrings(words: Words, { serial, firmware, model }: IdentifyStrings): void {
  words.text(10, 10, serial).text(23, 4, firmware).text(27, 20, model);
}

function transferModes(words: Words, modes: TransferModes, sata: boolean): void {
  words.set(63, 0x0007 | (modes.multiwordDma < 0 ? 0 : 0x100 << modes.multiwordDma));
  // PIO modes 3 and 4; cycle times in nanoseconds.
  words.set(64, 0x0003).set(65, 120).set(66, 120).set(67, 120).set(68, 120);
  words.set(88, (sata ? 0x007f : 0x003f) | (modes.ultraDma < 0 ? 0 : 0x100 << modes.ultraDma));
  // A cable with 80 conductors, device 0 or 1 set by jumper.
  if (!sata) words.set(93, 0x6001);
}

/** @throws when a string is too long, or not printable ASCII */
export function checkStrings({ model, serial, firmware }: IdentifyStrings): void {
  for (const [what, text, limit] of [
    ['model', model, 40],
    ['serial number', serial, 20],
    ['firmware revision', firmware, 8],
  ] as const) {
    if (text.length > limit || !/^[\x20-\x7e]*$/.test(text))
      throw new AtaError('bad-option', `${what} ${JSON.stringify(text)}: up to ${limit} characters of printable ASCII`);
  }
}

class Words {
  readonly #bytes = new Uint8Array(SECTOR);

  set(index: number, value: number): this {
    this.#bytes[2 * index] = value & 0xff;
    this.#bytes[2 * index + 1] = value >>> 8;
    return this;
  }

  set32(index: number, value: number): this {
    return this.set(index, value % 0x1_0000).set(index + 1, Math.floor(value / 0x1_0000) % 0x1_0000);
  }

  set48(index: number, value: number): this {
    return this.set32(index, value % 2 ** 32).set(index + 2, Math.floor(value / 2 ** 32) % 0x1_0000);
  }

  /** The first character in the high byte, padded with spaces (section 3.3.10). */
  text(index: number, words: number, text: string): this {
    const padded = text.padEnd(2 * words);
    for (let i = 0; i < words; i++) this.set(index + i, (padded.charCodeAt(2 * i) << 8) | padded.charCodeAt(2 * i + 1));
    return this;
  }

  /** With the integrity word: signature A5H and a checksum that makes all bytes add up to 0 (section 7.16.7.92). */
  sealed(): Uint8Array {
    const bytes = this.#bytes;
    bytes[510] = 0xa5;
    let sum = 0;
    for (let i = 0; i < 511; i++) sum += bytes[i];
    bytes[511] = -sum & 0xff;
    return bytes;
  }
}
