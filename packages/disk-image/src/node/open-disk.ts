import { OverlayDisk } from '../overlay-disk.js';
import { FileClusters } from './file-clusters.js';
import { RawFile } from './raw-file.js';

export interface OpenDiskOptions {
  readonly readOnly?: boolean;
  /** Leave the image as it is and keep what is written in memory (`true`) or in this file. */
  readonly overlay?: boolean | string;
}

/** Opens a disk image. It is the caller's to close. */
export function openDisk(path: string, options: OpenDiskOptions = {}): RawFile | OverlayDisk {
  const { readOnly = false, overlay = false } = options;
  if (readOnly || overlay === false) return new RawFile(path, { readOnly });
  const base = new RawFile(path, { readOnly: true });
  if (overlay === true) return new OverlayDisk(base);
  try {
    return new OverlayDisk(base, { store: new FileClusters(overlay, base.size) });
  } catch (error) {
    base.close();
    throw error;
  }
}
