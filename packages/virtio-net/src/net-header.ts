import type { FrameOffload } from '@pckit/interfaces';

// struct virtio_net_hdr, which stands before every frame: VIRTIO 1.2, 5.1.6. Little-endian: a legacy guest's order is its own, and ours are x86.

export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
export const VIRTIO_NET_HDR_GSO_NONE = 0;
export const VIRTIO_NET_HDR_GSO_TCPV4 = 1;
export const VIRTIO_NET_HDR_GSO_UDP = 3;
export const VIRTIO_NET_HDR_GSO_TCPV6 = 4;
export const VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
export const VIRTIO_NET_HDR_GSO_ECN = 0x80;

const FLAGS = 0;
const GSO_TYPE = 1;
const HDR_LEN = 2;
const GSO_SIZE = 4;
const CSUM_START = 6;
const CSUM_OFFSET = 8;
const NUM_BUFFERS = 10;

/** Without `num_buffers`: legacy drivers that did not negotiate mergeable buffers. */
export const LEGACY_HEADER_LENGTH = 10;
export const HEADER_LENGTH = 12;

/** An offload that is filled again for every frame. */
export interface MutableOffload {
  checksumStart: number;
  checksumOffset: number;
  segmentation: FrameOffload['segmentation'];
  segmentBytes: number;
}

export class NetHeader {
  readonly bytes = new Uint8Array(HEADER_LENGTH);
  readonly #view = new DataView(this.bytes.buffer);

  get numBuffers(): number {
    return this.#view.getUint16(NUM_BUFFERS, true);
  }

  /** What the driver asks for. @returns false when that is nothing */
  parse(into: MutableOffload): boolean {
    const view = this.#view;
    const segmentation = segmentationOf(this.bytes[GSO_TYPE]! & ~VIRTIO_NET_HDR_GSO_ECN);
    if ((this.bytes[FLAGS]! & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0 && segmentation === 'none') return false;
    into.checksumStart = view.getUint16(CSUM_START, true);
    into.checksumOffset = view.getUint16(CSUM_OFFSET, true);
    into.segmentation = segmentation;
    into.segmentBytes = segmentation === 'none' ? 0 : view.getUint16(GSO_SIZE, true);
    return true;
  }

  /** For a frame that is whole. @param valid its checksums have been looked at, or need not be */
  setWhole(valid: boolean): void {
    this.bytes.fill(0);
    if (valid) this.bytes[FLAGS] = VIRTIO_NET_HDR_F_DATA_VALID;
  }

  /** For a frame whose rest is left to the driver. */
  setOffload(offload: FrameOffload, gsoType: number, headerLength: number): void {
    const view = this.#view;
    this.bytes[FLAGS] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    this.bytes[GSO_TYPE] = gsoType;
    view.setUint16(HDR_LEN, headerLength, true);
    view.setUint16(GSO_SIZE, offload.segmentBytes, true);
    view.setUint16(CSUM_START, offload.checksumStart, true);
    view.setUint16(CSUM_OFFSET, offload.checksumOffset, true);
  }

  setBuffers(count: number): void {
    this.#view.setUint16(NUM_BUFFERS, count, true);
  }
}

function segmentationOf(gsoType: number): FrameOffload['segmentation'] {
  switch (gsoType) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
      return 'tcp';
    case VIRTIO_NET_HDR_GSO_UDP:
      return 'udp-fragments';
    case VIRTIO_NET_HDR_GSO_UDP_L4:
      return 'udp';
    default:
      return 'none';
  }
}
