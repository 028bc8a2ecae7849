import { describe, expect, it } from 'vitest';
import type { TracedRegion } from '@pckit/x86-jit';
import { JitTrace } from './jit-trace.js';

const region = (number: number, address: bigint, entries: number, instructions: number): TracedRegion => ({
  number, address, blocks: 3, instructions: 20, bytes: 900,
  use: () => ({ entries, instructions, interrupted: 1 }),
});

describe('--trace-jit', () => {
  it('has a line for each event, and shows who executed most, also of what is gone', () => {
    const lines: string[] = [];
    const trace = new JitTrace((line) => lines.push(line));
    const [busy, gone] = [region(1, 0xffffffff81000000n, 10, 5000), region(2, 0x401000n, 5, 100_000)];
    trace.event({ kind: 'compiled', region: busy, why: 'lookups', milliseconds: 1.5 });
    trace.event({ kind: 'compiled', region: gone, why: 'samples', milliseconds: 0.25 });
    trace.event({ kind: 'module', regions: [1, 2], bytes: 2000, milliseconds: 0.5 });
    trace.event({ kind: 'dropped', region: gone, why: 'code changed' });
    expect(lines).toEqual([
      'compiled #1 at ffffffff81000000: 3 blocks, 20 instructions, 900 bytes for its lookups, 1.50 ms',
      'compiled #2 at 401000: 3 blocks, 20 instructions, 900 bytes for its samples, 0.25 ms',
      'module of 2 regions (#1 #2), 2000 bytes, 0.50 ms',
      'dropped #2 at 401000: 3 blocks, 20 instructions, 900 bytes: code changed; entered 5 times, 100000 instructions',
    ]);
    const [head, , first, second] = trace.table({ nearest: (address) => (address === busy.address ? { name: 'start', offset: 0n } : undefined) }).split('\n') as [string, string, string, string];
    expect(head).toBe('regions: 1 live, 1 dropped; entered 15 times, 105000 instructions, 7000.0 an entry, cut short 2 times');
    expect(first).toMatch(/^ *95\.2 % +100000 +5 +20000\.0 +1 .*#2 401000 \(code changed\)$/);
    expect(second).toMatch(/#1 ffffffff81000000 start$/);
  });
});
