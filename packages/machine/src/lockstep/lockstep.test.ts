import { describe, expect, it } from 'vitest';
import type { Machine } from '../machine.js';
import { createPc } from '../pc/create-pc.js';
import type { ProcessorFactory } from '../processor-factory.js';
import { x86Processor } from '../x86-processor.js';
import { lockstep, type LockstepSide } from './lockstep.js';
import { stateDifferences } from './state-differences.js';

/** xor ax,ax; next: inc eax; xor [500h],eax; imul ebx,eax,21; jmp next; in real mode. */
const CODE = Uint8Array.of(0x31, 0xc0, 0x66, 0x40, 0x66, 0x31, 0x06, 0x00, 0x05, 0x66, 0x6b, 0xd8, 0x15, 0xeb, 0xf3);
/** Of the instruction that writes EBX: count 1 is XOR, then 4 a turn. */
const WRITES_EBX = 1 + 4 * 30_000 + 3;

/** A processor that gets one instruction wrong: RSI, which nothing else changes, is one too much after it. Only while `wrong` says so. */
function wrongAt(count: number, wrong: () => boolean = () => true): ProcessorFactory {
  const { memoryBytes, create } = x86Processor();
  return {
    memoryBytes,
    create: (wiring) => {
      const set = create(wiring);
      for (const vcpu of set.vcpus) {
        const run = vcpu.run.bind(vcpu);
        vcpu.run = (budget) => {
          const before = Number(vcpu.instructions);
          // A run may end anywhere; this one does where it goes wrong, however long a slice the host's speed makes.
          const exit = run(before < count ? Math.min(budget, count - before) : budget);
          if (before < count && Number(vcpu.instructions) >= count && wrong()) {
            set.debug?.writeRegister(0, 'rsi', (set.debug.readRegister(0, 'rsi') ?? 0n) + 1n);
          }
          return exit;
        };
      }
      return set;
    },
  };
}

function side(name: string, processor?: ProcessorFactory, onMake: () => void = () => undefined): LockstepSide {
  return {
    name,
    make: (): Machine => {
      onMake();
      return createPc({
        memoryBytes: 2 << 20,
        time: { kind: 'deterministic' },
        boot: { kernel: CODE, flat: { address: 0x7c00, mode: 'real16' } },
        ...(processor === undefined ? {} : { processor }),
      }).machine;
    },
  };
}

describe('lockstep', () => {
  it('finds equal machines equal, up to a count', async () => {
    const counts: number[] = [];
    const result = await lockstep({ left: side('a'), right: side('b'), interval: 30_000, until: 100_000, onEqual: (at) => void counts.push(at) });
    expect(result).toMatchObject({ kind: 'equal', instructions: 100_000, stop: 'instructions' });
    expect(counts).toEqual([30_000, 60_000, 90_000, 100_000]);
  });

  it.each([1, 3, 100])('finds the first instruction that differs, with a snapshot every %i comparisons', async (snapshotEvery) => {
    const result = await lockstep({ left: side('a'), right: side('b', wrongAt(WRITES_EBX)), interval: 10_000, snapshotEvery, until: 200_000 });
    if (result.kind !== 'different') throw new Error('equal');
    expect(result).toMatchObject({ equalAt: WRITES_EBX - 1, differentAt: WRITES_EBX, repeats: 'snapshot' });
    const differences = stateDifferences(result.left, result.right);
    expect(differences).toEqual([{ path: 'processors.0.general.6', left: '0x0', right: '0x1' }]);
    const before = await result.leftAt(WRITES_EBX - 1);
    expect([before.instructions, before.processorDebug?.readRegister(0, 'rip')]).toEqual([WRITES_EBX - 1, 0x7c09n]);
  });

  it('goes back to power-on for what does not show from a snapshot', async () => {
    // Wrong only in a machine's first run up to there: as if it took what had been compiled before.
    let fresh = 0;
    const right = side('b', wrongAt(WRITES_EBX, () => fresh-- > 0), () => (fresh = 1));
    const result = await lockstep({ left: side('a'), right, interval: 50_000, snapshotEvery: 1, until: 200_000 });
    expect(result).toMatchObject({ kind: 'different', equalAt: WRITES_EBX - 1, differentAt: WRITES_EBX, repeats: 'power-on' });
  });

  it('says so when it never shows again', async () => {
    let once = 1;
    const result = await lockstep({ left: side('a'), right: side('b', wrongAt(WRITES_EBX, () => once-- > 0)), interval: 50_000, until: 200_000 });
    expect(result).toMatchObject({ kind: 'different', equalAt: 100_000, differentAt: 150_000, repeats: 'never' });
  });

  it('takes deterministic machines only', async () => {
    const real = (): Machine => createPc({ memoryBytes: 2 << 20 }).machine;
    await expect(lockstep({ left: { name: 'real', make: real }, right: side('b') })).rejects.toThrow(/real is not deterministic/);
  });
});
