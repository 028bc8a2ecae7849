import type { I64 } from '../emit/emitter.js';
import { Attribute, LoopExit, Pending, Segment, SegmentIndex, State, Vector } from '../state-layout.js';
import type { Context, Size } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: PUSH POP PUSHA POPA LEAVE ENTER(TypeScript), CALL RET JMP Jcc LOOP JCXZ (near forms), PUSHF POPF.

const RSP = 4;

/** Width of the stack pointer in legacy modes: SS.B. */
function stackMask(x: Context): I64 {
  const big = x.field32(State.segments + SegmentIndex.SS * Segment.size + Segment.attributes).and(Attribute.big);
  return big.select(x.e.i64(0xffffffff), x.e.i64(0xffff));
}

/** Linear address of SS:offset. */
function stackAddress(x: Context, offset: I64, size: Size, write: boolean): I64 {
  return x.long ? offset : legacyStackAddress(x, offset, size, write);
}
function legacyStackAddress(x: Context, offset: I64, size: Size, write: boolean): I64 {
  const linear = x.e.callI64(x.runtime.segmentAddress, x.state, x.e.i32(SegmentIndex.SS), offset, x.e.i32(size | (write ? 0x100 : 0)));
  x.checkFault();
  return linear;
}

/** Writes the stack pointer, all of it in 64-bit mode, the width of SS.B otherwise. */
function setStackPointer(x: Context, value: I64): void {
  if (x.long) x.setGpr(RSP, value);
  else setLegacyStackPointer(x, value);
}
function setLegacyStackPointer(x: Context, value: I64): void {
  const mask = stackMask(x);
  x.setGpr(RSP, x.gpr(RSP).and(mask.not()).or(value.and(mask)));
}

export function push(x: Context, value: I64, size: Size): void {
  const sp = x.long ? x.gpr(RSP).sub(size) : x.gpr(RSP).sub(size).and(stackMask(x));
  x.store(stackAddress(x, sp, size, true), size, value);
  setStackPointer(x, sp);
}

/** Reads the top of the stack; `drop` moves the pointer once nothing can fault any more. */
export function top(x: Context, size: Size, offset = 0): I64 {
  const sp = x.long ? x.gpr(RSP) : x.gpr(RSP).and(stackMask(x));
  return x.load(stackAddress(x, offset === 0 ? sp : x.long ? sp.add(offset) : sp.add(offset).and(stackMask(x)), size, false), size);
}
export function drop(x: Context, bytes: I64 | number): void {
  setStackPointer(x, x.gpr(RSP).add(bytes));
}

