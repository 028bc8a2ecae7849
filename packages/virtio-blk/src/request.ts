import type { GuestMemory } from '@pckit/interfaces';
import { DescriptorChain } from '@pckit/virtio';

// The request format: VIRTIO 1.2, 5.2.6 "Device Operation". A header of 16 bytes that the device reads, data in either direction, and
// one status byte that it writes. Where one buffer ends and the next begins means nothing (VIRTIO_F_ANY_LAYOUT), so the header is the
// first 16 readable bytes and the status is the last writable one.

export const VIRTIO_BLK_T_IN = 0;
export const VIRTIO_BLK_T_OUT = 1;
export const VIRTIO_BLK_T_FLUSH = 4;
export const VIRTIO_BLK_T_GET_ID = 8;
export const VIRTIO_BLK_T_DISCARD = 11;
export const VIRTIO_BLK_T_WRITE_ZEROES = 13;

export const VIRTIO_BLK_S_OK = 0;
export const VIRTIO_BLK_S_IOERR = 1;
export const VIRTIO_BLK_S_UNSUPP = 2;

/** Length of the header: type, reserved (once I/O priority), sector. */
export const HEADER_LENGTH = 16;
/** Capacity and positions are in units of this, whatever the block size. */
export const SECTOR = 512;
/** Length of the device ID string. */
export const ID_LENGTH = 20;

/** One range of a DISCARD or WRITE_ZEROES: sector, number of sectors, flags. */
export const RANGE_LENGTH = 16;
const RANGE_FLAG_UNMAP = 1;

/** A request as parsed, and what became of it. Reused; owns its chain. */
export class BlockRequest {
  readonly chain = new DescriptorChain();
  queue = 0;
  type = 0;
  /** First sector; Infinity when it is beyond 2^53. */
  sector = 0;
  /** Bytes of data from the driver, after the header. */
  dataOut = 0;
  /** Bytes of data to the driver, before the status. */
  dataIn = 0;
  statusAddress = 0;
  /** Set when the request is done. */
  status = VIRTIO_BLK_S_OK;
  /** Bytes written to the driver's buffers, for the used ring. */
  written = 0;
  done = false;
  /** Of a request that the backend works on: the data from the driver as it was, or the buffer to read into. */
  buffer: Uint8Array | undefined;
  /** The backend moves the data straight between disk and guest memory, on another thread. */
  beside = false;
}

/** Reads what `request.chain` describes. @returns false when there is no room for a header or a status. */
export function parseRequest(memory: GuestMemory, request: BlockRequest, header: Uint8Array): boolean {
  const { chain } = request;
  if (chain.writableBytes < 1 || chain.read(memory, 0, header) < HEADER_LENGTH) return false;
  const view = new DataView(header.buffer, header.byteOffset, HEADER_LENGTH);
  request.type = view.getUint32(0, true);
  const high = view.getUint32(12, true);
  request.sector = high >= 0x20_0000 ? Infinity : high * 0x1_0000_0000 + view.getUint32(8, true);
  request.dataOut = chain.readableBytes - HEADER_LENGTH;
  request.dataIn = chain.writableBytes - 1;
  const last = chain.count - 1;
  request.statusAddress = (chain.addresses[last] as number) + (chain.lengths[last] as number) - 1;
  request.status = VIRTIO_BLK_S_OK;
  request.written = 0;
  request.done = false;
  request.buffer = undefined;
  request.beside = false;
  return true;
}

export interface BlockRange {
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
  readonly unmap: boolean;
}

export interface RangeLimits {
  /** Sectors on the disk. */
  readonly capacity: number;
  readonly maxSectors: number;
  readonly maxRanges: number;
  readonly mayUnmap: boolean;
}

/** The ranges of a DISCARD or WRITE_ZEROES, or the status that refuses them (5.2.6.2). */
export function parseRanges(data: Uint8Array, limits: RangeLimits): readonly BlockRange[] | number {
  if (data.length === 0 || data.length % RANGE_LENGTH !== 0) return VIRTIO_BLK_S_IOERR;
  if (data.length / RANGE_LENGTH > limits.maxRanges) return VIRTIO_BLK_S_UNSUPP;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const ranges: BlockRange[] = [];
  for (let at = 0; at < data.length; at += RANGE_LENGTH) {
    const sector = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
    const sectors = view.getUint32(at + 8, true);
    const flags = view.getUint32(at + 12, true);
    // Unknown flags, and unmap in a discard, are unsupported.
    if ((flags & ~RANGE_FLAG_UNMAP) !== 0 || (flags !== 0 && !limits.mayUnmap)) return VIRTIO_BLK_S_UNSUPP;
    if (sectors > limits.maxSectors || sector + sectors > limits.capacity) return VIRTIO_BLK_S_IOERR;
    ranges.push({ offset: sector * SECTOR, length: sectors * SECTOR, unmap: (flags & RANGE_FLAG_UNMAP) !== 0 });
  }
  return ranges;
}
