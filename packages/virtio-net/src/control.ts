import { macNumber, type ReceiveFilter } from './receive-filter.js';

// Commands of the control queue: VIRTIO 1.2, 5.1.6.5.

export const VIRTIO_NET_OK = 0;
export const VIRTIO_NET_ERR = 1;

export const VIRTIO_NET_CTRL_RX = 0;
export const VIRTIO_NET_CTRL_MAC = 1;
export const VIRTIO_NET_CTRL_VLAN = 2;
export const VIRTIO_NET_CTRL_ANNOUNCE = 3;
export const VIRTIO_NET_CTRL_GUEST_OFFLOADS = 5;

const RX_PROMISC = 0;
const RX_ALLMULTI = 1;
const RX_ALLUNI = 2;
const RX_NOMULTI = 3;
const RX_NOUNI = 4;
const RX_NOBCAST = 5;
const MAC_TABLE_SET = 0;
const MAC_ADDR_SET = 1;
const VLAN_ADD = 0;
const VLAN_DEL = 1;
const ANNOUNCE_ACK = 0;
const GUEST_OFFLOADS_SET = 0;

/** Class, command, and their data: room for tables of some 5,000 addresses each way, more than any driver has. */
export const MAX_COMMAND = 64 * 1024;

export interface ControlTarget {
  readonly filter: ReceiveFilter;
  setMac(mac: Uint8Array): void;
  announced(): void;
  /** @returns whether they are all the driver's to set */
  setGuestOffloads(offloads: bigint): boolean;
}

/** @param command class, command, data @returns VIRTIO_NET_OK or VIRTIO_NET_ERR; of a command in error nothing is done */
export function execute(command: Uint8Array, target: ControlTarget): number {
  if (command.length < 2) return VIRTIO_NET_ERR;
  const data = command.subarray(2);
  const kind = command[1];
  let done = false;
  switch (command[0]) {
    case VIRTIO_NET_CTRL_RX:
      done = data.length === 1 && setReceiveMode(kind!, data[0] !== 0, target.filter);
      break;
    case VIRTIO_NET_CTRL_MAC:
      done = kind === MAC_TABLE_SET ? setTables(data, target.filter) : kind === MAC_ADDR_SET && setAddress(data, target);
      break;
    case VIRTIO_NET_CTRL_VLAN:
      done = setVlan(kind!, data, target.filter);
      break;
    case VIRTIO_NET_CTRL_ANNOUNCE:
      done = kind === ANNOUNCE_ACK;
      if (done) target.announced();
      break;
    case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
      done = kind === GUEST_OFFLOADS_SET && data.length === 8 && target.setGuestOffloads(u64(data));
      break;
  }
  return done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

function setReceiveMode(command: number, on: boolean, filter: ReceiveFilter): boolean {
  switch (command) {
    case RX_PROMISC:
      filter.promiscuous = on;
      return true;
    case RX_ALLMULTI:
      filter.allMulticast = on;
      return true;
    case RX_ALLUNI:
      filter.allUnicast = on;
      return true;
    case RX_NOMULTI:
      filter.noMulticast = on;
      return true;
    case RX_NOUNI:
      filter.noUnicast = on;
      return true;
    case RX_NOBCAST:
      filter.noBroadcast = on;
      return true;
    default:
      return false;
  }
}

function setTables(data: Uint8Array, filter: ReceiveFilter): boolean {
  const unicast = readTable(data, 0);
  if (unicast === undefined) return false;
  const multicast = readTable(data, 4 + 6 * unicast.length);
  if (multicast === undefined || data.length !== 8 + 6 * (unicast.length + multicast.length)) return false;
  filter.setTables(unicast, multicast);
  return true;
}

/** le32 entries, then so many addresses. */
function readTable(data: Uint8Array, at: number): number[] | undefined {
  if (at + 4 > data.length) return undefined;
  const count = (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
  if (count * 6 > data.length - at - 4) return undefined;
  return Array.from({ length: count }, (_, i) => macNumber(data, at + 4 + 6 * i));
}

function setAddress(data: Uint8Array, target: ControlTarget): boolean {
  if (data.length !== 6) return false;
  target.setMac(data);
  return true;
}

function setVlan(command: number, data: Uint8Array, filter: ReceiveFilter): boolean {
  if (data.length !== 2 || (command !== VLAN_ADD && command !== VLAN_DEL)) return false;
  const id = data[0]! | (data[1]! << 8);
  if (id >= 4096) return false;
  filter.setVlan(id, command === VLAN_ADD);
  return true;
}

function u64(data: Uint8Array): bigint {
  return new DataView(data.buffer, data.byteOffset, 8).getBigUint64(0, true);
}
