// Device configuration: VIRTIO 1.2, 5.2.4 "Device configuration layout", and the feature bits of 5.2.3.

export const VIRTIO_BLK_F_SIZE_MAX = 1n << 1n;
export const VIRTIO_BLK_F_SEG_MAX = 1n << 2n;
export const VIRTIO_BLK_F_RO = 1n << 5n;
export const VIRTIO_BLK_F_BLK_SIZE = 1n << 6n;
export const VIRTIO_BLK_F_FLUSH = 1n << 9n;
export const VIRTIO_BLK_F_TOPOLOGY = 1n << 10n;
export const VIRTIO_BLK_F_CONFIG_WCE = 1n << 11n;
export const VIRTIO_BLK_F_MQ = 1n << 12n;
export const VIRTIO_BLK_F_DISCARD = 1n << 13n;
export const VIRTIO_BLK_F_WRITE_ZEROES = 1n << 14n;

const CAPACITY = 0; // u64, sectors of 512 bytes
const SIZE_MAX = 8; // u32
const SEG_MAX = 12; // u32
const BLK_SIZE = 20; // u32
const PHYSICAL_BLOCK_EXP = 24; // u8
const MIN_IO_SIZE = 26; // u16, blocks
export const WRITEBACK = 32; // u8
const NUM_QUEUES = 34; // u16
const MAX_DISCARD_SECTORS = 36; // u32
const MAX_DISCARD_SEG = 40; // u32
const DISCARD_SECTOR_ALIGNMENT = 44; // u32
const MAX_WRITE_ZEROES_SECTORS = 48; // u32
const MAX_WRITE_ZEROES_SEG = 52; // u32
const WRITE_ZEROES_MAY_UNMAP = 56; // u8
const LENGTH = 60;

export interface BlockConfig {
  readonly capacity: number;
  /** Bytes in one buffer. */
  readonly sizeMax: number;
  /** Buffers in one request. */
  readonly segMax: number;
  readonly blockSize: number;
  readonly physicalBlockSize: number;
  readonly queues: number;
  /** Sectors in one range of a DISCARD or WRITE_ZEROES. */
  readonly maxRangeSectors: number;
  readonly maxRanges: number;
}

export function blockConfig(config: BlockConfig): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  setCapacity(bytes, config.capacity);
  view.setUint32(SIZE_MAX, config.sizeMax, true);
  view.setUint32(SEG_MAX, config.segMax, true);
  view.setUint32(BLK_SIZE, config.blockSize, true);
  view.setUint8(PHYSICAL_BLOCK_EXP, Math.log2(config.physicalBlockSize / config.blockSize));
  view.setUint16(MIN_IO_SIZE, config.physicalBlockSize / config.blockSize, true);
  view.setUint8(WRITEBACK, 1);
  view.setUint16(NUM_QUEUES, config.queues, true);
  view.setUint32(MAX_DISCARD_SECTORS, config.maxRangeSectors, true);
  view.setUint32(MAX_DISCARD_SEG, config.maxRanges, true);
  view.setUint32(DISCARD_SECTOR_ALIGNMENT, config.physicalBlockSize / 512, true);
  view.setUint32(MAX_WRITE_ZEROES_SECTORS, config.maxRangeSectors, true);
  view.setUint32(MAX_WRITE_ZEROES_SEG, config.maxRanges, true);
  view.setUint8(WRITE_ZEROES_MAY_UNMAP, 1);
  return bytes;
}

export function setCapacity(bytes: Uint8Array, sectors: number): void {
  const view = new DataView(bytes.buffer);
  view.setUint32(CAPACITY, sectors % 0x1_0000_0000, true);
  view.setUint32(CAPACITY + 4, Math.floor(sectors / 0x1_0000_0000), true);
}
