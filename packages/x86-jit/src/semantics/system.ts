import { Attribute, Cr4, Efer, Eflags, LoopExit, Paging, Segment, SegmentIndex, State, Tlb, Vector } from '../state-layout.js';
import type { I32 } from '../emit/emitter.js';
import { emitForgetEntry } from '../mmu/forget.js';
import { isNonCanonical, largePageBit, PHYSICAL_BITS } from '../mmu/page-walk.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';
import { setSegment } from './descriptor.js';

// What Linux does a million times a second: SYSCALL SYSRET SWAPGS STAC CLAC RDTSC HLT PAUSE IN OUT. The rest is TypeScript.

/** Sets a segment register to a flat descriptor. */
function setFlat(x: Context, segment: number, selector: I32, attributes: number): void {
  setSegment(x, segment, { base: x.e.i64(0), limit: x.e.i32(-1), attributes: x.e.i32(attributes), selector });
}

const CODE64 = Attribute.present | Attribute.system | Attribute.code | Attribute.readable | Attribute.accessed | Attribute.long | Attribute.granular;
const DATA = Attribute.present | Attribute.system | Attribute.writable | Attribute.accessed | Attribute.big | Attribute.granular;
const DPL3 = 3 << Attribute.dplShift;

/** Sets the privilege level and EFLAGS but its arithmetic flags, and with both the TLB. */
export function setPrivilege(x: Context, cpl: I32, system: I32): void {
  x.setField32(State.cpl, cpl);
  x.flags.setSystem(system);
  x.setAlignmentCheck(system, cpl);
}

/** The part of EFLAGS that `setPrivilege` takes. */
export function systemFlags(image: I32): I32 {
  return image.and(~(Eflags.arithmetic | Eflags.reserved1));
}

