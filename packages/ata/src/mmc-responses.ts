/**
 * What a CD-ROM drive answers about itself and its disc, as bytes: INCITS MMC-5 (T10/1675-D), with SPC-3 for INQUIRY. A disc here is one
 * session with one data track, as an ISO image is.
 */

export const CD_SECTOR = 2048;
/** Frames before LBA 0: two seconds (MMC-5 table 683). */
const MSF_OFFSET = 150;
const FRAMES = 75;
const LEAD_OUT = 0xaa;
/** ADR 1, data track, digital copy prohibited. */
const DATA_TRACK = 0x14;

const PROFILE_CD_ROM = 0x0008;
const PROFILE_DVD_ROM = 0x0010;
/** A disc with more sectors is a DVD: 80 minutes of frames. */
const CD_SECTORS = 80 * 60 * FRAMES;

/** SPC-3 section 6.4.2. */
export function inquiry(vendor: string, product: string, revision: string): Uint8Array {
  const data = new Uint8Array(36);
  data[0] = 0x05;
  data[1] = 0x80;
  // SPC-3; response data format 2 (ATAPI devices of MMC say version 5).
  data[2] = 0x05;
  data[3] = 0x02;
  data[4] = data.length - 5;
  ascii(data, 8, vendor.padEnd(8));
  ascii(data, 16, product.padEnd(16));
  ascii(data, 32, revision.padEnd(4));
  return data;
}

/** Section 6.23: the last sector's address, and the length of a sector. */
export function readCapacity(sectors: number): Uint8Array {
  return new Bytes().u32(sectors - 1).u32(CD_SECTOR).done();
}

/** Section 6.25, formats 0000b (TOC), 0001b (sessions) and 0010b (full TOC). @returns undefined for a format or track that isn't there */
export function readToc(format: number, track: number, msf: boolean, sectors: number): Uint8Array | undefined {
  const address = (lba: number): number => (msf ? msfAddress(lba) : lba);
  if (format === 0) {
    if (track > 1 && track !== LEAD_OUT) return undefined;
    const body = new Bytes().u8(1).u8(1);
    if (track <= 1) body.u8(0).u8(DATA_TRACK).u8(1).u8(0).u32(address(0));
    body.u8(0).u8(DATA_TRACK).u8(LEAD_OUT).u8(0).u32(address(sectors));
    return withLength16(body);
  }
  // The first track of the last session.
  if (format === 1) return withLength16(new Bytes().u8(1).u8(1).u8(0).u8(DATA_TRACK).u8(1).u8(0).u32(address(0)));
  if (format === 2) {
    const body = new Bytes().u8(1).u8(1);
    const entry = (point: number, position: number): void => {
      body.u8(1).u8(DATA_TRACK).u8(0).u8(point).u8(0).u8(0).u8(0).u8(0);
      body.u8((position >>> 16) & 0xff).u8((position >>> 8) & 0xff).u8(position & 0xff);
    };
    // A0 and A1: first and last track; A2: where the lead-out starts. Positions are always MSF.
    entry(0xa0, 0x01_00_00);
    entry(0xa1, 0x01_00_00);
    entry(0xa2, msfAddress(sectors));
    entry(1, msfAddress(0));
    return withLength16(body);
  }
  return undefined;
}

/** Section 6.5, with the features of section 5.3 that a reader of CDs and DVDs has. `requestType` and `start` are the request's. */
export function getConfiguration(requestType: number, start: number, loaded: boolean, sectors: number): Uint8Array {
  const profile = !loaded ? 0 : sectors > CD_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
  const features: { readonly code: number; readonly current: boolean; readonly bytes: Uint8Array }[] = [];
  const feature = (code: number, version: number, current: boolean, persistent: boolean, body: Bytes): void => {
    const data = body.done();
    const flags = (version << 2) | (persistent ? 2 : 0) | (current ? 1 : 0);
    features.push({ code, current, bytes: new Bytes().u16(code).u8(flags).u8(data.length).bytes(data).done() });
  };
  const profiles = new Bytes();
  for (const number of [PROFILE_DVD_ROM, PROFILE_CD_ROM]) profiles.u16(number).u8(number === profile ? 1 : 0).u8(0);
  feature(0x0000, 0, true, true, profiles);
  // Core: ATAPI; device busy events.
  feature(0x0001, 2, true, true, new Bytes().u32(2).u8(1).u8(0).u16(0));
  // Morphing: events by polling only.
  feature(0x0002, 1, true, true, new Bytes().u8(2).u8(0).u16(0));
  // Removable medium: a tray, eject, lock.
  feature(0x0003, 0, true, true, new Bytes().u8(0x29).u8(0).u16(0));
  // Random readable: sectors of 2048 bytes, 16 to a block.
  feature(0x0010, 0, loaded, false, new Bytes().u32(CD_SECTOR).u16(16).u8(1).u8(0));
  // CD read.
  feature(0x001e, 2, profile === PROFILE_CD_ROM, false, new Bytes().u32(0));
  // DVD read.
  feature(0x001f, 1, profile === PROFILE_DVD_ROM, false, new Bytes().u32(0));

  // RT 10b: exactly the one named; 01b: the current ones; 00b: all.
  const chosen = features.filter(({ code, current }) => (requestType === 2 ? code === start : code >= start && (requestType === 0 || current)));
  const body = new Bytes().u16(0).u16(profile);
  for (const { bytes } of chosen) body.bytes(bytes);
  const data = body.done();
  return new Bytes().u32(data.length).bytes(data).done();
}

