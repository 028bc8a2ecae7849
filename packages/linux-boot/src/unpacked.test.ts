import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { describePlan } from './describe-plan.js';
import { planBoot } from './plan-boot.js';
import { syntheticBzImageOf, syntheticVmlinux } from './testing/index.js';
import type { BootOptions, BootPlan } from './types.js';
import { unpackPayload } from './unpacked.js';

const MIB = 0x10_0000;
const memory = { ramBytes: 256 * MIB };
const START = 0x100_0000;
const CODE = 0x9090_f4f4;

const text = new Uint8Array(Uint32Array.of(CODE, 0x8100_0004, 0, 0).buffer);
const data = new Uint8Array(Uint32Array.of(0x8100_0000, 0xffff_ffff, 7).buffer);
const segments = [
  { virtualAddress: 0xffff_8100_0000, physicalAddress: START, bytes: text },
  { virtualAddress: 0xffff_8120_0000, physicalAddress: START + 2 * MIB, bytes: data, memorySize: 0x5000 },
];
/** 64-bit: data[0]; inverse: data[2]; 32-bit: text[1]. */
const relocations = [[0x8120_0000], [0x8120_0008], [0x8100_0004]];
const vmlinux = syntheticVmlinux({ bits: 64, entry: START + 8, segments, relocations });
const kernel = syntheticBzImageOf(vmlinux);

function plan(options: Partial<BootOptions> = {}): BootPlan {
  return planBoot({ kernel, unpacked: vmlinux, memory, ...options });
}

function part(of: BootPlan, name: string): { readonly address: number; readonly words: number[]; readonly zeroFill: number | undefined } {
  const segment = of.segments.find((candidate) => candidate.name === name);
  if (segment === undefined) throw new Error(`no ${name} in ${describePlan(of)}`);
  return { address: segment.address, words: [...new Uint32Array(new Uint8Array(segment.bytes).buffer)], zeroFill: segment.zeroFill };
}

const KASLR_FLAG = 2;
const loadflags = (of: BootPlan): number => of.segments.find(({ name }) => name === 'boot_params')?.bytes[0x211] ?? 0;

