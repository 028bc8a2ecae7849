import type { I32, I64 } from '../emit/emitter.js';
import { Attribute, Eflags, RecordFlag, Segment, SegmentIndex, State, Tlb } from '../state-layout.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';

// SDM vol. 2: MOVS STOS LODS SCAS CMPS with REP; INS and OUTS are in system.ts.
//
// One element an execution; a repeated instruction is executed again while its count lasts, and each iteration counts as one
// instruction. MOVS and STOS take a whole run of elements at once where both ends stay within a page of RAM and the run fits in
// the budget: the same state and count as the iterations one by one.

const RCX = 1;
const RSI = 6;
const RDI = 7;

export interface StringStep {
  readonly repeated: I32;
  readonly addressMask: I64;
  readonly step: I64;
}

/** Common beginning: a repeated instruction with a count of zero is over. */
export function beginString(x: Context): StringStep {
  const { e } = x;
  const repeated = x.recordFlags().and(RecordFlag.rep | RecordFlag.repne);
  const size = x.addressSize();
  const addressMask = size.eq(8).select(e.i64(-1), size.eq(4).select(e.i64(0xffffffff), e.i64(0xffff)));
  e.if(repeated.ne(0).and(x.gpr(RCX).and(addressMask).eqz()), () => x.done());
  const down = x.flags.system().and(Eflags.DF);
  return { repeated, addressMask, step: down.select(e.i64(-x.size), e.i64(x.size)) };
}

/** Advances an index register by `delta`, within the address size. */
export function advance(x: Context, number: number, delta: I64, s: StringStep): void {
  const old = x.gpr(number);
  const moved = old.add(delta).and(s.addressMask);
  // 16-bit addressing keeps the upper bits; 32-bit addressing clears the upper half.
  x.setGpr(number, x.addressSize().eq(2).select(old.and(~0xffffn).or(moved), moved));
}

/** Counts down by `iterations`; repeats while the count lasts and `more` (when given) holds. */
export function endString(x: Context, s: StringStep, iterations?: I64, more?: I32): void {
  const { e } = x;
  e.if(s.repeated, () => {
    const old = x.gpr(RCX);
    const left = old.sub(iterations ?? e.i64(1)).and(s.addressMask);
    x.setGpr(RCX, x.addressSize().eq(2).select(old.and(~0xffffn).or(left), left));
    const again = left.ne(0);
    x.repeatIf(more ? again.and(more) : again);
  });
}

export function sourceAddress(x: Context, s: StringStep): I64 {
  return x.linearIn(x.segmentIndex(), x.gpr(RSI).and(s.addressMask), x.size, false);
}
export function destinationAddress(x: Context, s: StringStep, write: boolean): I64 {
  return x.linearIn(x.e.i32(SegmentIndex.ES), x.gpr(RDI).and(s.addressMask), x.size, write);
}

const letter: Record<number, string> = { 1: 'b', 2: 'w', 4: 'd', 8: 'q' };

/** Host address of `linear` if the TLB has it for this kind of access, else 0. */
function fastHost(x: Context, linear: I64, tag: number): I32 {
  const { e } = x;
  const slot = x.field32(State.tlb).add(linear.shrU(12).wrap().and(Tlb.indexMask).shl(Tlb.entryShift));
  const offset = linear.xor(e.loadI64(slot, tag));
  return offset.ltU(4096).select(e.loadI32(slot, Tlb.host).add(offset.wrap()), e.i32(0));
}

/** How many elements may be done at once: limited by the count, the budget, and both pages; upwards only. */
function runLength(x: Context, s: StringStep, addresses: readonly I64[]): I64 {
  const { e } = x;
  const smaller = (a: I64, b: I64): I64 => a.ltU(b).select(a, b);
  let n = smaller(x.gpr(RCX).and(s.addressMask), x.budget().add(1).toI64U());
  for (const linear of addresses) n = smaller(n, e.i64(4096).sub(linear.and(0xfff)).shrU(Math.log2(x.size)));
  const forward = s.step.gtS(0).and(s.repeated.ne(0));
  // A segment with a limit is checked element by element.
  return forward.and(e.i32(x.long ? 1 : 0).or(flat(x))).select(n, e.i64(0));
}

function flat(x: Context): I32 {
  if (x.long) return x.e.i32(1);
  const ok = (segment: I32): I32 => {
    const at = x.state.add(segment.mul(Segment.size));
    const attributes = x.e.loadI32(at, State.segments + Segment.attributes);
    return x.e.loadI32(at, State.segments + Segment.limit).eq(-1).and(attributes.and(Attribute.expandDown | Attribute.code | Attribute.unusable).eqz());
  };
  return ok(x.e.i32(SegmentIndex.ES)).and(ok(x.segmentIndex())).and(x.addressSize().eq(4));
}

