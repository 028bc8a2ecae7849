// Packets are handled as strings with one character for each byte (Latin-1): their text is ASCII, and binary data in them stays what it is.

const DIGITS = '0123456789abcdef';
const PAIRS = Array.from({ length: 256 }, (_, byte) => DIGITS[byte >> 4] + DIGITS[byte & 15]);
export function hexByte(value: number): string {
  return PAIRS[value & 0xff];
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += PAIRS[byte];
  return text;
}

/** @returns undefined when the text is not pairs of hexadecimal digits */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = digit(text.charCodeAt(2 * i));
    const low = digit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** UTF-8 text in hexadecimal. */
export function textToHex(text: string): string {
  return toHex(new TextEncoder().encode(text));
}
export function hexToText(hex: string): string | undefined {
  const bytes = fromHex(hex);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** An unsigned hexadecimal number, all of the text. @returns undefined when it is none or has more than 64 bits */
export function parseAddress(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}
/** @returns undefined when the text is no hexadecimal number below 2^32 */
export function parseNumber(text: string): number | undefined {
  return /^[0-9a-f]{1,8}$/i.test(text) ? parseInt(text, 16) : undefined;
}

/** `addr,length` @param limit the largest length */
export function parseRange(text: string, limit: number): { address: bigint; length: number } | undefined {
  const [first, second, ...more] = text.split(',');
  const address = parseAddress(first);
  const length = second === undefined ? undefined : parseNumber(second);
  return address === undefined || length === undefined || length > limit || more.length > 0 ? undefined : { address, length };
}

export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

export function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}
export function toLittleEndian(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++, value >>= 8n) bytes[i] = Number(value & 0xffn);
  return bytes;
}
