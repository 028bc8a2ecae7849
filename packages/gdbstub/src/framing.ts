import { fromLatin1, hexByte, latin1 } from './hex.js';

/** What comes from a debugger. GDB manual, appendix E.1 "Overview". */
export type Frame =
  | { readonly kind: 'packet'; readonly text: string }
  /** 03H between packets: Ctrl-C. */
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack' }
  /** A packet whose checksum is wrong, or that is longer than allowed. */
  | { readonly kind: 'bad' };

const INTERRUPT = 0x03;
const HASH = 0x23;
const DOLLAR = 0x24;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ESCAPE = 0x7d;

const ACK: Frame = { kind: 'ack' };
const NACK: Frame = { kind: 'nack' };
const STOP: Frame = { kind: 'interrupt' };
const BAD: Frame = { kind: 'bad' };

/** Takes bytes one at a time, however the stream was cut. Noise between packets is dropped. */
export class FrameReader {
  #state: 'idle' | 'data' | 'checksum1' | 'checksum2' = 'idle';
  #length = 0;
  #overflow = false;
  #escaped = false;
  #sum = 0;
  #check = '';
  readonly #data: Uint8Array;

  /** @param limit most bytes in a packet, unescaped */
  constructor(limit: number) {
    this.#data = new Uint8Array(limit);
  }

  /** @returns a frame that the byte completes */
  push(byte: number): Frame | undefined {
    switch (this.#state) {
      case 'idle':
        if (byte === DOLLAR) this.#begin();
        else if (byte === PLUS) return ACK;
        else if (byte === MINUS) return NACK;
        else if (byte === INTERRUPT) return STOP;
        return undefined;
      case 'data':
        // Neither character may stand in a packet unescaped: a second $ begins anew after a lost end.
        if (byte === HASH) this.#state = 'checksum1';
        else if (byte === DOLLAR) this.#begin();
        else this.#take(byte);
        return undefined;
      case 'checksum1':
        this.#check = String.fromCharCode(byte);
        this.#state = 'checksum2';
        return undefined;
      case 'checksum2':
        this.#state = 'idle';
        this.#check += String.fromCharCode(byte);
        if (this.#overflow || this.#check.toLowerCase() !== hexByte(this.#sum)) return BAD;
        return { kind: 'packet', text: fromLatin1(this.#data.subarray(0, this.#length)) };
    }
  }

  #begin(): void {
    this.#state = 'data';
    this.#length = 0;
    this.#sum = 0;
    this.#overflow = false;
    this.#escaped = false;
  }

  #take(byte: number): void {
    this.#sum = (this.#sum + byte) & 0xff;
    if (byte === ESCAPE && !this.#escaped) {
      this.#escaped = true;
      return;
    }
    if (this.#length === this.#data.length) {
      this.#overflow = true;
      return;
    }
    this.#data[this.#length++] = this.#escaped ? byte ^ 0x20 : byte;
    this.#escaped = false;
  }
}

function mustEscape(byte: number): boolean {
  return byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR;
}

/** A packet on the wire. @param start `%` for a notification */
export function frame(payload: string | Uint8Array, start: '$' | '%' = '$'): Uint8Array {
  const data = typeof payload === 'string' ? latin1(payload) : payload;
  let escapes = 0;
  for (let i = 0; i < data.length; i++) if (mustEscape(data[i])) escapes++;
  const bytes = new Uint8Array(data.length + escapes + 4);
  bytes[0] = start.charCodeAt(0);
  let end = 1;
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    let byte = data[i];
    if (mustEscape(byte)) {
      bytes[end++] = ESCAPE;
      sum += ESCAPE;
      byte ^= 0x20;
    }
    bytes[end++] = byte;
    sum += byte;
  }
  const check = hexByte(sum);
  bytes[end++] = HASH;
  bytes[end++] = check.charCodeAt(0);
  bytes[end++] = check.charCodeAt(1);
  return bytes;
}

/** Both digits of each byte as one little-endian word, and their sum. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) => hexByte(byte).charCodeAt(0) | (hexByte(byte).charCodeAt(1) << 8));
const SUMS = Uint8Array.from(DIGITS, (word) => (word & 0xff) + (word >> 8));
const littleEndianHost = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A packet of bytes in hexadecimal, in one pass: what a dump of memory is made of. */
export function hexFrame(data: Uint8Array): Uint8Array {
  // The digits begin at an even place of the buffer, one after the $.
  const bytes = new Uint8Array(2 * data.length + 5 + ((2 * data.length + 5) % 2));
  const words = new Uint16Array(bytes.buffer);
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    const byte = data[i];
    const word = DIGITS[byte];
    words[i + 1] = littleEndianHost ? word : (word >> 8) | (word << 8);
    sum += SUMS[byte];
  }
  const end = 2 * data.length + 2;
  bytes[1] = DOLLAR;
  bytes[end] = HASH;
  const check = hexByte(sum);
  bytes[end + 1] = check.charCodeAt(0);
  bytes[end + 2] = check.charCodeAt(1);
  return bytes.subarray(1, end + 3);
}
