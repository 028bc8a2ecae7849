/** Ethernet II: destination, source, type; no FCS (that is the wire's). */
export const ETHERNET_HEADER = 14;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

export const ETHERNET_BROADCAST: Uint8Array = new Uint8Array(6).fill(0xff);

/** The group bit: multicast and broadcast. */
export function isGroup(bytes: Uint8Array, at: number): boolean {
  return (bytes[at] & 1) !== 0;
}

/** A MAC address as a number, which is exact: a key of a Map. */
export function macKey(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 8) | bytes[at + 1]) * 0x1_0000_0000 + (((bytes[at + 2] << 24) | (bytes[at + 3] << 16) | (bytes[at + 4] << 8) | bytes[at + 5]) >>> 0);
}