export function defineSystem(d: Definitions): void {
  d.define('Syscall', { shapes: [''], modes: true, ends: true, mayExecute: true }, (x) => {
    const { e } = x;
    // Outside 64-bit mode (or without EFER.SCE) it is rare: TypeScript.
    if (!x.long) {
      x.executeElsewhere();
      return;
    }
    e.if(x.field(State.efer).and(Efer.SCE).eqz(), () => x.exception(Vector.UD));
    const image = x.flags.image();
    x.setGpr(1, x.nextIp());
    x.setGpr(11, image.and(~Eflags.RF).toI64U());
    const star = x.field(State.star).shrU(32).wrap();
    setFlat(x, SegmentIndex.CS, star.and(0xfffc), CODE64);
    setFlat(x, SegmentIndex.SS, star.and(0xffff).add(8), DATA);
    const next = image.and(x.field32(State.fmask).xor(-1)).and(~Eflags.RF);
    x.flags.setArithmetic(next.toI64U());
    setPrivilege(x, e.i32(0), systemFlags(next));
    // With TF, whether a trap follows is decided by what FMASK left of it.
    e.if(image.and(Eflags.TF), () => {
      x.setRip(x.field(State.lstar));
      x.exitAtRip(LoopExit.stepped);
    });
    x.jump(x.field(State.lstar));
  });
  d.define(['Sysretq', 'Sysret'], { shapes: [''], modes: true, ends: true, mayExecute: true }, (x, mnemonic) => {
    const { e } = x;
    if (!x.long || mnemonic === 'Sysret') {
      x.executeElsewhere();
      return;
    }
    e.if(x.field(State.efer).and(Efer.SCE).eqz(), () => x.exception(Vector.UD));
    e.if(x.field32(State.cpl).ne(0), () => x.exception(Vector.GP, e.i32(0)));
    const target = x.gpr(1);
    e.if(isNonCanonical(target), () => x.exception(Vector.GP, e.i32(0)));
    const star = x.field(State.star).shrU(48).wrap();
    setFlat(x, SegmentIndex.CS, star.add(16).or(3), CODE64 | DPL3);
    setFlat(x, SegmentIndex.SS, star.add(8).or(3), DATA | DPL3);
    const image = x.gpr(11);
    const next = image.wrap().and(0x3c7fd7).and(~Eflags.RF);
    x.flags.setArithmetic(image);
    setPrivilege(x, e.i32(3), systemFlags(next));
    x.setRip(target);
    // Unlike after POPF and IRET, a TF that comes with SYSRET traps at once.
    e.if(next.and(Eflags.TF), () => x.exitAtRip(LoopExit.stepped));
    attention(x, next);
    x.jump(target);
  });
  d.define('Swapgs', { shapes: [''], modes: true }, (x) => {
    const { e } = x;
    if (!x.long) x.exception(Vector.UD);
    e.if(x.field32(State.cpl).ne(0), () => x.exception(Vector.GP, e.i32(0)));
    const gs = State.segments + SegmentIndex.GS * Segment.size + Segment.base;
    const old = x.field(gs);
    x.setField(gs, x.field(State.kernelGsBase));
    x.setField(State.kernelGsBase, old);
  });
  d.define(['Stac', 'Clac'], { shapes: [''] }, (x, mnemonic) => {
    x.e.if(x.field32(State.cpl).ne(0), () => x.exception(Vector.UD));
    const next = mnemonic === 'Stac' ? x.flags.system().or(Eflags.AC) : x.flags.system().and(~Eflags.AC);
    x.flags.setSystem(next);
    x.setAlignmentCheck(next);
  });

  // Linux reads the time by RDTSCP where there is one, several times for each system call or packet.
  d.define(['Rdtsc', 'Rdtscp'], { shapes: [''] }, (x, mnemonic) => {
    const { e } = x;
    e.if(x.field(State.cr4).and(Cr4.TSD).ne(0).and(x.field32(State.cpl).ne(0)), () => x.exception(Vector.GP, e.i32(0)));
    const tsc = e.callI64(x.runtime.rdtsc, x.state);
    x.setGpr(0, tsc, 4);
    x.setGpr(2, tsc.shrU(32), 4);
    if (mnemonic === 'Rdtscp') x.setGpr(1, x.field(State.tscAux).and(0xffffffff), 4);
  });
  // CR2 is read in every page fault, CR3 written in every switch of address spaces.
  d.define('Mov', { shapes: ['rc'], sizes: [8], mayExecute: true }, (x) => {
    const offset = x.controlField(1);
    x.e.if(offset.eq(State.zero).or(x.field32(State.cpl)), () => x.executeElsewhere());
    x.operand(0).write(x.e.loadI64(x.state.add(offset)));
  });
  d.define('Mov', { shapes: ['cr'], sizes: [8], sizeOf: 1, ends: true, mayExecute: true }, (x) => {
    const { e } = x;
    x.changesTranslations();
    const value = x.operand(1).read();
    const long = x.field32(State.paging).and(Paging.long).ne(0);
    e.if(x.controlField(0).eq(State.cr3).and(x.field32(State.cpl).eqz()).and(long).and(value.shrU(PHYSICAL_BITS).eqz()), () => {
      x.setField(State.cr3, value);
      e.call(x.runtime.flushNonGlobal, x.state);
      x.jump(x.nextIp());
    });
    x.executeElsewhere();
  });
  d.define('Invlpg', { shapes: ['m'], modes: true, ends: true, mayExecute: true }, (x) => {
    const { e } = x;
    x.changesTranslations();
    if (x.long) {
      const linear = x.linear(1, false);
      const large = e.loadI32(x.state.add(largePageBit(linear).shrU(5).shl(2)), State.largePages).shrU(largePageBit(linear).and(31)).and(1);
      const huge = x.field(State.hugePages).shrU(linear.shrU(30).and(63)).wrap().and(1);
      // Of a large page all pieces go: rare.
      e.if(x.field32(State.cpl).or(large).or(huge).eqz(), () => {
        const index = linear.shrU(12).wrap().and(Tlb.indexMask);
        for (let context = 0; context < Tlb.contexts; context++) emitForgetEntry(e, x.state.add(State.size + context * Tlb.bytes).add(index.shl(Tlb.entryShift)), index);
        x.jump(x.nextIp());
      });
    }
    x.executeElsewhere();
  });
  d.define('Hlt', { shapes: [''], ends: true }, (x) => {
    x.e.if(x.field32(State.cpl).ne(0), () => x.exception(Vector.GP, x.e.i32(0)));
    x.exit(LoopExit.halt);
  });
  d.define('Pause', { shapes: [''] }, (x) => {
    const exits = x.field32(State.yieldOnPause);
    x.mayExit(exits);
    x.e.if(exits, () => x.exit(LoopExit.pause));
  });

  // The I/O permission map is looked at in TypeScript when IOPL alone doesn't allow the access.
  const port = (x: Context): I32 => (x.shape.includes('i') ? x.immediate().and(0xff).wrap() : x.gprUnsigned(2, 2).wrap());
  const allowed = (x: Context, access: () => void): void => {
    const system = x.flags.system();
    const ok = x.field32(State.cpl).leU(system.shrU(12).and(3)).and(system.and(Eflags.VM).eqz());
    x.e.if(ok, access, () => x.executeElsewhere());
  };
  d.define('In', { shapes: ['rr', 'ri'], sizes: [1, 2, 4], mayExecute: true }, (x) => allowed(x, () => {
    const value = x.e.callI32(x.runtime.portIn, x.state, port(x), x.e.i32(x.size));
    x.setGpr(0, value.toI64U(), x.size);
  }));
  d.define('Out', { shapes: ['rr', 'ir'], sizes: [1, 2, 4], sizeOf: 1, mayExecute: true }, (x) => allowed(x, () => {
    x.e.call(x.runtime.portOut, x.state, port(x), x.e.i32(x.size), x.gprUnsigned(0, x.size).wrap());
  }));

  // FS and GS bases without an MSR.
  for (const [name, segment] of [['fs', SegmentIndex.FS], ['gs', SegmentIndex.GS]] as const) {
    const base = State.segments + segment * Segment.size + Segment.base;
    const check = (x: Context): void => {
      x.e.if(x.field(State.cr4).and(Cr4.FSGSBASE).eqz(), () => x.exception(Vector.UD));
      if (!x.long) x.exception(Vector.UD);
    };
    d.define(`Rd${name}base`, { shapes: ['r'], sizes: [4, 8], modes: true }, (x) => {
      check(x);
      x.operand(0).write(x.field(base));
    });
    d.define(`Wr${name}base`, { shapes: ['r'], sizes: [4, 8], modes: true }, (x) => {
      check(x);
      const value = x.operand(0).readUnsigned();
      x.e.if(isNonCanonical(value), () => x.exception(Vector.GP, x.e.i32(0)));
      x.setField(base, value);
    });
  }
}

/** After an instruction that may have set IF or TF: leave the loop when something waits for it. RIP is already set. */
export function attention(x: Context, system: I32): void {
  const { e } = x;
  e.if(system.and(Eflags.TF).ne(0).or(system.and(Eflags.IF).ne(0).and(x.field32(State.pending).ne(0))), () => x.exitAtRip(LoopExit.attention));
}

/** The TLB that serves a privilege: see Tlb in state-layout.ts. */
export function tlbFor(e: Context['e'], state: I32, cpl: I32, system: I32): I32 {
  const first = state.add(State.size);
  const context = cpl.eq(3).select(e.i32(Tlb.user), system.and(Eflags.AC).ne(0).select(e.i32(Tlb.supervisorAc), e.i32(Tlb.supervisor)));
  return first.add(context.mul(Tlb.bytes));
}
