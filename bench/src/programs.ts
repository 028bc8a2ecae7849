/** The guest programs, and how much work each does: `repeats` makes a run of 0.2 to 0.8 seconds of CPU time under QEMU's TCG. */
export interface GuestProgram {
  readonly name: string;
  readonly group: 'compute' | 'system';
  readonly repeats: number;
  readonly is: string;
}

export const PROGRAMS: readonly GuestProgram[] = [
  { name: 'integer', group: 'compute', repeats: 12000, is: 'xorshift, division, bit counts, modular powers' },
  { name: 'branchy', group: 'compute', repeats: 1000, is: 'Collatz, queens, a tokeniser' },
  { name: 'calls', group: 'compute', repeats: 900, is: 'recursion, calls through pointers' },
  { name: 'sieve', group: 'compute', repeats: 120, is: 'sieve of Eratosthenes' },
  { name: 'copy', group: 'compute', repeats: 110, is: 'memcpy, memmove, memset, byte loops' },
  { name: 'chase', group: 'compute', repeats: 80, is: 'pointers through 4 MiB' },
  { name: 'crc', group: 'compute', repeats: 700, is: 'CRC-32 by table' },
  { name: 'sha256', group: 'compute', repeats: 700, is: 'SHA-256' },
  { name: 'sort', group: 'compute', repeats: 16, is: 'quicksort, heapsort, qsort' },
  { name: 'interpreter', group: 'compute', repeats: 800, is: 'a bytecode interpreter' },
  { name: 'mandelbrot', group: 'compute', repeats: 200, is: 'double-precision scalars' },
  { name: 'nbody', group: 'compute', repeats: 600, is: 'double-precision scalars, sqrt' },
  { name: 'matrix', group: 'compute', repeats: 100, is: 'double and single-precision arrays' },
  { name: 'simd', group: 'compute', repeats: 2000, is: 'SSE2 intrinsics' },
  { name: 'compress', group: 'compute', repeats: 60, is: 'LZ77 and Huffman codes, and back' },
  { name: 'text', group: 'compute', repeats: 36, is: 'the C library: sprintf, strtoul, strstr, malloc' },
  { name: 'syscall', group: 'system', repeats: 800, is: 'getppid' },
  { name: 'pipe', group: 'system', repeats: 45, is: 'a word to another process and back' },
  { name: 'fork', group: 'system', repeats: 320, is: 'fork, exit, wait' },
  { name: 'exec', group: 'system', repeats: 100, is: 'fork, exec, exit, wait' },
  { name: 'fault', group: 'system', repeats: 140, is: 'mmap, page faults, mprotect, munmap' },
  { name: 'files', group: 'system', repeats: 1000, is: 'open, write, read, stat, unlink on tmpfs' },
];
