import type { GuestMemory, RamRange } from '@pckit/interfaces';
import { GuestMemoryError } from './guest-memory-error.js';
import { hex, layOutRam, PAGE_BYTES, type RamLayoutOptions } from './layout.js';
import { PageScanner } from './page-scanner.js';

export interface GuestRamOptions extends RamLayoutOptions {
  /** The memory to lay RAM out in; one of the right size is allocated when absent. */
  readonly memory?: WebAssembly.Memory;
  /** Called before bytes change through this object (not by stores of the processor, which has its own way). */
  readonly onWrite?: (address: number, length: number) => void;
}

/**
 * Guest RAM in one WebAssembly memory, as devices and the host reach it. Every write is announced to `onWrite` before a byte changes:
 * that is where the processor drops its translations of the range.
 *
 * Accesses outside RAM read all-ones and write nothing, and are not announced; an access that crosses the end of a range counts as outside.
 */
export class GuestRam implements GuestMemory {
  readonly memory: WebAssembly.Memory;
  readonly ranges: readonly RamRange[];
  /** All RAM, over all ranges. */
  readonly ramBytes: number;
  /** May be set later: the processor is built after the RAM that it runs in. */
  onWrite: (address: number, length: number) => void;

  // The first three ranges as fields: a PC has [0, VGA window), [1 MiB less shadow, hole) and [4 GiB, end). Plain comparisons on
  // fields are what keeps the scalar paths at a few nanoseconds.
  readonly #start0: number;
  readonly #end0: number;
  readonly #delta0: number;
  readonly #start1: number;
  readonly #end1: number;
  readonly #delta1: number;
  #bytes!: Uint8Array;
  #view!: DataView;
  #pageScanner: PageScanner | undefined;
  /** It was allocated here, and nothing has been written through this object. */
  #fresh: boolean;

  constructor(options: GuestRamOptions) {
    const layout = layOutRam(options);
    this.ranges = layout.ranges;
    this.ramBytes = layout.ranges.reduce((sum, range) => sum + range.length, 0);
    this.onWrite = options.onWrite ?? (() => undefined);
    this.#fresh = options.memory === undefined;
    if (options.memory === undefined) {
      const pages = layout.memoryBytes / 65536;
      try {
        this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      } catch (cause) {
        throw new GuestMemoryError(
          'too-large',
          `the host refused a WebAssembly memory of ${layout.memoryBytes} bytes: ${String(cause)}`,
        );
      }
    } else {
      this.memory = options.memory;
      const has = this.memory.buffer.byteLength;
      if (has < layout.memoryBytes) {
        throw new GuestMemoryError(
          'bad-size',
          `the memory given has ${has} bytes; the layout needs ${layout.memoryBytes}`,
        );
      }
    }
    // The largest range first: nearly every access is in it.
    const [first, second] = [...this.ranges].sort((a, b) => b.length - a.length);
    this.#start0 = first.start;
    this.#end0 = first.start + first.length;
    this.#delta0 = first.offset - first.start;
    this.#start1 = second?.start ?? 0;
    this.#end1 = second === undefined ? -1 : second.start + second.length;
    this.#delta1 = second === undefined ? 0 : second.offset - second.start;
    this.#refresh();
  }

  contains(address: number, length: number): boolean {
    return this.hostOffset(address, length) >= 0;
  }