/** What an immediate operand or segment selector pushes is extended to the operand size. */
export function defineStack(d: Definitions): void {
  const hot = (size: number): boolean => size === 8;
  d.define('Push', { shapes: ['r', 'm', 'i', 's'], sizes: [2, 4, 8], sizeOf: -1, modes: true, hot: (size, shape) => size === 8 && shape !== 's' }, (x) => {
    if (x.shape === 's') push(x, x.segmentSelector(0), x.size);
    else if (x.shape === 'i') push(x, x.immediate(), x.size);
    else push(x, x.operand(0).read(), x.size);
  });
  d.define('Pop', { shapes: ['r'], sizes: [2, 4, 8], sizeOf: -1, modes: true, hot }, (x) => {
    const value = top(x, x.size);
    drop(x, x.size);
    x.operand(0).write(value);
  });
  // POP to memory computes its address with the incremented stack pointer, and must not have moved it when the store faults.
  d.define('Pop', { shapes: ['m'], sizes: [2, 4, 8], sizeOf: -1, modes: true }, (x) => {
    const value = top(x, x.size);
    const before = x.gpr(RSP);
    drop(x, x.size);
    const after = x.gpr(RSP);
    const at = x.offset();
    x.setGpr(RSP, before);
    const linear = x.linearOf(at, x.size, true);
    x.store(linear, x.size, value);
    x.setGpr(RSP, after);
  });

  d.define('Leave', { shapes: [''], sizes: [2, 4, 8], sizeOf: -1, modes: true, hot }, (x) => {
    const frame = x.long ? x.gpr(5) : x.gpr(5).and(stackMask(x));
    const value = x.load(stackAddress(x, frame, x.size, false), x.size);
    setStackPointer(x, frame.add(x.size));
    x.setGpr(5, value, x.size);
  });

  // Push by push and pop by pop: the stack may wrap around within, and a fault leaves the words below it written.
  d.define(['Pusha', 'Pushad'], { shapes: [''] }, (x, mnemonic) => {
    const size = mnemonic === 'Pusha' ? 2 : 4;
    const mask = stackMask(x);
    const sp = x.gpr(RSP);
    for (let n = 0; n < 8; n++) x.store(legacyStackAddress(x, sp.sub((n + 1) * size).and(mask), size, true), size, x.gpr(n));
    setLegacyStackPointer(x, sp.sub(8 * size));
  });
  d.define(['Popa', 'Popad'], { shapes: [''] }, (x, mnemonic) => {
    const size = mnemonic === 'Popa' ? 2 : 4;
    const mask = stackMask(x);
    const sp = x.gpr(RSP);
    const values = Array.from({ length: 8 }, (_, k) => x.load(legacyStackAddress(x, sp.add(k * size).and(mask), size, false), size));
    setLegacyStackPointer(x, sp.add(8 * size));
    values.forEach((value, k) => 7 - k !== RSP && x.setGpr(7 - k, value, size));
  });

  for (const [mnemonic, size] of [['Pushf', 2], ['Pushfd', 4], ['Pushfq', 8]] as const) {
    d.define(mnemonic, { shapes: [''], modes: true, hot: size === 8 }, (x) => {
      v86Check(x);
      // VM and RF read as 0.
      push(x, x.flags.image().and(~0x30000).toI64U(), size);
    });
  }
  for (const [mnemonic, size] of [['Popf', 2], ['Popfd', 4], ['Popfq', 8]] as const) {
    d.define(mnemonic, { shapes: [''], modes: true }, (x) => {
      v86Check(x);
      const { e } = x;
      const image = top(x, size);
      // IOPL changes at CPL 0 only, IF when CPL <= IOPL, VIF, VIP and VM never; RF is cleared.
      const old = x.flags.system();
      const cpl = x.field32(State.cpl);
      const ioplOk = cpl.leU(old.shrU(12).and(3));
      const wide = size === 2 ? 0 : 0x00240000;
      const mask = e.i32(0x4500 | wide).or(cpl.eqz().select(e.i32(0x3000), e.i32(0))).or(ioplOk.select(e.i32(0x200), e.i32(0)));
      const next = old.and(mask.xor(-1)).or(image.wrap().and(mask)).and(~0x10000);
      // An interrupt may be waiting for IF, and TF traps after the next instruction.
      const exits = next.and(0x100).ne(0).or(next.and(0x200).ne(0).and(x.field32(State.pending).ne(0)));
      x.mayExit(exits);
      drop(x, size);
      x.flags.setArithmetic(image);
      x.flags.setSystem(next);
      x.setAlignmentCheck(next);
      e.if(exits, () => x.exit(LoopExit.attention));
    });
  }

  d.define('Cli', { shapes: [''], hot: false }, (x) => {
    interruptFlagAllowed(x);
    x.flags.setSystem(x.flags.system().and(~0x200));
  });
  d.define('Sti', { shapes: [''], hot: false }, (x) => {
    interruptFlagAllowed(x);
    const old = x.flags.system();
    const enables = old.and(0x200).eqz();
    const exits = enables.and(x.field32(State.pending).and(Pending.intr | Pending.nmi | Pending.init).ne(0));
    x.mayExit(exits);
    x.flags.setSystem(old.or(0x200));
    // Interrupts stay blocked until the next instruction is over.
    x.e.if(enables, () => x.setField32(State.shadow, x.budget().add(x.field32(State.stash))));
    x.e.if(exits, () => x.exit(LoopExit.attention));
  });
}

/** PUSHF, POPF, CLI... in virtual-8086 mode need IOPL 3. */
function v86Check(x: Context): void {
  if (x.long) return;
  const system = x.flags.system();
  x.e.if(system.and(0x20000).ne(0).and(system.shrU(12).and(3).ne(3)), () => x.exception(Vector.GP, x.e.i32(0)));
}

function interruptFlagAllowed(x: Context): void {
  const system = x.flags.system();
  x.e.if(x.field32(State.cpl).gtU(system.shrU(12).and(3)), () => x.exception(Vector.GP, x.e.i32(0)));
}
