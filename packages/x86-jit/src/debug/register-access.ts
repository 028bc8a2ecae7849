import { GuestFault, type CpuState } from '../cpu/cpu-state.js';
import { writeCr0, writeCr3, writeCr4 } from '../cpu/control-registers.js';
import type { ProcessorSystem } from '../cpu/processor-system.js';
import { Efer, SegmentIndex, State } from '../state-layout.js';
import { abridgedTag, fullTagWord, X87State } from '../x87/index.js';

/** A register by its name: how a debugger reads and writes it. */
export interface RegisterAccess {
  read(): bigint;
  /** @returns false for a value that it can't have. Absent: read-only */
  write?(value: bigint): boolean;
}

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
/** SDM vol. 1, 13.3: the state component of the upper halves of YMM registers. */
const XCR0_AVX = 4;
const MASK64 = (1n << 64n) - 1n;

/**
 * The registers of a vCPU under GDB's names, for debuggers: general, segments with bases, control, x87, SSE, and AVX where the model has it.
 *
 * Outside 64-bit code RIP is a linear address here, with CS's base in it: so it is where the code is that executes, and a breakpoint's address is what
 * RIP shows at it.
 */
export function registerAccess(cpu: CpuState, system: ProcessorSystem): ReadonlyMap<string, RegisterAccess> {
  const registers = new Map<string, RegisterAccess>();
  const x87 = new X87State(cpu.host.view, cpu.base + State.x87);
  const field = (name: string, offset: number): void => {
    registers.set(name, {
      read: () => cpu.u64(offset),
      write: (value) => {
        cpu.setU64(offset, value & MASK64);
        return true;
      },
    });
  };
  GENERAL.forEach((name, n) => field(name, State.gpr + 8 * n));
  field('rip', State.rip);
  registers.set('eflags', {
    read: () => BigInt(cpu.eflags),
    write: (value) => {
      cpu.eflags = Number(value & 0x3f7fd5n) | 2;
      cpu.selectTlb();
      return true;
    },
  });

  SEGMENTS.forEach((name, index) => {
    registers.set(name, {
      read: () => BigInt(cpu.selector(index)),
      write: (value) => {
        const selector = Number(value & 0xffffn);
        if (selector === cpu.selector(index)) return true;
        // Of protected mode's segments a debugger can't know the rest.
        if (cpu.protectedMode && !cpu.v86) return false;
        cpu.setSegment(index, { ...cpu.segment(index), selector, base: BigInt(selector << 4) });
        return true;
      },
    });
    const base = State.segments + index * 32;
    if (name === 'fs' || name === 'gs') field(`${name}_base`, base);
    else registers.set(`${name}_base`, { read: () => cpu.segmentBase(index) });
  });
  registers.set('tr', { read: () => BigInt(cpu.selector(SegmentIndex.TR)) });
  registers.set('ldtr', { read: () => BigInt(cpu.selector(SegmentIndex.LDTR)) });
  registers.set('tr_base', { read: () => cpu.segmentBase(SegmentIndex.TR) });
  registers.set('ldt_base', { read: () => cpu.segmentBase(SegmentIndex.LDTR) });
  registers.set('gdt_base', { read: () => cpu.u64(State.gdtBase) });
  registers.set('idt_base', { read: () => cpu.u64(State.idtBase) });
  registers.set('gdt_limit', { read: () => BigInt(cpu.u32(State.gdtLimit)) });
  registers.set('idt_limit', { read: () => BigInt(cpu.u32(State.idtLimit)) });

  field('k_gs_base', State.kernelGsBase);
  field('lstar', State.lstar);
  field('cr2', State.cr2);
  const control = (name: string, offset: number, set: (value: bigint) => void): void => {
    registers.set(name, {
      read: () => cpu.u64(offset),
      write: (value) => {
        try {
          set(value);
          return true;
        } catch (fault) {
          // What MOV would answer with #GP.
          if (fault instanceof GuestFault) return false;
          throw fault;
        }
      },
    });
  };
  control('cr0', State.cr0, (value) => writeCr0(cpu, value));
  control('cr3', State.cr3, (value) => {
    writeCr3(cpu, value);
    cpu.flushTlb();
  });
  control('cr4', State.cr4, (value) => writeCr4(cpu, value));
  registers.set('efer', {
    read: () => cpu.u64(State.efer),
    write: (value) => {
      // LMA follows from the others.
      const kept = BigInt(Efer.LMA);
      if (value & ~BigInt(Efer.SCE | Efer.LME | Efer.LMA | Efer.NXE)) return false;
      cpu.setU64(State.efer, (value & ~kept) | (cpu.u64(State.efer) & kept));
      cpu.flushTlb();
      cpu.updateMode();
      return true;
    },
  });
  registers.set('cr8', {
    read: () => BigInt(system.apic?.readTaskPriority() ?? 0),
    write: (value) => {
      if (value > 15n || system.apic === undefined) return false;
      system.apic.writeTaskPriority(Number(value));
      return true;
    },
  });

  // x87: ST(i) is the physical register TOP + i.
  for (let i = 0; i < 8; i++) {
    const physical = (): number => (x87.top + i) & 7;
    registers.set(`st${i}`, {
      read: () => {
        const { significand, signExponent } = x87.readPhysical(physical());
        return (BigInt(signExponent) << 64n) | significand;
      },
      write: (value) => {
        x87.writePhysical(physical(), { significand: value & MASK64, signExponent: Number(value >> 64n) & 0xffff });
        x87.tag |= 1 << physical();
        return true;
      },
    });
  }
  registers.set('fctrl', {
    read: () => BigInt(x87.control),
    write: (value) => {
      x87.control = Number(value & 0xffffn);
      return true;
    },
  });
  registers.set('fstat', {
    read: () => BigInt(x87.status),
    write: (value) => {
      x87.status = Number(value & 0xffffn);
      return true;
    },
  });
  registers.set('ftag', {
    read: () => BigInt(fullTagWord(x87)),
    write: (value) => {
      x87.tag = abridgedTag(Number(value & 0xffffn));
      return true;
    },
  });
  registers.set('fiseg', { read: () => BigInt(x87.fcs) });
  registers.set('fioff', { read: () => x87.fip & 0xffffffffn });
  registers.set('foseg', { read: () => BigInt(x87.fds) });
  registers.set('fooff', { read: () => x87.fdp & 0xffffffffn });
  registers.set('fop', { read: () => BigInt(x87.fop) });

  const half = (name: string, offset: number): void => {
    registers.set(name, {
      read: () => (cpu.u64(offset + 8) << 64n) | cpu.u64(offset),
      write: (value) => {
        cpu.setU64(offset, value & MASK64);
        cpu.setU64(offset + 8, (value >> 64n) & MASK64);
        return true;
      },
    });
  };
  for (let n = 0; n < 16; n++) half(`xmm${n}`, State.ymm + n * 32);
  if (system.model.xcr0 & XCR0_AVX) for (let n = 0; n < 16; n++) half(`ymm${n}h`, State.ymm + n * 32 + 16);
  registers.set('mxcsr', {
    read: () => BigInt(cpu.u32(State.mxcsr)),
    write: (value) => {
      if (value & ~0xffffn) return false;
      cpu.setU32(State.mxcsr, Number(value));
      return true;
    },
  });
  return registers;
}