export function defineString(d: Definitions): void {
  for (const size of [1, 2, 4, 8]) {
    const suffix = letter[size] as string;
    d.define(`Movs${suffix}`, { shapes: ['qp'], sizes: [size], modes: true }, (x) => {
      const { e } = x;
      const s = beginString(x);
      const from = sourceAddress(x, s);
      // The source's page fault comes before the destination's segment fault.
      const value = x.long ? undefined : x.load(from, size);
      const to = destinationAddress(x, s, true);
      const n = runLength(x, s, [from, to]);
      e.if(n.gtU(1), () => {
        const source = fastHost(x, from, Tlb.readTag);
        const target = fastHost(x, to, Tlb.writeTag);
        const bytes = n.wrap().mul(size);
        // An overlap where the target follows the source within the run repeats a pattern: memory.copy would not.
        const overlap = target.sub(source).ltU(bytes).and(target.ne(source));
        e.if(source.ne(0).and(target.ne(0)).and(overlap.eqz()), () => {
          e.memoryCopy(target, source, bytes);
          advance(x, RSI, n.mul(size), s);
          advance(x, RDI, n.mul(size), s);
          x.takeBudget(n.sub(1));
          endString(x, s, n);
          x.done();
        });
      });
      x.store(to, size, value ?? x.load(from, size));
      advance(x, RSI, s.step, s);
      advance(x, RDI, s.step, s);
      endString(x, s);
    });
    d.define(`Stos${suffix}`, { shapes: ['qr'], sizes: [size], modes: true }, (x) => {
      const { e } = x;
      const s = beginString(x);
      const to = destinationAddress(x, s, true);
      const value = x.gprUnsigned(0, size);
      const n = runLength(x, s, [to]);
      e.if(n.gtU(1), () => {
        const target = fastHost(x, to, Tlb.writeTag);
        e.if(target.ne(0), () => {
          const bytes = n.wrap().mul(size);
          const fill = (): void => e.memoryFill(target, value.wrap(), bytes);
          if (size === 1) fill();
          else {
            e.if(value.eqz(), fill, () => {
              const at = e.variable(target);
              const end = target.add(bytes);
              e.loop((again) => {
                e.storeI64(at.get(), 0, value, size);
                at.set(at.get().add(size));
                e.brIf(again, at.get().ltU(end));
              });
            });
          }
          advance(x, RDI, n.mul(size), s);
          x.takeBudget(n.sub(1));
          endString(x, s, n);
          x.done();
        });
      });
      x.store(to, size, value);
      advance(x, RDI, s.step, s);
      endString(x, s);
    });
    d.define(`Lods${suffix}`, { shapes: ['rp'], sizes: [size], modes: true }, (x) => {
      const s = beginString(x);
      const value = x.load(sourceAddress(x, s), size);
      x.setGpr(0, value, size);
      advance(x, RSI, s.step, s);
      endString(x, s);
    });
    // SCAS and CMPS go on while ZF equals what REPE (1) or REPNE (0) wants.
    const goesOn = (x: Context): I32 => x.flags.zero().eq(x.recordFlags().and(RecordFlag.rep).ne(0));
    d.define(`Scas${suffix}`, { shapes: ['rq'], sizes: [size], modes: true }, (x) => {
      const s = beginString(x);
      const a = x.gpr(0, size);
      const b = x.loadSigned(destinationAddress(x, s, false), size);
      x.flags.afterSub(a, b, a.sub(b).signed(size));
      advance(x, RDI, s.step, s);
      endString(x, s, undefined, goesOn(x));
    });
    d.define(`Cmps${suffix}`, { shapes: ['pq'], sizes: [size], modes: true }, (x) => {
      const s = beginString(x);
      // Which of two faults comes first differs between processors, and with REP.
      const a = x.loadSigned(sourceAddress(x, s), size);
      const b = x.loadSigned(destinationAddress(x, s, false), size);
      x.flags.afterSub(a, b, a.sub(b).signed(size));
      advance(x, RSI, s.step, s);
      advance(x, RDI, s.step, s);
      endString(x, s, undefined, goesOn(x));
    });
  }
  // AL + rBX selects the byte; both are cut to the address size.
  d.define('Xlatb', { shapes: ['m'] }, (x) => {
    const size = x.addressSize();
    const mask = size.eq(8).select(x.e.i64(-1), size.eq(4).select(x.e.i64(0xffffffff), x.e.i64(0xffff)));
    const at = x.linearOf(x.gpr(3).add(x.gprUnsigned(0, 1)).and(mask), 1, false);
    x.setGpr(0, x.load(at, 1), 1);
  });
}
