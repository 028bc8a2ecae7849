import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { describePlan } from './describe-plan.js';
import { planBoot } from './plan-boot.js';
import { syntheticBzImage } from './testing/index.js';
import type { BootOptions, BootPlan, PlanSegment } from './types.js';

const MIB = 0x10_0000;
const GIB = 0x4000_0000;
const memory = { ramBytes: 256 * MIB };

function segment(plan: BootPlan, name: string): PlanSegment {
  const found = plan.segments.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no ${name} in ${describePlan(plan)}`);
  return found;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bootParams(plan: BootPlan): DataView {
  return view(segment(plan, 'boot_params').bytes);
}

function code(options: BootOptions): string {
  try {
    planBoot(options);
  } catch (error) {
    if (error instanceof BootError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('a bzImage through its 64-bit entry', () => {
  const kernel = syntheticBzImage();
  const plan = planBoot({ kernel, memory, commandLine: 'console=ttyS0' });

  it('starts in long mode at load + 0x200 with boot_params in RSI', () => {
    expect(plan.kind).toBe('bzimage-64');
    expect(plan.registers).toMatchObject({ mode: 'long64', rip: 0x100_0200, cr0: 0x8000_0011, cr4: 0x20, efer: 0x500, rflags: 2 });
    expect(plan.registers.general.rsi).toBe(plan.tables.bootParams);
    expect(plan.registers.segments.cs).toEqual({ selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xa09b });
    expect(plan.registers.segments.ds).toEqual({ selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc093 });
  });

  it('has the descriptors in the GDT that the segment registers say', () => {
    const gdt = view(segment(plan, 'GDT').bytes);
    expect(plan.registers.gdt).toEqual({ base: segment(plan, 'GDT').address, limit: 31 });
    expect(gdt.getBigUint64(0x10, true)).toBe(0x00af_9b00_0000_ffffn);
    expect(gdt.getBigUint64(0x18, true)).toBe(0x00cf_9300_0000_ffffn);
  });

  it('maps the first 4 GiB to themselves', () => {
    const tables = segment(plan, 'page tables');
    const memoryOf = (address: number): number => Number(view(tables.bytes).getBigUint64(address - tables.address, true));
    const walk = (address: number): number => {
      const pml4e = memoryOf(plan.registers.cr3 + Math.floor(address / 2 ** 39) * 8);
      const pdpte = memoryOf((pml4e & ~0xfff) + (Math.floor(address / 2 ** 30) % 512) * 8);
      const pde = memoryOf((pdpte & ~0xfff) + (Math.floor(address / 2 ** 21) % 512) * 8);
      expect([pml4e & 3, pdpte & 3, pde % 0x1000]).toEqual([3, 3, 0x83]);
      return pde - 0x83 + (address % 2 ** 21);
    };
    for (const address of [0, 0x1234, 0x20_0000, MIB * 77 + 5, 0x8000_0000, 0xffff_ffff]) expect(walk(address)).toBe(address);
  });

  it('gives views of the caller\'s files, not copies', () => {
    const initrd = new Uint8Array(5000);
    const parts = planBoot({ kernel, initrd, memory }).segments;
    expect(parts.find((part) => part.name === 'kernel')?.bytes.buffer).toBe(kernel.buffer);
    expect(parts.find((part) => part.name === 'initrd')?.bytes).toBe(initrd);
  });

  it('fills boot_params', () => {
    const full = planBoot({
      kernel,
      memory,
      initrd: new Uint8Array(0x12345),
      commandLine: 'console=ttyS0 ä',
      acpi: { rsdp: 0xe_0000 },
      rngSeed: Uint8Array.of(1, 2, 3),
    });
    const page = bootParams(full);
    expect(page.getUint32(0x202, true)).toBe(0x5372_6448);
    expect(page.getUint16(0x206, true)).toBe(0x020f);
    expect(page.getUint8(0x210)).toBe(0xff);
    expect(page.getUint8(0x211)).toBe(0x81);
    expect(page.getUint8(0x1ef)).toBe(0);
    expect(page.getUint32(0x214, true)).toBe(0x100_0000);
    expect(page.getUint32(0x218, true)).toBe(full.tables.initrd?.address);
    expect(page.getUint32(0x21c, true)).toBe(0x12345);
    expect(page.getBigUint64(0x70, true)).toBe(0xe_0000n);
    expect(page.getUint32(0x1e0, true)).toBe(255 * 1024);
    const line = segment(full, 'command line');
    expect(page.getUint32(0x228, true)).toBe(line.address);
    expect(String.fromCharCode(...line.bytes)).toBe('console=ttyS0 \u00c3\u00a4\0'); // UTF-8

    const seed = segment(full, 'RNG seed');
    expect(page.getUint32(0x250, true)).toBe(seed.address);
    expect([...seed.bytes]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3]);

    expect(page.getUint8(0x1e8)).toBe(full.e820.length);
    full.e820.forEach((entry, index) => {
      const at = 0x2d0 + index * 20;
      expect([page.getBigUint64(at, true), page.getBigUint64(at + 8, true), page.getUint32(at + 16, true)]).toEqual([
        BigInt(entry.start),
        BigInt(entry.length),
        entry.type,
      ]);
    });
  });

  it('describes the screen, if there is one', () => {
    const none = bootParams(plan);
    expect([none.getUint8(0x07), none.getUint8(0x0e), none.getUint8(0x0f)]).toEqual([0, 0, 0]);
    const text = bootParams(planBoot({ kernel, memory, screen: { kind: 'vga-text' } }));
    expect([text.getUint8(0x06), text.getUint8(0x07), text.getUint8(0x0e), text.getUint8(0x0f)]).toEqual([3, 80, 25, 0x22]);
    const linear = bootParams(
      planBoot({ kernel, memory, screen: { kind: 'framebuffer', address: 0xfd00_0000, width: 1024, height: 768, stride: 4096 } }),
    );
    expect([linear.getUint8(0x0f), linear.getUint16(0x12, true), linear.getUint32(0x18, true), linear.getUint16(0x24, true)]).toEqual([
      0x23, 1024, 0xfd00_0000, 4096,
    ]);
  });

  it('loads elsewhere when pref_address has no room, aligned as the kernel wants', () => {
    const moved = planBoot({ kernel, memory, reserved: [{ name: 'firmware', start: 20 * MIB, length: 0x1000 }] });
    expect(segment(moved, 'kernel').address).toBe(22 * MIB);
    expect(bootParams(moved).getUint32(0x214, true)).toBe(22 * MIB);
    expect(bootParams(moved).getUint32(0x230, true)).toBe(0x20_0000);
  });

  it('falls back to min_alignment and tells the kernel', () => {
    const wide = syntheticBzImage({ alignment: 0x100_0000, minAlignmentShift: 21 });
    const reserved = [{ name: 'firmware', start: 17 * MIB, length: 0x1000 }];
    const tight = planBoot({ kernel: wide, memory: { ramBytes: 28 * MIB }, reserved });
    expect(segment(tight, 'kernel').address).toBe(18 * MIB);
    expect(bootParams(tight).getUint32(0x230, true)).toBe(0x20_0000);
  });

  it('names kernel and limit when init_size does not fit', () => {
    expect(() => planBoot({ kernel, memory: { ramBytes: 20 * MIB } })).toThrow(/kernel 0x1000000-0x17fffff \(8 MiB\) is not all RAM.*0x13fffff/s);
  });
});

describe('the initrd', () => {
  const initrd = new Uint8Array(3 * MIB + 1);

  it('lies as high as initrd_addr_max and RAM allow, page aligned', () => {
    expect(planBoot({ kernel: syntheticBzImage(), initrd, memory }).tables.initrd).toEqual({
      address: 256 * MIB - 3 * MIB - 0x1000,
      length: initrd.length,
    });
    const low = planBoot({ kernel: syntheticBzImage({ initrdAddressMax: 0x3ff_ffff }), initrd, memory });
    expect(low.tables.initrd?.address).toBe(64 * MIB - 3 * MIB - 0x1000);
  });

  it('stays clear of the area that the kernel unpacks itself in', () => {
    const kernel = syntheticBzImage({ initSize: 44 * MIB });
    expect(planBoot({ kernel, initrd, memory: { ramBytes: 64 * MIB } }).tables.initrd?.address).toBe(64 * MIB - 3 * MIB - 0x1000);
    const below = planBoot({ kernel, initrd, memory: { ramBytes: 62 * MIB } });
    expect(below.tables.initrd?.address).toBe(16 * MIB - 3 * MIB - 0x1000);
    const large = new Uint8Array(15 * MIB + 1);
    expect(() => planBoot({ kernel, initrd: large, memory: { ramBytes: 62 * MIB } })).toThrow(
      /initrd \(15.0 MiB\) doesn't fit.*kernel 0x1000000-0x3bfffff/s,
    );
  });

  it('goes above 4 GiB, mapped, when only there is room and the kernel can', () => {
    const big = { initrdAddressMax: 0x1ff_ffff, xloadflags: 0x03 };
    const memoryAbove = { ramBytes: 4 * GIB };
    const plan = planBoot({ kernel: syntheticBzImage(big), initrd: new Uint8Array(32 * MIB), memory: memoryAbove });
    expect(plan.tables.initrd?.address).toBe(4 * GIB);
    expect(bootParams(plan).getUint32(0x218, true)).toBe(0);
    expect(bootParams(plan).getUint32(0xc0, true)).toBe(1);
    expect(segment(plan, 'page tables').bytes.length).toBe((2 + 5) * 0x1000);
    const kernel = syntheticBzImage({ ...big, xloadflags: 0x01 });
    expect(code({ kernel, initrd: new Uint8Array(32 * MIB), memory: memoryAbove })).toBe('too-large');
  });
});

describe('a bzImage through its 32-bit entry', () => {
  it('starts in protected mode at the load address', () => {
    for (const plan of [
      planBoot({ kernel: syntheticBzImage(), memory, entry: '32' }),
      planBoot({ kernel: syntheticBzImage({ xloadflags: 0 }), memory }),
    ]) {
      expect(plan.kind).toBe('bzimage-32');
      expect(plan.registers).toMatchObject({ mode: 'protected32', rip: 0x100_0000, cr0: 0x11, cr3: 0, cr4: 0, efer: 0 });
      expect(plan.registers.segments.cs).toMatchObject({ selector: 0x10, attributes: 0xc09b });
      expect(plan.registers.general).toMatchObject({ rbx: 0, rbp: 0, rdi: 0, rsi: plan.tables.bootParams });
      expect(plan.tables.pageTables).toBeUndefined();
    }
  });

  it('loads a kernel that is not relocatable at code32_start and keeps pref_address free', () => {
    const plan = planBoot({ kernel: syntheticBzImage({ xloadflags: 0, relocatable: false }), memory });
    expect(segment(plan, 'kernel').address).toBe(MIB);
    expect(plan.reservations).toContainEqual(
      expect.objectContaining({ name: 'kernel decompression area', address: 0x100_0000, length: 0x80_0000 }),
    );
    expect(code({ kernel: syntheticBzImage({ relocatable: false }), memory, reserved: [{ name: 'x', start: 16 * MIB, length: 1 }] })).toBe(
      'too-large',
    );
  });

  it('boots protocol 2.06, which has neither init_size nor setup_data, and says what it assumed', () => {
    const plan = planBoot({ kernel: syntheticBzImage({ version: 0x0206, alignment: 0x10_0000 }), memory, rngSeed: new Uint8Array(8) });
    expect(plan.kind).toBe('bzimage-32');
    expect(segment(plan, 'kernel').address).toBe(MIB);
    expect(plan.tables.setupData).toBeUndefined();
    expect(plan.notes.join('\n')).toMatch(/init_size.*\n.*RNG seed/s);
  });
});

describe('what a bzImage plan refuses', () => {
  it.each<[string, Partial<BootOptions>, string]>([
    ['a 64-bit entry that the kernel lacks', { kernel: syntheticBzImage({ xloadflags: 0 }), entry: '64' }, 'unsupported'],
    ['PVH', { entry: 'pvh' }, 'unsupported'],
    ['modules', { modules: [{ name: 'm', bytes: new Uint8Array(1) }] }, 'bad-option'],
    ['a command line longer than cmdline_size', { commandLine: 'x'.repeat(2048) }, 'command-line'],
    ['a NUL in the command line', { commandLine: 'a\0b' }, 'command-line'],
    ['a memory map that boot_params can\'t hold', { reserved: Array.from({ length: 130 }, (_, index) => ({ name: 'r', start: (40 + index) * MIB, length: 1 })) }, 'too-large'],
  ])('%s', (_, options, expected) => {
    expect(code({ kernel: syntheticBzImage(), memory, ...options })).toBe(expected);
  });

  it('takes a command line of exactly cmdline_size', () => {
    expect(code({ kernel: syntheticBzImage(), memory, commandLine: 'x'.repeat(2047) })).toBe('no error');
  });
});

describe('describePlan', () => {
  it('lists every part with its address, its size and the reason', () => {
    const plan = planBoot({ kernel: syntheticBzImage(), initrd: new Uint8Array(4096), memory, cpus: 2 });
    const text = describePlan(plan);
    for (const part of [...plan.segments, ...plan.reservations]) {
      const line = text.split('\n').find((candidate) => candidate.includes(part.name) && candidate.includes(part.why));
      expect(line, part.name).toContain(`0x${part.address.toString(16).padStart(9, '0')}-`);
    }
    expect(text).toContain('starts in long64 at 0x001000200');
    expect(text).toContain('ACPI tables');
    expect(text).toMatch(/0x000100000-0x00fffffff +255 MiB +RAM/);
  });
});
