import type { I64 } from '../emit/emitter.js';
import { isNonCanonical } from '../mmu/page-walk.js';
import { Segment, SegmentIndex, State, Vector } from '../state-layout.js';
import type { Context } from './context.js';
import { CONDITIONS } from './move.js';
import { drop, push, top } from './stack.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: JMP Jcc CALL RET LOOP JCXZ, near forms; UD and the one-byte traps go to TypeScript.

/**
 * SDM vol. 2, JMP, CALL, RET: a target outside the code segment or that isn't canonical is the fault of the branch itself, before it pushes or pops.
 */
function checkTarget(x: Context, target: I64): void {
  const { e } = x;
  if (x.long) {
    e.if(isNonCanonical(target), () => x.exception(Vector.GP, e.i32(0)));
    return;
  }
  const limit = e.loadUnsigned(x.state, State.segments + SegmentIndex.CS * Segment.size + Segment.limit, 4);
  e.if(target.and(x.size === 2 ? 0xffff : 0xffffffff).gtU(limit), () => x.exception(Vector.GP, e.i32(0)));
}

export function defineControl(d: Definitions): void {
  d.define('Jmp', { shapes: ['b'], modes: true, hot: true, ends: true }, (x) => x.jumpRelative());
  d.define('Jmp', { shapes: ['r', 'm'], sizes: [2, 4, 8], modes: true, hot: (size) => size === 8, ends: true }, (x) => {
    const target = x.operand(0).readUnsigned();
    if (x.long) checkTarget(x, target);
    x.jump(target);
  });
  for (let code = 0; code < 16; code++) {
    d.define(`J${CONDITIONS[code]}`, { shapes: ['b'], modes: true, hot: true }, (x) => x.e.if(x.flags.condition(code), () => x.jumpRelative()));
  }
  d.define('Call', { shapes: ['b'], sizes: [2, 4, 8], sizeOf: -1, modes: true, hot: (size) => size === 8, ends: true }, (x) => {
    x.checkRelative();
    push(x, x.nextIp(), x.size);
    x.jumpRelative();
  });
  d.define('Call', { shapes: ['r', 'm'], sizes: [2, 4, 8], modes: true, hot: (size) => size === 8, ends: true }, (x) => {
    const target = x.operand(0).readUnsigned();
    checkTarget(x, target);
    push(x, x.nextIp(), x.size);
    x.jump(target);
  });
  d.define('Ret', { shapes: ['', 'i'], sizes: [2, 4, 8], sizeOf: -1, modes: true, hot: (size) => size === 8, ends: true }, (x) => {
    const target = top(x, x.size);
    checkTarget(x, target);
    drop(x, x.shape === 'i' ? x.immediate().unsigned(2).add(x.size) : x.size);
    x.jump(target);
  });

  // The counter has the address size; the branch is taken on what is left of it.
  d.define(['Loop', 'Loope', 'Loopne', 'Jcxz', 'Jecxz', 'Jrcxz'], { shapes: ['b'], modes: true }, (x, mnemonic) => {
    const { e } = x;
    const size = x.addressSize();
    const mask = size.eq(8).select(e.i64(-1), size.eq(4).select(e.i64(0xffffffff), e.i64(0xffff)));
    const rcx = x.gpr(1);
    if (mnemonic.startsWith('J')) {
      e.if(rcx.and(mask).eqz(), () => x.jumpRelative());
      return;
    }
    const left = rcx.sub(1).and(mask);
    const more = left.ne(0);
    const taken = mnemonic === 'Loop' ? more : mnemonic === 'Loope' ? more.and(x.flags.zero()) : more.and(x.flags.zero().eqz());
    e.if(taken, () => x.checkRelative());
    // A 32-bit counter clears the upper half as any 32-bit result does; a 16-bit one doesn't.
    x.setGpr(1, size.eq(2).select(rcx.and(~0xffffn).or(left), left));
    e.if(taken, () => x.jumpRelative());
  });

  d.define(['Ud0', 'Ud1', 'Ud2'], { shapes: ['', 'rr', 'rm'], ends: true }, (x) => x.exception(Vector.UD));
}
