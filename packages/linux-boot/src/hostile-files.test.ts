import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { describePlan } from './describe-plan.js';
import { extractPayload } from './payload.js';
import { planBoot } from './plan-boot.js';
import { syntheticBzImage, syntheticElf, syntheticMultiboot } from './testing/index.js';
import type { BootPlan } from './types.js';

const memory = { ramBytes: 64 << 20 };
const code = new Uint8Array(64).fill(0xf4);
const elfSegments = [
  { physicalAddress: 0x100_0000, bytes: code, memorySize: 0x2000 },
  { physicalAddress: 0x200_0000, bytes: code },
];

const files: Record<string, Uint8Array> = {
  bzImage: syntheticBzImage({ code, payload: { offset: 0, length: 64 } }),
  elf64: syntheticElf({ bits: 64, entry: 0x100_0000, segments: elfSegments }),
  elf32: syntheticElf({ bits: 32, entry: 0x100_0000, segments: elfSegments }),
  pvh: syntheticElf({ bits: 64, entry: 0x100_0000, segments: elfSegments, pvhEntry: 0x100_0000 }),
  multiboot: syntheticMultiboot({ loadAddress: 0x10_0000, code }),
};

/** What every plan keeps, whatever the file. */
function checkPlan(plan: BootPlan): void {
  const ram = plan.e820.filter((entry) => entry.type === 1);
  let end = 0;
  for (const part of plan.segments) {
    const length = part.bytes.length + (part.zeroFill ?? 0);
    expect(part.address, part.name).toBeGreaterThanOrEqual(end);
    end = part.address + length;
    expect(
      ram.some((range) => part.address >= range.start && end <= range.start + range.length),
      `${part.name} in RAM`,
    ).toBe(true);
  }
  expect(describePlan(plan)).toContain(plan.kind);
}

function planOrTypedError(kernel: Uint8Array): void {
  let plan: BootPlan | undefined;
  try {
    plan = planBoot({ kernel, memory, commandLine: 'x', initrd: new Uint8Array(100) });
  } catch (error) {
    expect(error).toBeInstanceOf(BootError);
  }
  if (plan !== undefined) checkPlan(plan);
  try {
    extractPayload(kernel);
  } catch (error) {
    expect(error).toBeInstanceOf(BootError);
  }
}

describe.each(Object.entries(files))('a hostile %s', (_, file) => {
  it('is whole a plan', () => {
    checkPlan(planBoot({ kernel: file, memory, commandLine: 'x', initrd: new Uint8Array(100) }));
  });

  it('is a plan or a typed error at every truncation', () => {
    for (let length = 0; length < file.length; length++) planOrTypedError(file.subarray(0, length));
  });

  it('is a plan or a typed error with any field overwritten', () => {
    const values = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xfff0_0000];
    for (let at = 0; at + 4 <= Math.min(file.length, 0x270); at++) {
      for (const value of values) {
        const copy = file.slice();
        new DataView(copy.buffer).setUint32(at, value, true);
        planOrTypedError(copy);
      }
    }
  });

  it('is a plan or a typed error under random damage', () => {
    const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = file.slice();
        for (const [at, value] of changes) copy[at] = value;
        planOrTypedError(copy);
      }),
      { seed: 2026, numRuns: 1000 },
    );
  });
});

describe('bytes that are no kernel', () => {
  it('give a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => planOrTypedError(bytes)),
      { seed: 7, numRuns: 500 },
    );
  });
});
