import { describe, expect, it } from 'vitest';
import { planBoot } from './plan-boot.js';

const memory = { ramBytes: 16 << 20 };
const kernel = Uint8Array.of(0xf4, 0xeb, 0xfd);

describe('a flat image', () => {
  it('starts in long mode with a stack and an identity map', () => {
    const plan = planBoot({ kernel, memory, flat: { address: 0x10_0000, mode: 'long64', bssBytes: 0x1000 } });
    expect(plan.kind).toBe('flat');
    expect(plan.registers).toMatchObject({ mode: 'long64', rip: 0x10_0000, cr3: plan.tables.pageTables });
    const stack = plan.reservations.find((part) => part.name === 'boot stack');
    expect(plan.registers.general.rsp).toBe((stack?.address ?? 0) + (stack?.length ?? 0));
  });

  it('starts in protected mode, with the command line in ESI when there is one', () => {
    const plan = planBoot({ kernel, memory, commandLine: 'test=3', flat: { address: 0x10_0000, entry: 0x10_0001, mode: 'protected32' } });
    expect(plan.registers).toMatchObject({ mode: 'protected32', rip: 0x10_0001 });
    expect(plan.registers.general.rsi).toBe(plan.tables.commandLine);
  });

  it('starts in real mode at 0:7C00 like a boot sector', () => {
    const { registers } = planBoot({ kernel, memory, flat: { address: 0x7c00, mode: 'real16' } });
    expect(registers).toMatchObject({ mode: 'real16', rip: 0x7c00, cr0: 0x10, idt: { base: 0, limit: 0x3ff } });
    expect(registers.segments.cs).toEqual({ selector: 0, base: 0, limit: 0xffff, attributes: 0x9b });
  });

  it('reaches a real-mode entry above 64 KiB through CS', () => {
    const { registers } = planBoot({ kernel, memory, flat: { address: 0x2_0004, mode: 'real16' } });
    expect(registers.segments.cs).toMatchObject({ selector: 0x2000, base: 0x2_0000 });
    expect(registers.rip).toBe(4);
    expect(() => planBoot({ kernel, memory, flat: { address: 0x20_0000, mode: 'real16' } })).toThrow(/real mode can't reach/);
  });

  it('keeps its tables clear of an image in low memory', () => {
    const plan = planBoot({ kernel: new Uint8Array(0x2_0000), memory, flat: { address: 0x1_0000, mode: 'long64' } });
    expect(plan.tables.gdt).toBeGreaterThanOrEqual(0x3_0000);
  });

  it('refuses addresses that are none', () => {
    for (const address of [-1, 0.5, 2 ** 32]) {
      expect(() => planBoot({ kernel, memory, flat: { address, mode: 'long64' } })).toThrow(/flat: address/);
    }
    expect(() => planBoot({ kernel: new Uint8Array(0), memory, flat: { address: 0x1000, mode: 'long64' } })).toThrow(/empty/);
  });
});
