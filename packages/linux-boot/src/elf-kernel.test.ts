import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { planBoot } from './plan-boot.js';
import { syntheticElf } from './testing/index.js';

const memory = { ramBytes: 64 << 20 };
const code = Uint8Array.of(0xf4, 0xeb, 0xfd);

describe('a plain ELF kernel', () => {
  it('starts in the 64-bit boot protocol\'s state at its physical entry', () => {
    const kernel = syntheticElf({
      bits: 64,
      entry: 0x100_0001,
      segments: [{ virtualAddress: 2 ** 48 - 0x7f00_0000, physicalAddress: 0x100_0000, bytes: code, memorySize: 0x3000 }],
    });
    const plan = planBoot({ kernel, memory, commandLine: 'quiet', initrd: new Uint8Array(10) });
    expect(plan.kind).toBe('elf64');
    expect(plan.registers).toMatchObject({ mode: 'long64', rip: 0x100_0001 });
    expect(plan.segments).toContainEqual(expect.objectContaining({ name: 'kernel', address: 0x100_0000, zeroFill: 0x3000 - 3 }));
    const page = plan.segments.find((part) => part.name === 'boot_params')?.bytes ?? new Uint8Array(0);
    expect(String.fromCharCode(...page.subarray(0x202, 0x206))).toBe('HdrS');
    expect(page[0x21c]).toBe(10);
  });

  it('translates a virtual entry', () => {
    const kernel = syntheticElf({ bits: 32, entry: 0xc100_0002, segments: [{ virtualAddress: 0xc100_0000, physicalAddress: 0x100_0000, bytes: code }] });
    const plan = planBoot({ kernel, memory });
    expect(plan.kind).toBe('elf32');
    expect(plan.registers).toMatchObject({ mode: 'protected32', rip: 0x100_0002 });
  });

  it('names both segments when they overlap, and the segment that is not in RAM', () => {
    const overlapping = syntheticElf({
      bits: 64,
      entry: 0x10_0000,
      segments: [
        { physicalAddress: 0x10_0000, bytes: code, memorySize: 0x2000 },
        { physicalAddress: 0x10_1000, bytes: code },
      ],
    });
    expect(() => planBoot({ kernel: overlapping, memory })).toThrow(/kernel segment 1 .* overlaps kernel segment 0/);
    const outside = syntheticElf({ bits: 64, entry: 0xa_0000, segments: [{ physicalAddress: 0xa_0000, bytes: code }] });
    expect(() => planBoot({ kernel: outside, memory })).toThrow(/kernel 0xa0000-0xa0002 .* is not all RAM/);
  });

  it('refuses an entry outside every segment, a wrong machine, and the wrong width', () => {
    const kernel = syntheticElf({ bits: 64, entry: 0x20_0000, segments: [{ physicalAddress: 0x10_0000, bytes: code }] });
    expect(() => planBoot({ kernel, memory })).toThrow(/entry 0x200000 lies in no segment/);
    expect(() => planBoot({ kernel, memory, entry: '32' })).toThrow(BootError);
    kernel[18] = 183; // AArch64
    expect(() => planBoot({ kernel, memory })).toThrow(/machine 183/);
  });
});

describe('a PVH kernel', () => {
  const segments = [{ physicalAddress: 0x100_0000, bytes: code, memorySize: 0x1000 }];
  const kernel = syntheticElf({ bits: 64, entry: 0x100_0000, segments, pvhEntry: 0x100_0002 });

  it('starts in flat protected mode with hvm_start_info in EBX', () => {
    const plan = planBoot({
      kernel,
      memory,
      commandLine: 'console=ttyS0',
      initrd: Uint8Array.of(7, 7),
      modules: [{ name: 'extra', bytes: Uint8Array.of(9), commandLine: 'one two' }],
      acpi: { rsdp: 0xe_1230 },
    });
    expect(plan.kind).toBe('pvh');
    expect(plan.registers).toMatchObject({ mode: 'protected32', rip: 0x100_0002, cr0: 0x11, cr4: 0, efer: 0 });
    expect(plan.registers.tr).toEqual({ selector: 0, base: 0, limit: 0x67, attributes: 0x8b });

    const info = plan.segments.find((part) => part.name === 'hvm_start_info');
    if (info === undefined) throw new Error('no start info');
    expect(plan.registers.general.rbx).toBe(info.address);
    const view = new DataView(info.bytes.buffer);
    const u64 = (at: number): number => Number(view.getBigUint64(at, true));
    expect([view.getUint32(0, true), view.getUint32(4, true), view.getUint32(12, true)]).toEqual([0x336e_c578, 1, 2]);
    expect([u64(24), u64(32)]).toEqual([plan.tables.commandLine, 0xe_1230]);
    const modlist = u64(16) - info.address;
    expect([u64(modlist), u64(modlist + 8), u64(modlist + 16)]).toEqual([plan.tables.initrd?.address, 2, 0]);
    const extra = plan.segments.find((part) => part.name === 'extra');
    expect([u64(modlist + 32), u64(modlist + 40)]).toEqual([extra?.address, 1]);
    const line = plan.segments.find((part) => part.address === u64(modlist + 48));
    expect(String.fromCharCode(...(line?.bytes ?? []))).toBe('one two\0');
    const memmap = u64(40) - info.address;
    expect(view.getUint32(48, true)).toBe(plan.e820.length);
    plan.e820.forEach((entry, index) => {
      const at = memmap + index * 24;
      expect([u64(at), u64(at + 8), view.getUint32(at + 16, true)]).toEqual([entry.start, entry.length, entry.type]);
    });
  });

  it('is taken for a plain ELF kernel when that is asked for', () => {
    expect(planBoot({ kernel, memory, entry: '64' }).kind).toBe('elf64');
  });

  it('needs its note, and an entry in a segment', () => {
    const without = syntheticElf({ bits: 64, entry: 0x100_0000, segments });
    expect(() => planBoot({ kernel: without, memory, entry: 'pvh' })).toThrow(/CONFIG_PVH/);
    const elsewhere = syntheticElf({ bits: 64, entry: 0x100_0000, segments, pvhEntry: 0x300_0000 });
    expect(() => planBoot({ kernel: elsewhere, memory })).toThrow(/PVH entry 0x3000000/);
  });
});
