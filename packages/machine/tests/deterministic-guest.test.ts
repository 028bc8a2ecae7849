import { describe, expect, it } from 'vitest';
import { createPc, realMode, type Pc } from '../src/index.js';

/**
 * A real guest on real chips, in real mode: counts busily, halts now and then, and is interrupted by the 8254 through the 8259 and the
 * local APIC's LINT0.
 *
 *          cli; xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7c00h
 *          mov word [80h],tick; mov [82h],ax                  ; vector 20h
 *          ICW1-4 to the 8259: 11h, 20h, 4, 1; mask feh       ; IRQ 0 only
 *          mov al,34h; out 43h,al; 0 and 4 to 40h             ; mode 2, every 1024 ticks
 *          sti
 *   busy:  inc dword [500h]; test word [500h],3ffh; jnz busy
 *          in al,40h; add [508h],al; hlt; jmp busy            ; what the counter says is part of the state
 *   tick:  push ax; inc word [504h]; mov al,[504h]; out e9h,al
 *          mov al,20h; out 20h,al; pop ax; iret
 */
// prettier-ignore
const CODE = Uint8Array.of(
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xc7, 0x06, 0x80, 0x00, 0x4a, 0x7c, 0xa3, 0x82, 0x00,
  0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe, 0xe6, 0x21,
  0xb0, 0x34, 0xe6, 0x43, 0x30, 0xc0, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, 0xfb,
  0x66, 0xff, 0x06, 0x00, 0x05, 0xf7, 0x06, 0x00, 0x05, 0xff, 0x03, 0x75, 0xf3, 0xe4, 0x40, 0x00, 0x06, 0x08, 0x05, 0xf4, 0xeb, 0xea,
  0x50, 0xff, 0x06, 0x04, 0x05, 0xa0, 0x04, 0x05, 0xe6, 0xe9, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf,
);
const ADDRESS = 0x7c00;

function build(sliceMilliseconds = 4): { pc: Pc; ticks: number[] } {
  const ticks: number[] = [];
  const pc = createPc({
    memoryBytes: 2 << 20,
    time: { kind: 'deterministic' },
    sliceMilliseconds,
    boot: { kernel: CODE, flat: { address: ADDRESS, mode: 'real16' } },
    debugConsole: { write: () => ticks.push(pc.machine.instructions) },
  });
  return { pc, ticks };
}

const END = 3_000_000;

describe('a guest in deterministic time', () => {
  it('starts where the plan says, as realMode does', () => {
    const { pc } = build();
    pc.machine.powerOn();
    const booted = pc.machine.vcpus[0].save();
    pc.machine.vcpus[0].setRegisters(realMode(ADDRESS));
    const set = pc.machine.vcpus[0].save();
    expect(set.rip).toEqual(booted.rip);
    expect(pc.machine.ram.copy(ADDRESS, CODE.length)).toEqual(CODE);
  });

  it('is interrupted at the same instructions and ends in the same state, however its run is cut', async () => {
    const whole = build();
    whole.pc.machine.powerOn();
    await whole.pc.machine.run({ untilInstructions: END });
    expect(whole.ticks.length).toBeGreaterThan(100);
    expect(whole.pc.machine.ram.readU16(0x504)).toBe(whole.ticks.length);
    expect(whole.pc.machine.clock.now()).toBeGreaterThan(END);

    const cut = build(0.05);
    cut.pc.machine.powerOn();
    for (let at = 0, step = 1; at < END; step = (step * 7 + 3) % 40_000) {
      at = Math.min(END, at + step);
      expect(await cut.pc.machine.run({ untilInstructions: at })).toEqual({ reason: 'instructions', instructions: at });
    }
    expect(cut.ticks).toEqual(whole.ticks);
    expect(cut.pc.machine.stateHash()).toBe(whole.pc.machine.stateHash());
  });

  it('goes on from a snapshot as if nothing had happened', async () => {
    const whole = build();
    whole.pc.machine.powerOn();
    for (const at of [1, 19, 1_000_001, 1_000_002, 2_222_222]) {
      await whole.pc.machine.run({ untilInstructions: at });
      const before = whole.ticks.length;
      const snapshot = structuredClone(whole.pc.machine.snapshot());
      const other = build();
      other.pc.machine.restore(snapshot);
      expect(other.pc.machine.stateHash()).toBe(whole.pc.machine.stateHash());
      await other.pc.machine.run({ untilInstructions: at + 300_000 });

      const same = build();
      same.pc.machine.powerOn();
      await same.pc.machine.run({ untilInstructions: at + 300_000 });
      expect(other.pc.machine.stateHash()).toBe(same.pc.machine.stateHash());
      expect(other.ticks).toEqual(same.ticks.slice(before));
    }
  });

  it('reboots into the same', async () => {
    const { pc, ticks } = build();
    pc.machine.powerOn();
    await pc.machine.run({ untilInstructions: 500_000 });
    const first = ticks.length;
    expect(first).toBeGreaterThan(5);
    pc.machine.requestReset('host');
    await pc.machine.run({ untilInstructions: 1_000_000 });
    expect(ticks.length).toBeGreaterThan(first + 5);
    expect(pc.machine.ram.readU16(0x504)).toBe(ticks.length);
  });
});
