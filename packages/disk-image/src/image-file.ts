/** The bytes that an image format lives in: a file, or memory. Offsets and lengths are bytes; failures are thrown. */
export interface ImageFile {
  /** For messages. */
  readonly name: string;
  readonly length: number;
  /** Fills `into` from `offset`; what lies past the end is zeros. */
  read(offset: number, into: Uint8Array): void;
  /** Makes the file longer when it reaches past the end; what lies between is zeros. */
  write(offset: number, from: Uint8Array): void;
  /** Everything written is durable. */
  flush(): void;
  close(): void;
}

/** An image file in memory: for tests, and for images that came over a network. */
export class MemoryFile implements ImageFile {
  #bytes: Uint8Array;
  #length: number;

  constructor(
    contents: Uint8Array = new Uint8Array(0),
    readonly name = 'image in memory',
  ) {
    this.#bytes = contents;
    this.#length = contents.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The contents, not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  read(offset: number, into: Uint8Array): void {
    const part = this.#bytes.subarray(Math.min(offset, this.#length), Math.min(offset + into.length, this.#length));
    into.set(part);
    into.fill(0, part.length);
  }

  write(offset: number, from: Uint8Array): void {
    const end = offset + from.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(from, offset);
    this.#length = Math.max(this.#length, end);
  }

  flush(): void {}

  close(): void {}
}

/** `length` bytes at `offset`. */
export function readBytes(file: ImageFile, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  return bytes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
