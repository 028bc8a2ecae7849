export { createRawFile, RawFile } from './raw-file.js';
export type { RawFileOptions } from './raw-file.js';
export { FileClusters } from './file-clusters.js';
export { OsFile } from './os-file.js';
export { nodeDecompressors } from './decompressors.js';
export { formatOf, openDisk } from './open-disk.js';
export type { OpenDisk, OpenDiskOptions } from './open-disk.js';
