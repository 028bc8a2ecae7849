// Feature bits and device configuration: VIRTIO 1.2, 5.1.3 and 5.1.4.

export const VIRTIO_NET_F_CSUM = 1n << 0n;
export const VIRTIO_NET_F_GUEST_CSUM = 1n << 1n;
export const VIRTIO_NET_F_CTRL_GUEST_OFFLOADS = 1n << 2n;
export const VIRTIO_NET_F_MTU = 1n << 3n;
export const VIRTIO_NET_F_MAC = 1n << 5n;
export const VIRTIO_NET_F_GUEST_TSO4 = 1n << 7n;
export const VIRTIO_NET_F_GUEST_TSO6 = 1n << 8n;
export const VIRTIO_NET_F_GUEST_ECN = 1n << 9n;
export const VIRTIO_NET_F_GUEST_UFO = 1n << 10n;
export const VIRTIO_NET_F_HOST_TSO4 = 1n << 11n;
export const VIRTIO_NET_F_HOST_TSO6 = 1n << 12n;
export const VIRTIO_NET_F_HOST_ECN = 1n << 13n;
export const VIRTIO_NET_F_HOST_UFO = 1n << 14n;
export const VIRTIO_NET_F_MRG_RXBUF = 1n << 15n;
export const VIRTIO_NET_F_STATUS = 1n << 16n;
export const VIRTIO_NET_F_CTRL_VQ = 1n << 17n;
export const VIRTIO_NET_F_CTRL_RX = 1n << 18n;
export const VIRTIO_NET_F_CTRL_VLAN = 1n << 19n;
export const VIRTIO_NET_F_CTRL_RX_EXTRA = 1n << 20n;
export const VIRTIO_NET_F_GUEST_ANNOUNCE = 1n << 21n;
export const VIRTIO_NET_F_CTRL_MAC_ADDR = 1n << 23n;
export const VIRTIO_NET_F_HOST_USO = 1n << 56n;
export const VIRTIO_NET_F_SPEED_DUPLEX = 1n << 63n;

/** What the driver may switch off and on while it runs (5.1.6.5.6). */
export const GUEST_OFFLOADS = VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN | VIRTIO_NET_F_GUEST_UFO;

export const VIRTIO_NET_S_LINK_UP = 1;
export const VIRTIO_NET_S_ANNOUNCE = 2;

/** struct virtio_net_config */
export const CONFIG_MAC = 0;
export const CONFIG_STATUS = 6;
const MAX_VIRTQUEUE_PAIRS = 8;
const CONFIG_MTU = 10;
const CONFIG_SPEED = 12;
const CONFIG_DUPLEX = 16;
const CONFIG_LENGTH = 17;
const DUPLEX_FULL = 1;

export function netConfig(mac: Uint8Array, mtu: number, speedMbits: number): Uint8Array {
  const bytes = new Uint8Array(CONFIG_LENGTH);
  const view = new DataView(bytes.buffer);
  bytes.set(mac, CONFIG_MAC);
  bytes[CONFIG_STATUS] = VIRTIO_NET_S_LINK_UP;
  view.setUint16(MAX_VIRTQUEUE_PAIRS, 1, true);
  view.setUint16(CONFIG_MTU, mtu, true);
  view.setUint32(CONFIG_SPEED, speedMbits, true);
  bytes[CONFIG_DUPLEX] = DUPLEX_FULL;
  return bytes;
}
