export { createRawFile, RawFile } from './raw-file.js';
export type { RawFileOptions } from './raw-file.js';
export { FileClusters } from './file-clusters.js';
export { openDisk } from './open-disk.js';
export type { OpenDiskOptions } from './open-disk.js';
