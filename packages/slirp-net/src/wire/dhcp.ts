import { readU16, readU32, writeU16, writeU32 } from './bytes.js';

/** DHCP (RFC 2131) over BOOTP (RFC 951). */
export const BOOTREQUEST = 1;
export const BOOTREPLY = 2;
const FIXED = 236;
const MAGIC = 0x63825363;
/** RFC 951: a message is at least 300 bytes. */
const MIN_LENGTH = 300;

export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPDECLINE = 4;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPRELEASE = 7;
export const DHCPINFORM = 8;

/** RFC 2132 */
export const OPTION_SUBNET_MASK = 1;
export const OPTION_ROUTER = 3;
export const OPTION_DNS = 6;
export const OPTION_HOSTNAME = 12;
export const OPTION_DOMAIN = 15;
export const OPTION_MTU = 26;
export const OPTION_BROADCAST = 28;
export const OPTION_REQUESTED_ADDRESS = 50;
export const OPTION_LEASE_TIME = 51;
export const OPTION_MESSAGE_TYPE = 53;
export const OPTION_SERVER_ID = 54;
export const OPTION_CLIENT_ID = 61;
export const OPTION_TFTP_SERVER = 66;
export const OPTION_BOOT_FILE = 67;
/** RFC 3397 */
export const OPTION_DOMAIN_SEARCH = 119;
const OPTION_PAD = 0;
const OPTION_END = 255;

export interface DhcpMessage {
  readonly operation: number;
  readonly transaction: number;
  readonly seconds: number;
  readonly broadcast: boolean;
  readonly clientAddress: Uint8Array;
  readonly hardwareAddress: Uint8Array;
  /** undefined: plain BOOTP. */
  readonly type: number | undefined;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** undefined when it is cut short, not for Ethernet, or an option reaches past the end. All fields are copies. */
export function parseDhcp(bytes: Uint8Array): DhcpMessage | undefined {
  if (bytes.length < FIXED || bytes[1] !== 1 || bytes[2] !== 6) return undefined;
  const options = new Map<number, Uint8Array>();
  if (bytes.length >= FIXED + 4 && readU32(bytes, FIXED) === MAGIC) {
    let at = FIXED + 4;
    while (at < bytes.length && bytes[at] !== OPTION_END) {
      if (bytes[at] === OPTION_PAD) {
        at++;
        continue;
      }
      if (at + 2 > bytes.length || at + 2 + bytes[at + 1] > bytes.length) return undefined;
      const value = bytes.slice(at + 2, at + 2 + bytes[at + 1]);
      const before = options.get(bytes[at]);
      // RFC 3396: an option that comes again is a continuation. It can't grow past the message.
      options.set(bytes[at], before === undefined ? value : Uint8Array.from([...before, ...value]));
      at += 2 + bytes[at + 1];
    }
  }
  return {
    operation: bytes[0],
    transaction: readU32(bytes, 4),
    seconds: readU16(bytes, 8),
    broadcast: (bytes[10] & 0x80) !== 0,
    clientAddress: bytes.slice(12, 16),
    hardwareAddress: bytes.slice(28, 34),
    type: options.get(OPTION_MESSAGE_TYPE)?.[0],
    options,
  };
}

export interface DhcpReply {
  readonly request: Pick<DhcpMessage, 'transaction' | 'broadcast' | 'hardwareAddress'>;
  readonly operation?: number;
  readonly clientAddress?: Uint8Array;
  readonly yourAddress?: Uint8Array;
  readonly serverAddress?: Uint8Array;
  readonly bootFile?: string;
  readonly options: readonly (readonly [number, Uint8Array])[];
}

export function buildDhcp({ request, operation = BOOTREPLY, clientAddress, yourAddress, serverAddress, bootFile, options }: DhcpReply): Uint8Array {
  const length = options.reduce((sum, [, value]) => sum + value.length + 2 * Math.max(1, Math.ceil(value.length / 255)), FIXED + 5);
  const bytes = new Uint8Array(Math.max(MIN_LENGTH, length));
  bytes.set([operation, 1, 6, 0]);
  writeU32(bytes, 4, request.transaction);
  writeU16(bytes, 10, request.broadcast ? 0x8000 : 0);
  if (clientAddress !== undefined) bytes.set(clientAddress, 12);
  if (yourAddress !== undefined) bytes.set(yourAddress, 16);
  if (serverAddress !== undefined) bytes.set(serverAddress, 20);
  bytes.set(request.hardwareAddress, 28);
  if (bootFile !== undefined) bytes.set(new TextEncoder().encode(bootFile).subarray(0, 127), 108);
  writeU32(bytes, FIXED, MAGIC);
  let at = FIXED + 4;
  for (const [code, value] of options) {
    for (let from = 0; from === 0 || from < value.length; from += 255) {
      const part = value.subarray(from, from + 255);
      bytes[at] = code;
      bytes[at + 1] = part.length;
      bytes.set(part, at + 2);
      at += 2 + part.length;
    }
  }
  bytes[at] = OPTION_END;
  return bytes;
}