describe('an unpacked kernel', () => {
  it('lies where it was linked and starts at its own entry, with boot_params', () => {
    const made = plan({ commandLine: 'console=ttyS0' });
    expect(made).toMatchObject({ kind: 'vmlinux-64', slide: 0, registers: { mode: 'long64', rip: START + 8, cr4: 0x20 } });
    expect(made.registers.general.rsi).toBe(made.tables.bootParams);
    expect(part(made, 'kernel segment 0')).toEqual({ address: START, words: [CODE, 0x8100_0004, 0, 0], zeroFill: undefined });
    expect(part(made, 'kernel segment 1')).toEqual({ address: START + 2 * MIB, words: [0x8100_0000, 0xffff_ffff, 7], zeroFill: 0x5000 - 12 });
    expect(loadflags(made) & KASLR_FLAG).toBe(0);
    // The decompressor isn't loaded, and the kernel's memory is kept free.
    expect(made.segments.some(({ name }) => name === 'kernel')).toBe(false);
    expect(made.reservations).toContainEqual(expect.objectContaining({ name: 'kernel', address: START, length: 8 * MIB }));
  });

  it('is moved by a slide of kernel_alignment, with KASLR', () => {
    const made = plan({ kaslrSeed: 2 ** 31 });
    const { slide = 0 } = made;
    // (1 GiB - 16 MiB - init_size 8 MiB) / 2 MiB slots, half of them.
    expect(slide).toBe(Math.floor((1 + 1000 / 2) / 2) * 2 * MIB);
    expect(made.registers.rip).toBe(START + 8);
    expect(part(made, 'kernel segment 0').words).toEqual([CODE, 0x8100_0004 + slide, 0, 0]);
    expect(part(made, 'kernel segment 1').words).toEqual([(0x8100_0000 + slide) % 2 ** 32, 0xffff_ffff, (7 - slide) >>> 0]);
    expect(loadflags(made) & KASLR_FLAG).toBe(KASLR_FLAG);
    expect(describePlan(made)).toContain(`KASLR: the kernel's addresses are 0x${slide.toString(16)} above`);
    expect(vmlinux).toEqual(syntheticVmlinux({ bits: 64, entry: START + 8, segments, relocations }));
  });

  it('slides over all slots and no farther', () => {
    expect(plan({ kaslrSeed: 0 }).slide).toBe(0);
    expect(plan({ kaslrSeed: 0xffff_ffff }).slide).toBe(0x4000_0000 - START - 8 * MIB);
  });

  it('is not moved with nokaslr, without relocations, without a seed', () => {
    expect(plan({ kaslrSeed: 2 ** 31, commandLine: 'quiet nokaslr' }).slide).toBe(0);
    expect(plan({ kaslrSeed: 2 ** 31, commandLine: 'nokaslrx' }).slide).not.toBe(0);
    const fixed = syntheticVmlinux({ bits: 64, entry: START, segments });
    expect(plan({ unpacked: fixed, kaslrSeed: 2 ** 31 }).slide).toBe(0);
  });

  it('that has to lie elsewhere does: a 64-bit one without, an i386 one with relocations', () => {
    const reserved = [{ name: 'hole', start: START, length: MIB }];
    const moved = plan({ reserved });
    expect(part(moved, 'kernel segment 1').address).toBe(part(moved, 'kernel segment 0').address + 2 * MIB);
    expect(moved.registers.rip).toBe(part(moved, 'kernel segment 0').address + 8);
    expect(part(moved, 'kernel segment 0')).toMatchObject({ address: START + 2 * MIB, words: [CODE, 0x8100_0004, 0, 0] });

    const i386 = [{ virtualAddress: 0xc100_0000, physicalAddress: START, bytes: new Uint8Array(Uint32Array.of(0xc100_0000, 0).buffer) }];
    const movable = syntheticVmlinux({ bits: 32, entry: START, segments: i386, relocations: [[0xc100_0000]] });
    const options = { xloadflags: 0 };
    const where = planBoot({ kernel: syntheticBzImageOf(movable, options), unpacked: movable, memory, reserved });
    expect(where).toMatchObject({ kind: 'vmlinux-32', slide: 2 * MIB, registers: { mode: 'protected32', rip: START + 2 * MIB } });
    expect(part(where, 'kernel segment 0').words).toEqual([0xc120_0000, 0]);
    const fixed = syntheticVmlinux({ bits: 32, entry: START, segments: i386 });
    expect(() => planBoot({ kernel: syntheticBzImageOf(fixed, options), unpacked: fixed, memory, reserved })).toThrow(/can't run at/);
  });

  it('must fit what the bzImage says', () => {
    const elf32 = syntheticVmlinux({ bits: 32, entry: START, segments: [{ physicalAddress: START, bytes: text }] });
    const code = (unpacked: Uint8Array, options: Partial<BootOptions> = {}): string | undefined => {
      try {
        plan({ unpacked, ...options });
      } catch (error) {
        return error instanceof BootError ? error.code : String(error);
      }
      return undefined;
    };
    expect(code(elf32)).toBe('malformed');
    expect(code(vmlinux, { entry: '32' })).toBe('bad-option');
    expect(code(Uint8Array.of(1, 2, 3, 4))).toBe('not-a-kernel');
    for (const physicalAddress of [START - 0x1000, START + 8 * MIB]) {
      expect(code(syntheticVmlinux({ bits: 64, entry: physicalAddress, segments: [{ physicalAddress, bytes: text }] }))).toBe('malformed');
    }
    const twice = [segments[0], segments[0]] as typeof segments;
    expect(code(syntheticVmlinux({ bits: 64, entry: START, segments: twice }))).toBe('malformed');
    expect(code(vmlinux, { kernel: syntheticBzImageOf(vmlinux, { version: 0x0209 }) })).toBe('unsupported');
  });
});

describe('a hostile vmlinux', () => {
  const planOrTypedError = (unpacked: Uint8Array): void => {
    try {
      expect(describePlan(plan({ unpacked, kaslrSeed: 2 ** 31 }))).toContain('vmlinux-64');
    } catch (error) {
      expect(error).toBeInstanceOf(BootError);
    }
  };

  it('is a plan or a typed error at every truncation', () => {
    for (let length = 0; length < vmlinux.length; length++) planOrTypedError(vmlinux.subarray(0, length));
  });

  it('is a plan or a typed error under random damage', () => {
    const damage = fc.array(fc.tuple(fc.nat(vmlinux.length - 1), fc.nat(255)), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = vmlinux.slice();
        for (const [at, value] of changes) copy[at] = value;
        planOrTypedError(copy);
      }),
      { seed: 2026, numRuns: 1000 },
    );
  });
});

describe('unpackPayload', () => {
  it('hands out what is not compressed, and asks for what is', async () => {
    expect(await unpackPayload(kernel, () => expect.unreachable())).toEqual(vmlinux);
    const packed = Uint8Array.of(0x1f, 0x8b, 9, 9, 4, 0, 0, 0);
    const unpacked = await unpackPayload(syntheticBzImageOf(packed), ({ compression, bytes }) => {
      expect([compression, bytes]).toEqual(['gzip', packed]);
      return Uint8Array.of(1, 2, 3, 4);
    });
    expect(unpacked).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it('refuses a length that is not the payload\'s', async () => {
    const packed = Uint8Array.of(0x1f, 0x8b, 9, 9, 4, 0, 0, 0);
    await expect(unpackPayload(syntheticBzImageOf(packed), () => Uint8Array.of(1))).rejects.toThrow(/unpacks to 1 bytes, 4 were packed/);
  });
});
