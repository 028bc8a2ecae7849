import { ETHERNET_BROADCAST, ETHERNET_HEADER, ETHERTYPE_ARP } from './ethernet.js';
import { readU16, writeU16 } from './bytes.js';

/** RFC 826, for IPv4 over Ethernet. */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
const ARP_LENGTH = 28;

export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly sender: Uint8Array;
  readonly target: Uint8Array;
}

/** undefined for anything but IPv4 over Ethernet, whole. The fields are copies. */
export function parseArp(frame: Uint8Array): ArpPacket | undefined {
  const at = ETHERNET_HEADER;
  if (frame.length < at + ARP_LENGTH) return undefined;
  if (readU16(frame, at) !== 1 || readU16(frame, at + 2) !== 0x0800 || frame[at + 4] !== 6 || frame[at + 5] !== 4) return undefined;
  return { operation: readU16(frame, at + 6), senderMac: frame.slice(at + 8, at + 14), sender: frame.slice(at + 14, at + 18), target: frame.slice(at + 24, at + 28) };
}

export function buildArp(operation: number, sender: { readonly mac: Uint8Array; readonly address: Uint8Array }, target: { readonly mac?: Uint8Array; readonly address: Uint8Array }): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + ARP_LENGTH);
  frame.set(target.mac ?? ETHERNET_BROADCAST, 0);
  frame.set(sender.mac, 6);
  writeU16(frame, 12, ETHERTYPE_ARP);
  frame.set([0, 1, 8, 0, 6, 4, 0, operation], 14);
  frame.set(sender.mac, 22);
  frame.set(sender.address, 28);
  if (target.mac !== undefined) frame.set(target.mac, 32);
  frame.set(target.address, 38);
  return frame;
}
