import type { IpPacket } from '../wire/ip.js';
import type { Port } from './port.js';

/** A received packet and where it came from. One record is used again and again: what a handler keeps it copies. */
export interface Arrival {
  readonly packet: IpPacket;
  port: Port;
  /** Holds the sender's MAC address at offset 6. */
  frame: Uint8Array;
  /** Sent to an address of ours, as opposed to one that we stand for. */
  toUs: boolean;
  broadcast: boolean;
}

export function sourceOf({ packet: { bytes, sourceAt, addressLength } }: Arrival): Uint8Array {
  return bytes.slice(sourceAt, sourceAt + addressLength);
}

export function destinationOf({ packet: { bytes, destinationAt, addressLength } }: Arrival): Uint8Array {
  return bytes.slice(destinationAt, destinationAt + addressLength);
}
