/** TFTP (RFC 1350) with options (RFC 2347). */
export const TFTP_RRQ = 1;
export const TFTP_WRQ = 2;
export const TFTP_DATA = 3;
export const TFTP_ACK = 4;
export const TFTP_ERROR = 5;
export const TFTP_OACK = 6;

export const TFTP_NOT_FOUND = 1;
export const TFTP_ACCESS = 2;
export const TFTP_ILLEGAL = 4;

export interface TftpRequest {
  readonly name: string;
  readonly mode: string;
  readonly options: ReadonlyMap<string, string>;
}

const MAX_STRINGS = 34;

/** A read or write request after its opcode; undefined when a string does not end. */
export function parseTftpRequest(data: Uint8Array): TftpRequest | undefined {
  const strings: string[] = [];
  let at = 2;
  while (at < data.length && strings.length < MAX_STRINGS) {
    const end = data.indexOf(0, at);
    if (end < 0) return undefined;
    strings.push(new TextDecoder().decode(data.subarray(at, end)));
    at = end + 1;
  }
  const [name, mode, ...rest] = strings;
  if (name === undefined || mode === undefined || name === '') return undefined;
  const options = new Map<string, string>();
  for (let i = 0; i + 1 < rest.length; i += 2) options.set(rest[i].toLowerCase(), rest[i + 1]);
  return { name, mode: mode.toLowerCase(), options };
}

export function buildTftpError(code: number, message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  const bytes = new Uint8Array(5 + text.length);
  bytes.set([0, TFTP_ERROR, 0, code]);
  bytes.set(text, 4);
  return bytes;
}

export function buildTftpOptions(options: ReadonlyMap<string, string>): Uint8Array {
  const text = new TextEncoder().encode([...options].map(([key, value]) => `${key}\0${value}\0`).join(''));
  const bytes = new Uint8Array(2 + text.length);
  bytes.set([0, TFTP_OACK]);
  bytes.set(text, 2);
  return bytes;
}
