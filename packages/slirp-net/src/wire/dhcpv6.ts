import { readU16, writeU16, writeU32 } from './bytes.js';

/** DHCPv6 (RFC 8415). */
export const DHCPV6_SOLICIT = 1;
export const DHCPV6_ADVERTISE = 2;
export const DHCPV6_REQUEST = 3;
export const DHCPV6_CONFIRM = 4;
export const DHCPV6_RENEW = 5;
export const DHCPV6_REBIND = 6;
export const DHCPV6_REPLY = 7;
export const DHCPV6_RELEASE = 8;
export const DHCPV6_DECLINE = 9;
export const DHCPV6_INFORMATION = 11;

export const OPTION6_CLIENT_ID = 1;
export const OPTION6_SERVER_ID = 2;
export const OPTION6_IA_NA = 3;
export const OPTION6_IA_ADDRESS = 5;
export const OPTION6_STATUS = 13;
export const OPTION6_RAPID_COMMIT = 14;
export const OPTION6_DNS = 23;
export const OPTION6_DOMAIN_SEARCH = 24;
/** RFC 5970 */
export const OPTION6_BOOT_FILE_URL = 59;

const MAX_OPTIONS = 64;

export interface Dhcpv6Message {
  readonly type: number;
  readonly transaction: Uint8Array;
  readonly options: readonly (readonly [number, Uint8Array])[];
}

/** undefined when it is cut short or an option reaches past the end. */
export function parseDhcpv6(bytes: Uint8Array): Dhcpv6Message | undefined {
  if (bytes.length < 4) return undefined;
  const options: (readonly [number, Uint8Array])[] = [];
  let at = 4;
  while (at < bytes.length) {
    if (at + 4 > bytes.length || options.length === MAX_OPTIONS) return undefined;
    const length = readU16(bytes, at + 2);
    if (at + 4 + length > bytes.length) return undefined;
    options.push([readU16(bytes, at), bytes.slice(at + 4, at + 4 + length)]);
    at += 4 + length;
  }
  return { type: bytes[0], transaction: bytes.slice(1, 4), options };
}

export function buildDhcpv6({ type, transaction, options }: Dhcpv6Message): Uint8Array {
  const body = encodeOptions(options);
  const bytes = new Uint8Array(4 + body.length);
  bytes[0] = type;
  bytes.set(transaction, 1);
  bytes.set(body, 4);
  return bytes;
}

export function encodeOptions(options: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const bytes = new Uint8Array(options.reduce((sum, [, value]) => sum + 4 + value.length, 0));
  let at = 0;
  for (const [code, value] of options) {
    writeU16(bytes, at, code);
    writeU16(bytes, at + 2, value.length);
    bytes.set(value, at + 4);
    at += 4 + value.length;
  }
  return bytes;
}

/** An IA_NA with one address, or with a status when there is none (RFC 8415 21.4, 21.6, 21.13). */
export function buildIaNa(iaid: Uint8Array, address: Uint8Array | undefined, lifetimeSeconds: number): Uint8Array {
  const head = new Uint8Array(12);
  head.set(iaid.subarray(0, 4));
  if (address !== undefined) {
    writeU32(head, 4, lifetimeSeconds >>> 1);
    writeU32(head, 8, Math.floor((lifetimeSeconds * 4) / 5));
  }
  const value = new Uint8Array(address === undefined ? 2 : 24);
  if (address === undefined) writeU16(value, 0, 2);
  else {
    value.set(address);
    writeU32(value, 16, lifetimeSeconds);
    writeU32(value, 20, lifetimeSeconds);
  }
  return Uint8Array.from([...head, ...encodeOptions([[address === undefined ? OPTION6_STATUS : OPTION6_IA_ADDRESS, value]])]);
}