  /** Where `address` lies in `memory`, or -1 when not all `length` bytes are in one range. */
  hostOffset(address: number, length: number): number {
    const end = address + length;
    if (length < 0) return -1;
    if (address >= this.#start0 && end <= this.#end0) return address + this.#delta0;
    if (address >= this.#start1 && end <= this.#end1) return address + this.#delta1;
    const ranges = this.ranges;
    for (let i = 0; i < ranges.length; i++) {
      const range = ranges[i];
      if (address >= range.start && end <= range.start + range.length) return address - range.start + range.offset;
    }
    return -1;
  }

  readU8(address: number): number {
    const offset = this.hostOffset(address, 1);
    if (offset < 0) return 0xff;
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes[offset];
  }

  readU16(address: number): number {
    const offset = this.hostOffset(address, 2);
    if (offset < 0) return 0xffff;
    if (this.#bytes.length === 0) this.#refresh();
    return this.#view.getUint16(offset, true);
  }

  readU32(address: number): number {
    const offset = this.hostOffset(address, 4);
    if (offset < 0) return 0xffff_ffff;
    if (this.#bytes.length === 0) this.#refresh();
    return this.#view.getUint32(offset, true);
  }

  readAddress(address: number): number {
    const offset = this.hostOffset(address, 8);
    if (offset < 0) return Infinity;
    if (this.#bytes.length === 0) this.#refresh();
    const high = this.#view.getUint32(offset + 4, true);
    return high >= 0x20_0000 ? Infinity : high * 0x1_0000_0000 + this.#view.getUint32(offset, true);
  }

  writeU8(address: number, value: number): void {
    const offset = this.hostOffset(address, 1);
    if (offset < 0) return;
    this.#announce(address, 1);
    if (this.#bytes.length === 0) this.#refresh();
    this.#bytes[offset] = value;
  }

  writeU16(address: number, value: number): void {
    const offset = this.hostOffset(address, 2);
    if (offset < 0) return;
    this.#announce(address, 2);
    if (this.#bytes.length === 0) this.#refresh();
    this.#view.setUint16(offset, value, true);
  }

  writeU32(address: number, value: number): void {
    const offset = this.hostOffset(address, 4);
    if (offset < 0) return;
    this.#announce(address, 4);
    if (this.#bytes.length === 0) this.#refresh();
    this.#view.setUint32(offset, value, true);
  }

  writeAddress(address: number, value: number): void {
    const offset = this.hostOffset(address, 8);
    if (offset < 0) return;
    this.#announce(address, 8);
    if (this.#bytes.length === 0) this.#refresh();
    this.#view.setUint32(offset, value % 0x1_0000_0000, true);
    this.#view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  borrow(address: number, length: number, intent: 'read' | 'write'): Uint8Array | undefined {
    const offset = this.hostOffset(address, length);
    if (offset < 0) return undefined;
    if (intent === 'write' && length > 0) this.#announce(address, length);
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes.subarray(offset, offset + length);
  }

  /** Copies `bytes` into RAM from the host's side: boot images, a debugger's writes. @throws unless all of it is RAM */
  load(address: number, bytes: Uint8Array): void {
    const target = this.borrow(address, bytes.length, 'write');
    if (target === undefined) throw this.#outside(address, bytes.length);
    target.set(bytes);
  }

  /** Copies RAM out. @throws unless all of it is RAM */
  copy(address: number, length: number): Uint8Array {
    const source = this.borrow(address, length, 'read');
    if (source === undefined) throw this.#outside(address, length);
    return source.slice();
  }

  /**
   * Zeroes all RAM: power-on. Pages that are zero stay untouched, so that the host need not give them memory. The first time, memory that was allocated here
   * and hasn't been written through this object is taken to be zero without a look; a processor, which writes in its own way, starts later.
   */
  clear(): void {
    const fresh = this.#fresh;
    this.#fresh = false;
    if (fresh) return;
    this.forEachNonZeroPage((address) => this.borrow(address, PAGE_BYTES, 'write')?.fill(0));
  }

  /** Calls `visit` for every 4 KiB page that holds anything but zeros, ascending. The view is borrowed. */
  forEachNonZeroPage(visit: (address: number, page: Uint8Array) => void): void {
    const scanner = this.#scanner();
    this.#refresh();
    for (const range of this.ranges) {
      for (let page = 0; page < range.length; page += PAGE_BYTES) {
        const offset = range.offset + page;
        if (scanner.isNonZero(offset)) visit(range.start + page, this.#bytes.subarray(offset, offset + PAGE_BYTES));
      }
    }
  }

  /** A 64-bit hash of all RAM, as 16 hexadecimal digits. Equal contents give equal hashes, however they came about. */
  hash(): string {
    const scanner = this.#scanner();
    scanner.startHash();
    for (const range of this.ranges) {
      for (let page = 0; page < range.length; page += PAGE_BYTES) {
        const offset = range.offset + page;
        if (scanner.isNonZero(offset)) scanner.addPage(offset, (range.start + page) / PAGE_BYTES);
      }
    }
    return scanner.hash;
  }

  #announce(address: number, length: number): void {
    this.#fresh = false;
    this.onWrite(address, length);
  }

  #scanner(): PageScanner {
    return (this.#pageScanner ??= new PageScanner(this.memory));
  }

  /** Views of a memory that grew are detached, with length 0. */
  #refresh(): void {
    const buffer = this.memory.buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  #outside(address: number, length: number): GuestMemoryError {
    const ram = this.ranges.map((range) => `${hex(range.start)}+${hex(range.length)}`).join(', ');
    return new GuestMemoryError('outside-ram', `${hex(address)}+${hex(length)} is not all RAM (RAM: ${ram})`);
  }
}