/** Section 6.6: nothing but media events. `event`: 0 none, 2 new media, 3 removal. @param wanted the request's class bits */
export function eventStatus(wanted: number, event: number, loaded: boolean): Uint8Array {
  const MEDIA = 0x10;
  if ((wanted & MEDIA) === 0) return new Bytes().u16(2).u8(0x80).u8(MEDIA).done();
  return new Bytes().u16(6).u8(4).u8(MEDIA).u8(event).u8(loaded ? 0x02 : 0x00).u16(0).done();
}

/** Sections 6.11 and 7: error recovery and capabilities. @returns undefined for a page that isn't there */
export function modeSense(page: number, locked: boolean): Uint8Array | undefined {
  const body = new Bytes();
  if (page !== 0x01 && page !== 0x2a && page !== 0x3f) return undefined;
  if (page !== 0x2a) body.u8(0x01).u8(0x0a).u8(0).u8(5).bytes(new Uint8Array(8));
  if (page !== 0x01) {
    // Reads CD-R, CD-RW, DVD-ROM; mode 2 forms 1 and 2, multisession; a tray that ejects and locks.
    body.u8(0x2a).u8(0x12).u8(0x0b).u8(0x00).u8(0x70).u8(0x00).u8(locked ? 0x2b : 0x29).u8(0x00);
    // Speeds in kB/s: most and now; volume levels; buffer in KiB.
    body.u16(706).u16(2).u16(512).u16(706).u16(0).u16(0);
  }
  const data = body.done();
  // Mode parameter header (10): medium type and block descriptors are obsolete.
  return new Bytes().u16(data.length + 6).u16(0).u16(0).u16(0).bytes(data).done();
}

/** Section 6.22: a finished disc with one session. */
export function discInformation(): Uint8Array {
  const data = new Uint8Array(34);
  data[1] = 32;
  // Complete disc, complete last session.
  data[2] = 0x0e;
  data.fill(1, 3, 7);
  // Unrestricted use.
  data[7] = 0x20;
  data.fill(0xff, 16, 24);
  return data;
}

/** Section 6.27. */
export function trackInformation(sectors: number): Uint8Array {
  const data = new Uint8Array(36);
  const view = new DataView(data.buffer);
  view.setUint16(0, 34);
  data[2] = 1;
  data[3] = 1;
  data[5] = 0x04;
  // Data mode 1.
  data[6] = 0x01;
  view.setUint32(24, sectors);
  return data;
}

/** Section 6.9: one slot, no changer. */
export function mechanismStatus(loaded: boolean): Uint8Array {
  return Uint8Array.of(0, loaded ? 0 : 0x10, 0, 0, 0, 0, 0, 0);
}

function msfAddress(lba: number): number {
  const frames = lba + MSF_OFFSET;
  const minutes = Math.min(Math.floor(frames / (60 * FRAMES)), 0xff);
  return minutes * 0x1_0000 + (Math.floor(frames / FRAMES) % 60) * 0x100 + (frames % FRAMES);
}

function withLength16(body: Bytes): Uint8Array {
  const data = body.done();
  return new Bytes().u16(data.length).bytes(data).done();
}

function ascii(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}

/** Big-endian, as everything of SCSI. */
class Bytes {
  readonly #bytes: number[] = [];

  u8(value: number): this {
    this.#bytes.push(value);
    return this;
  }

  u16(value: number): this {
    return this.u8((value >>> 8) & 0xff).u8(value & 0xff);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff);
  }

  bytes(data: Uint8Array): this {
    this.#bytes.push(...data);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
