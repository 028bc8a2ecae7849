import type { GuestRam } from '@pckit/guest-memory';
import type { InitialRegisters, InitialSegment, MachineVcpu } from './processor-factory.js';

// SDM vol. 3, table 9-1: after reset, limits are FFFFH and the segments are data, read/write, accessed.
const DATA = 0x93;
const CODE = 0x9b;
const LDT = 0x82;
const BUSY_TSS_32 = 0x8b;
const CR0_ET = 0x10;

/**
 * A processor in real mode, about to execute at `address` (below 1 MiB) with all segments at 0 and the stack below the code: how a BIOS enters
 * a boot sector.
 */
export function realMode(address: number): InitialRegisters {
  const segment = (attributes: number): InitialSegment => ({ selector: 0, base: 0, limit: 0xffff, attributes });
  const code: InitialSegment =
    address < 0x1_0000
      ? segment(CODE)
      : { selector: address >>> 4, base: (address >>> 4) << 4, limit: 0xffff, attributes: CODE };
  return {
    rip: address - code.base,
    rflags: 2,
    general: {
      rax: 0,
      rcx: 0,
      rdx: 0,
      rbx: 0,
      rsp: Math.min(address, 0xfffe),
      rbp: 0,
      rsi: 0,
      rdi: 0,
      r8: 0,
      r9: 0,
      r10: 0,
      r11: 0,
      r12: 0,
      r13: 0,
      r14: 0,
      r15: 0,
    },
    segments: {
      es: segment(DATA),
      cs: code,
      ss: segment(DATA),
      ds: segment(DATA),
      fs: segment(DATA),
      gs: segment(DATA),
    },
    ldtr: segment(LDT),
    tr: segment(BUSY_TSS_32),
    gdt: { base: 0, limit: 0xffff },
    idt: { base: 0, limit: 0x3ff },
    cr0: CR0_ET,
    cr3: 0,
    cr4: 0,
    efer: 0,
  };
}

/** Puts code where a BIOS puts a boot sector and the first processor in front of it: all the firmware that a small test needs. */
export function startRealMode(
  machine: { readonly ram: GuestRam; readonly vcpus: readonly MachineVcpu[] },
  code: Uint8Array,
  address = 0x7c00,
): void {
  machine.ram.load(address, code);
  machine.vcpus[0].setRegisters(realMode(address));
}
