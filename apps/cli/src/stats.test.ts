import { describe, expect, it } from 'vitest';
import { exitCode, exitCodeTable, type ExitReason } from './exit-code.js';
import { statsBaseline, statsJson, statsTable, timing, type BootStats } from './stats.js';

const stats: BootStats = {
  instructions: 1_234_567_890,
  wallSeconds: 12.5,
  cpuSeconds: 12.25,
  mips: 100.781,
  tiers: { interpreter: 234_567_890, compiled: 1_000_000_000 },
  hostExits: { io: 12, pageFault: 3 },
  regions: { compiled: 77, live: 70 },
  memoryBytes: 700 * 2 ** 20,
  exit: 'power-off',
  exitCode: 0,
  stateHash: 'abc',
};

describe('stats', () => {
  it('prints one JSON object in one line', () => {
    const line = statsJson(stats);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual(stats);
  });

  it('prints a table that a person can read', () => {
    const table = statsTable(stats);
    expect(table).toMatch(/^exit +power-off \(status 0\)$/m);
    expect(table).toMatch(/^instructions +1 234 567 890$/m);
    expect(table).toMatch(/^tier: compiled +1 000 000 000 {2}\(81\.0 %\)$/m);
    expect(table).toMatch(/^state hash +abc$/m);
    const { stateHash: _, ...without } = stats;
    expect(statsTable(without)).not.toContain('state hash');
  });

  it('counts instructions a second of CPU time', () => {
    const since = statsBaseline();
    let sum = 0;
    for (let i = 0; i < 3e7; i++) sum += i % 7;
    const { wallSeconds, cpuSeconds, mips } = timing(sum, since);
    expect(wallSeconds).toBeGreaterThan(0);
    expect(mips * cpuSeconds * 1e6).toBeGreaterThan(sum * 0.8);
    expect(mips * cpuSeconds * 1e6).toBeLessThan(sum * 1.2);
  });
});

describe('exitCode', () => {
  it('is 0 for what was hoped for', () => {
    expect([{ kind: 'power-off' } as const, { kind: 'exit-on', text: 'x' } as const].map(exitCode)).toEqual([0, 0]);
  });

  it('is what the debug exit device of QEMU gives', () => {
    expect([0, 1, 0x10, 0x7f, 0x80].map((value) => exitCode({ kind: 'debug-exit', value }))).toEqual([1, 3, 33, 255, 1]);
  });

  it('is even and not 0 for every other end, so that no debug exit looks like it', () => {
    const others: ExitReason[] = [
      { kind: 'shutdown' },
      { kind: 'reset' },
      { kind: 'stuck' },
      { kind: 'timeout' },
      { kind: 'max-instructions' },
      { kind: 'host-failure', message: '' },
    ];
    const codes = others.map(exitCode);
    for (const code of codes) expect(code % 2).toBe(0);
    expect(new Set([0, ...codes]).size).toBe(codes.length + 1);
    for (const code of codes) expect(exitCodeTable.map(([name]) => name)).toContain(String(code));
  });
});
