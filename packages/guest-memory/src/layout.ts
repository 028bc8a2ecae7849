import type { RamRange } from '@pckit/interfaces';
import { GuestMemoryError } from './guest-memory-error.js';

export const PAGE_BYTES = 4096;
const WASM_PAGE_BYTES = 65536;
/** wasm32: 65536 pages of 64 KiB. */
export const WASM_MEMORY_LIMIT = 2 ** 32;
const FOUR_GIB = 2 ** 32;

export interface RamLayoutOptions {
  /** RAM of the guest, a multiple of 4 KiB. */
  readonly ramBytes: number;
  /** Bytes at the start of the WebAssembly memory that belong to someone else (the processor's state, TLBs, predecoded code). */
  readonly reserveBytes?: number;
  /** Where RAM below 4 GiB ends to leave room for devices; the rest goes above 4 GiB. */
  readonly holeStart?: number;
  /** Parts of the lower RAM that aren't RAM to the guest, such as a PC's VGA window. The host bytes behind them lie idle. */
  readonly holes?: readonly { readonly start: number; readonly length: number }[];
}

export interface RamLayout {
  readonly ranges: readonly RamRange[];
  /** Where RAM begins in the WebAssembly memory: `reserveBytes`, rounded up to a WebAssembly page. */
  readonly base: number;
  /** Size of the WebAssembly memory. */
  readonly memoryBytes: number;
}

/** Decides where guest RAM lies, in guest-physical space and in the host's memory. */
export function layOutRam(options: RamLayoutOptions): RamLayout {
  const { ramBytes, reserveBytes = 0, holeStart = 0xc000_0000, holes = [] } = options;
  const wholePages = (what: string, value: number): void => {
    if (!Number.isSafeInteger(value) || value < 0 || value % PAGE_BYTES !== 0) {
      throw new GuestMemoryError('bad-size', `${what} ${value} is not a multiple of ${PAGE_BYTES} bytes`);
    }
  };
  wholePages('RAM size', ramBytes);
  wholePages('32-bit hole', holeStart);
  if (ramBytes === 0) throw new GuestMemoryError('bad-size', 'a machine without RAM');
  if (holeStart === 0 || holeStart > FOUR_GIB) {
    throw new GuestMemoryError(
      'bad-size',
      `the 32-bit hole must start within the first 4 GiB, not at ${hex(holeStart)}`,
    );
  }
  if (!Number.isSafeInteger(reserveBytes) || reserveBytes < 0)
    throw new GuestMemoryError('bad-size', `reserve of ${reserveBytes} bytes`);
  const base = Math.ceil(reserveBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
  if (base + ramBytes > WASM_MEMORY_LIMIT) {
    throw new GuestMemoryError(
      'too-large',
      `${mib(ramBytes)} MiB of RAM and ${mib(
        base,
      )} MiB for the processor exceed the 4096 MiB that one WebAssembly memory holds; ` +
        `at most ${mib(WASM_MEMORY_LIMIT - base)} MiB of RAM fit`,
    );
  }

  const lowEnd = Math.min(ramBytes, holeStart);
  const ranges: RamRange[] = [];
  let start = 0;
  const upTo = (end: number): void => {
    if (end > start) ranges.push({ start, length: end - start, offset: base + start });
  };
  for (const hole of [...holes].sort((a, b) => a.start - b.start)) {
    wholePages('start of hole', hole.start);
    wholePages('length of hole', hole.length);
    if (hole.start < start) throw new GuestMemoryError('bad-size', `holes overlap at ${hex(hole.start)}`);
    if (hole.start >= lowEnd) break;
    upTo(hole.start);
    start = hole.start + hole.length;
  }
  upTo(lowEnd);
  if (ramBytes > lowEnd) ranges.push({ start: FOUR_GIB, length: ramBytes - lowEnd, offset: base + lowEnd });
  return { ranges, base, memoryBytes: Math.ceil((base + ramBytes) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES };
}

function mib(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
