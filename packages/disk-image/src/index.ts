export { MemoryDisk } from './memory-disk.js';
export type { MemoryDiskOptions } from './memory-disk.js';
export { OverlayDisk } from './overlay-disk.js';
export type { OverlayDiskOptions, OverlayDiskState, OverlayStore } from './overlay-disk.js';
export { CLUSTER, MemoryClusters } from './memory-clusters.js';
export type { MemoryClustersState } from './memory-clusters.js';
export { DiskImageError } from './disk-image-error.js';
export type { DiskImageErrorCode } from './disk-image-error.js';
