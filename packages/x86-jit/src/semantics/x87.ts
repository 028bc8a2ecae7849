import type { I32 } from '../emit/emitter.js';
import { Segment, SegmentIndex, State } from '../state-layout.js';
import { SW_C1, SW_ES, X87_FCS, X87_FIP, X87_FOP, X87_STATUS, X87_TAG, X87_TOP } from '../x87/x87-state.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2, FLDZ, FSTP ST(i): how compilers clear x87 registers at the end of each function (-fzero-call-used-regs). All other x87 instructions, and
// whatever is not the common case of these two, are TypeScript's.

interface Unit {
  readonly status: I32;
  readonly tag: I32;
  /** Of TOP, or of the register that becomes it. */
  readonly register: I32;
  readonly bit: I32;
}

/** The unit's state; hands over unless it is there, nothing is pending, and the register at hand is empty or full as it must be. */
function ready(x: Context, change: number, full: boolean): Unit {
  const { e, state } = x;
  const register = e.loadI32U8(state, State.x87 + X87_TOP).add(change).and(7);
  const status = e.loadI32U16(state, State.x87 + X87_STATUS);
  const tag = e.loadI32U8(state, State.x87 + X87_TAG);
  const bit = e.i32(1).shl(register);
  const isFull = tag.and(bit).ne(0);
  const other = x.field32(State.sseBlocked).or(status.and(SW_ES)).or(full ? isFull.eqz() : isFull);
  e.if(other, () => x.executeElsewhere());
  return { status, tag, register, bit };
}

function finish(x: Context, { status }: Unit, tag: I32, top: I32): void {
  const { e, state } = x;
  e.storeI32x8(state, State.x87 + X87_TAG, tag);
  e.storeI32x8(state, State.x87 + X87_TOP, top);
  e.storeI32x16(state, State.x87 + X87_STATUS, status.and(~SW_C1));
  e.storeI32x16(state, State.x87 + X87_FOP, x.escapeOpcode());
  e.storeI64(state, State.x87 + X87_FIP, x.nextIp().sub(x.instructionLength()));
  e.storeI32x16(state, State.x87 + X87_FCS, x.field32(State.segments + SegmentIndex.CS * Segment.size + Segment.selector));
}

/** Base of the registers' offsets from `State.x87`. */
const registerAt = (x: Context, number: I32): I32 => x.state.add(number.shl(4));

export function defineX87(d: Definitions): void {
  d.define('Fldz', { shapes: [''], modes: true, mayExecute: true }, (x) => {
    if (!x.long) {
      x.executeElsewhere();
      return;
    }
    const { e } = x;
    const unit = ready(x, -1, false);
    const to = registerAt(x, unit.register);
    e.storeI64(to, State.x87, e.i64(0));
    e.storeI64(to, State.x87 + 8, e.i64(0), 2);
    finish(x, unit, unit.tag.or(unit.bit), unit.register);
  });
  d.define('Fstp', { shapes: ['k'], modes: true, mayExecute: true }, (x) => {
    if (!x.long) {
      x.executeElsewhere();
      return;
    }
    const { e } = x;
    const unit = ready(x, 0, true);
    const number = unit.register.add(x.escapeOpcode()).and(7);
    const [from, to] = [registerAt(x, unit.register), registerAt(x, number)];
    const [significand, signExponent] = [e.loadI64(from, State.x87), e.loadUnsigned(from, State.x87 + 8, 2)];
    e.storeI64(to, State.x87, significand);
    e.storeI64(to, State.x87 + 8, signExponent, 2);
    finish(x, unit, unit.tag.or(e.i32(1).shl(number)).and(unit.bit.xor(-1)), unit.register.add(1).and(7));
  });
}
