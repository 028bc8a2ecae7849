import { describe, expect, it } from 'vitest';
import { planBoot } from './plan-boot.js';
import { syntheticElf, syntheticMultiboot } from './testing/index.js';
import type { BootPlan } from './types.js';

const memory = { ramBytes: 64 << 20 };
const code = Uint8Array.of(0xf4, 0xeb, 0xfd);

function info(plan: BootPlan): { view: DataView; base: number } {
  const found = plan.segments.find((part) => part.name === 'multiboot information');
  if (found === undefined) throw new Error('no multiboot information');
  return { view: new DataView(found.bytes.buffer), base: found.address };
}

describe('a multiboot kernel', () => {
  it('loads by the address fields of its header', () => {
    const kernel = syntheticMultiboot({ loadAddress: 0x10_0000, code, bssBytes: 0x800 });
    const plan = planBoot({ kernel, memory });
    expect(plan.kind).toBe('multiboot');
    expect(plan.segments).toContainEqual(expect.objectContaining({ name: 'kernel', address: 0x10_0000, zeroFill: 0x800 }));
    expect(plan.registers).toMatchObject({ mode: 'protected32', rip: 0x10_0020, cr0: 0x11 });
    expect(plan.registers.general).toMatchObject({ rax: 0x2bad_b002, rbx: plan.tables.multibootInfo });
    expect(planBoot({ kernel: syntheticMultiboot({ loadAddress: 0x10_0000, code, loadEnd: 0 }), memory }).kind).toBe('multiboot');
  });

  it('loads as an ELF file when the header has no address fields', () => {
    const flags = 0x3;
    const header = new DataView(new ArrayBuffer(12));
    header.setUint32(0, 0x1bad_b002, true);
    header.setUint32(4, flags, true);
    header.setUint32(8, -(0x1bad_b002 + flags) >>> 0, true);
    const kernel = syntheticElf({
      bits: 32,
      entry: 0x20_0001,
      segments: [{ physicalAddress: 0x20_0000, bytes: code }],
      header: new Uint8Array(header.buffer),
    });
    const plan = planBoot({ kernel, memory });
    expect(plan.kind).toBe('multiboot');
    expect(plan.registers.rip).toBe(0x20_0001);
  });

  it('hands over memory, map, command line and modules', () => {
    const plan = planBoot({
      kernel: syntheticMultiboot({ loadAddress: 0x10_0000, code }),
      memory,
      commandLine: 'a=1',
      modules: [{ name: 'first', bytes: new Uint8Array(5000), commandLine: 'first --x' }],
    });
    const { view, base } = info(plan);
    const u32 = (at: number): number => view.getUint32(at, true);
    expect(u32(0)).toBe(0x1 | 0x4 | 0x8 | 0x40 | 0x200);
    expect([u32(4), u32(8)]).toEqual([639, 63 * 1024]);
    expect(u32(16)).toBe(plan.tables.commandLine);
    const module = u32(24) - base;
    expect(u32(20)).toBe(1);
    expect(u32(module) % 0x1000).toBe(0);
    expect(u32(module + 4) - u32(module)).toBe(5000);
    const line = plan.segments.find((part) => part.address === u32(module + 8));
    expect(String.fromCharCode(...(line?.bytes ?? []))).toBe('first --x\0');
    let at = u32(48) - base;
    for (const entry of plan.e820) {
      expect([u32(at), view.getBigUint64(at + 4, true), view.getBigUint64(at + 12, true), u32(at + 20)]).toEqual([
        20,
        BigInt(entry.start),
        BigInt(entry.length),
        entry.type,
      ]);
      at += u32(at) + 4;
    }
    expect(at).toBe(u32(48) - base + u32(44));
  });

  it('refuses requirements that it does not know, and fields that contradict each other', () => {
    expect(() => planBoot({ kernel: syntheticMultiboot({ loadAddress: 0x10_0000, code, flags: 0x1_0009 }), memory })).toThrow(/requires features 0x8/);
    expect(() => planBoot({ kernel: syntheticMultiboot({ loadAddress: 0x10_0000, code, entry: 0x50_0000 }), memory })).toThrow(/contradict/);
    expect(() => planBoot({ kernel: syntheticMultiboot({ loadAddress: 0x10_0000, code, flags: 0x3 }), memory })).toThrow(/neither an ELF file nor/);
    expect(() => planBoot({ kernel: syntheticMultiboot({ loadAddress: 0xb_8000, code }), memory })).toThrow(/not all RAM/);
  });

  it('does not take a magic without a right checksum for a header', () => {
    const kernel = syntheticMultiboot({ loadAddress: 0x10_0000, code });
    kernel[8] ^= 1;
    expect(() => planBoot({ kernel, memory })).toThrow(/neither a bzImage/);
  });
});
