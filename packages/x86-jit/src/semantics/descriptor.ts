import type { I32, I64 } from '../emit/emitter.js';
import { Attribute, Segment, SegmentIndex, State } from '../state-layout.js';
import type { Context } from './context.js';

/** A segment register in emitted code; limit and attributes as `Segment` keeps them. */
export interface EmittedSegment {
  readonly base: I64;
  readonly limit: I32;
  readonly attributes: I32;
  readonly selector: I32;
}

/** Sets all of a segment register. */
export function setSegment(x: Context, segment: number, { base, limit, attributes, selector }: EmittedSegment): void {
  const at = State.segments + segment * Segment.size;
  x.setField(at + Segment.base, base);
  x.setField32(at + Segment.limit, limit);
  x.setField32(at + Segment.attributes, attributes);
  x.setField32(at + Segment.selector, selector);
}

/** A segment descriptor in emitted code. SDM vol. 3, 3.4.5. */
export class EmittedDescriptor {
  /** As `Segment.attributes` keeps them, without `Attribute.accessed`'s being set by the load. */
  readonly attributes: I32;

  constructor(
    private readonly x: Context,
    /** Linear address in its table. */
    readonly address: I64,
    readonly raw: I64,
  ) {
    this.attributes = raw.shrU(40).wrap().and(0xf0ff);
  }

  dpl(): I32 {
    return this.attributes.shrU(Attribute.dplShift).and(3);
  }
  has(bits: number): I32 {
    return this.attributes.and(bits).eq(bits);
  }
  /** Whether, of the bits in `mask`, exactly `bits` are set. */
  is(mask: number, bits: number): I32 {
    return this.attributes.and(mask).eq(bits);
  }

  /** Loads segment register `segment` with it. */
  loadInto(segment: number, selector: I32): void {
    const { x, raw } = this;
    const low = raw.wrap();
    const high = raw.shrU(32).wrap();
    const limit = low.and(0xffff).or(high.and(0xf0000));
    const base = low.shrU(16).or(high.and(0xff).shl(16)).or(high.and(0xff000000 | 0));
    setSegment(x, segment, {
      base: base.toI64U(),
      limit: this.has(Attribute.granular).select(limit.shl(12).or(0xfff), limit),
      attributes: this.attributes.or(Attribute.accessed),
      selector,
    });
  }
}

/** Reads a selector's descriptor, with the present privilege. `beyond` leaves: the table has no such entry. */
export function readEmittedDescriptor(x: Context, selector: I32, beyond: () => void): EmittedDescriptor {
  const { e } = x;
  const ldt = State.segments + SegmentIndex.LDTR * Segment.size;
  const attributes = x.field32(ldt + Segment.attributes);
  const local = selector.and(4);
  const usable = attributes.and(Attribute.unusable | Attribute.present).eq(Attribute.present);
  const limit = local.select(x.field32(ldt + Segment.limit), x.field32(State.gdtLimit));
  const base = local.select(x.field(ldt + Segment.base), x.field(State.gdtBase));
  const index = selector.and(0xfff8);
  e.if(index.add(7).gtU(limit).or(local.ne(0).and(usable.eqz())), beyond);
  const address = base.add(index.toI64U());
  return new EmittedDescriptor(x, address, x.load(address, 8));
}

/** Makes SS the null selector that long mode has in a stack at privilege `cpl`. */
export function loadNullStack(x: Context, selector: I32, cpl: I32): void {
  setSegment(x, SegmentIndex.SS, { base: x.e.i64(0), limit: x.e.i32(0), attributes: cpl.shl(Attribute.dplShift).or(Attribute.unusable), selector });
}
