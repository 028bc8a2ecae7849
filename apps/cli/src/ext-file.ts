import type { BlockBackend } from '@pckit/interfaces';

/**
 * Reads a small file of an ext2, ext3 or ext4 file system that covers a whole disk: Linux' Documentation/filesystems/ext4. For a look at a guest's
 * configuration before it boots; a journal is not replayed. Whatever isn't as it should be is `undefined`.
 */

const ROOT_INODE = 2;
const MAX_FILE = 64 * 1024;
/** Of a directory that is looked through. */
const MAX_DIRECTORY = 1 << 20;
const EXTENTS_FLAG = 0x8_0000;
const INCOMPAT_64BIT = 0x80;
const DIRECTORY = 0x4000;
const REGULAR = 0x8000;

export async function readExtFile(disk: BlockBackend, path: string): Promise<string | undefined> {
  try {
    const fs = await FileSystem.open(disk);
    if (fs === undefined) return undefined;
    let inode = ROOT_INODE;
    const names = path.split('/').filter((name) => name !== '');
    for (const name of names) {
      const contents = await fs.contents(inode, DIRECTORY, MAX_DIRECTORY);
      const next = contents === undefined ? undefined : entry(contents, name);
      if (next === undefined) return undefined;
      inode = next;
    }
    const bytes = await fs.contents(inode, REGULAR, MAX_FILE);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  } catch {
    // A damaged file system, or an end of the disk in the middle of it: not for us to say.
    return undefined;
  }
}

/** @returns the inode that the directory has for `name` */
function entry(directory: Uint8Array, name: string): number | undefined {
  const view = new DataView(directory.buffer, directory.byteOffset, directory.length);
  for (let at = 0; at + 8 <= directory.length; ) {
    const length = view.getUint16(at + 4, true);
    if (length < 8) return undefined;
    const nameLength = view.getUint8(at + 6);
    const found = new TextDecoder().decode(directory.subarray(at + 8, at + 8 + nameLength));
    if (view.getUint32(at, true) !== 0 && found === name) return view.getUint32(at, true);
    at += length;
  }
  return undefined;
}

class FileSystem {
  private constructor(
    private readonly disk: BlockBackend,
    private readonly block: number,
    private readonly inodesPerGroup: number,
    private readonly inodeBytes: number,
    private readonly descriptorBytes: number,
    private readonly firstBlock: number,
  ) {}

  static async open(disk: BlockBackend): Promise<FileSystem | undefined> {
    if (disk.size < 4096) return undefined;
    const view = new DataView((await readAt(disk, 1024, 1024)).buffer);
    if (view.getUint16(0x38, true) !== 0xef53) return undefined;
    const logBlock = view.getUint32(0x18, true);
    if (logBlock > 6) return undefined;
    const wide = (view.getUint32(0x60, true) & INCOMPAT_64BIT) !== 0;
    const inodeBytes = view.getUint32(0x4c, true) === 0 ? 128 : view.getUint16(0x58, true);
    const descriptor = wide ? view.getUint16(0xfe, true) : 32;
    if (inodeBytes < 128 || descriptor < 32 || view.getUint32(0x28, true) === 0) return undefined;
    return new FileSystem(disk, 1024 << logBlock, view.getUint32(0x28, true), inodeBytes, descriptor, view.getUint32(0x14, true));
  }

  /** All of a file, when it is of this type and not longer than `limit`. */
  async contents(inode: number, type: number, limit: number): Promise<Uint8Array | undefined> {
    const group = Math.floor((inode - 1) / this.inodesPerGroup);
    const descriptor = await this.#view((this.firstBlock + 1) * this.block + group * this.descriptorBytes, 32);
    const table = descriptor.getUint32(8, true);
    const view = await this.#view(table * this.block + ((inode - 1) % this.inodesPerGroup) * this.inodeBytes, 128);
    const size = view.getUint32(4, true);
    if ((view.getUint16(0, true) & 0xf000) !== type || size > limit) return undefined;
    const map = new Uint8Array(view.buffer, 40, 60);
    const blocks = (view.getUint32(32, true) & EXTENTS_FLAG) !== 0 ? await this.#extents(map, 0) : Array.from({ length: 12 }, (_, i) => new DataView(map.buffer, map.byteOffset).getUint32(4 * i, true));
    const contents = new Uint8Array(size);
    for (let at = 0; at < size; at += this.block) {
      const block = blocks[at / this.block];
      if (block === undefined) return undefined;
      const part = await readAt(this.disk, block * this.block, this.block);
      contents.set(part.subarray(0, size - at), at);
    }
    return contents;
  }

  /** The blocks of a file, in order, by an extent tree's node. */
  async #extents(node: Uint8Array, depth: number): Promise<number[]> {
    const view = new DataView(node.buffer, node.byteOffset, node.length);
    const count = view.getUint16(2, true);
    const blocks: number[] = [];
    if (view.getUint16(0, true) !== 0xf30a || depth > 4 || count > node.length / 12) return blocks;
    for (let i = 0; i < count && blocks.length < MAX_DIRECTORY / 1024; i++) {
      const at = 12 + 12 * i;
      if (view.getUint16(6, true) === 0) {
        const length = Math.min(view.getUint16(at + 4, true), 32768);
        const start = view.getUint32(at + 8, true);
        const first = view.getUint32(at, true);
        for (let n = 0; n < length && first + n < MAX_DIRECTORY / 1024; n++) blocks[first + n] = start + n;
      } else {
        const child = await readAt(this.disk, view.getUint32(at + 4, true) * this.block, this.block);
        (await this.#extents(child, depth + 1)).forEach((block, index) => (blocks[index] = block));
      }
    }
    return blocks;
  }

  async #view(offset: number, length: number): Promise<DataView> {
    return new DataView((await readAt(this.disk, offset, length)).buffer);
  }
}

/** Any bytes: the disk is read by whole sectors. */
async function readAt(disk: BlockBackend, offset: number, length: number): Promise<Uint8Array> {
  const start = offset - (offset % 512);
  const bytes = new Uint8Array(Math.ceil((offset + length - start) / 512) * 512);
  await disk.read(start, bytes);
  return bytes.slice(offset - start, offset - start + length);
}
