import { describe, expect, it } from 'vitest';
import { Profile } from './profile.js';

function scripted(): { profile: Profile; step: (milliseconds: number, executed: Record<string, number>, ...at: readonly (readonly [bigint, boolean])[]) => void } {
  let now = 0;
  const tiers: Record<string, number> = { interpreter: 0 };
  let positions: { rip: bigint; user: boolean }[] = [];
  const profile = new Profile({ positions: () => positions, tiers: () => ({ ...tiers }) }, () => now);
  return {
    profile,
    step: (milliseconds, executed, ...at) => {
      now += milliseconds;
      for (const [tier, count] of Object.entries(executed)) tiers[tier] = (tiers[tier] ?? 0) + count;
      positions = at.map(([rip, user]) => ({ rip, user }));
      profile.sample();
    },
  };
}

const names = { nearest: (address: bigint) => (address >= 0x8000n && address < 0x9000n ? { name: 'memset', offset: address - 0x8000n } : undefined) };
const rowsOf = (table: string): string[] => table.trimEnd().split('\n').slice(2).map((line) => line.trim().replace(/ +/g, ' '));

describe('a profile', () => {
  it('adds up time by function, and by page where there is no name', () => {
    const { profile, step } = scripted();
    step(10, { interpreter: 100 }, [0x8010n, false]);
    step(30, { interpreter: 50, regions: 150 }, [0x8020n, false]);
    step(40, { regions: 10 }, [0x401abcn, true]);
    step(20, { interpreter: 10 }, [0x7000n, false]);
    step(500, {});
    const table = profile.table(names);
    expect(table).toContain('4 samples, 100 ms busy, 500 ms idle');
    expect(rowsOf(table)).toEqual([
      '40 ms 40.0 % 2 regions 56 %, interpreter 44 % memset',
      '40 ms 40.0 % 1 regions 100 % user page 0x401000',
      '20 ms 20.0 % 1 interpreter 100 % kernel page 0x7000',
    ]);
  });

  it('divides the time among processors that are busy', () => {
    const { profile, step } = scripted();
    step(10, { interpreter: 1 }, [0x8000n, false], [0x8800n, true]);
    expect(rowsOf(profile.table(names))).toEqual(['5 ms 50.0 % 1 interpreter 100 % memset', '5 ms 50.0 % 1 interpreter 100 % user page 0x8000']);
  });

  it('shows the top rows only', () => {
    const { profile, step } = scripted();
    for (let page = 1n; page <= 100n; page++) step(1, { interpreter: 1 }, [page * 0x10_0000n, false]);
    expect(rowsOf(profile.table(undefined, 5))).toHaveLength(5);
  });
});
