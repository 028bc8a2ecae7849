import type { Label } from '../emit/emitter.js';
import { isNonCanonical } from '../mmu/page-walk.js';
import { Attribute, Eflags, Segment, SegmentIndex, State } from '../state-layout.js';
import type { Context } from './context.js';
import type { Definitions } from './definition.js';
import { loadNullStack, readEmittedDescriptor } from './descriptor.js';
import { attention, setPrivilege, systemFlags } from './system.js';

// IRETQ from a kernel to 64-bit code. SDM vol. 2, IRET. Every other return is TypeScript's.

const DATA_SEGMENTS = [SegmentIndex.ES, SegmentIndex.DS, SegmentIndex.FS, SegmentIndex.GS];

/** What CPL 0 may change. RF would hold off an instruction breakpoint for one instruction, which there are none of. */
const RETURNED = Eflags.arithmetic | Eflags.TF | Eflags.IF | Eflags.DF | Eflags.IOPL | Eflags.NT | Eflags.AC | Eflags.VIF | Eflags.VIP | Eflags.ID;

const COMMON_MASK = Attribute.system | Attribute.present | Attribute.accessed | Attribute.code;
const COMMON_CODE = Attribute.system | Attribute.present | Attribute.accessed | Attribute.code;
const COMMON_STACK = Attribute.system | Attribute.present | Attribute.accessed;

export function defineInterruptReturn(d: Definitions): void {
  d.define('Iretq', { shapes: [''], modes: true, ends: true, mayExecute: true }, (x) => {
    if (x.long) x.e.block((rare) => returnTo64(x, rare));
    x.executeElsewhere();
  });
}

function returnTo64(x: Context, rare: Label): void {
  const { e } = x;
  const system = x.flags.system();
  e.brIf(rare, x.field32(State.cpl).or(x.field32(State.nmiBlocked)).or(system.and(Eflags.NT | Eflags.AC)));
  const rsp = x.gpr(4);
  const pop = (k: number): ReturnType<Context['load']> => x.load(rsp.add(k * 8), 8);
  const [ip, selector, image, newRsp, stackSelector] = [pop(0), pop(1).wrap().and(0xffff), pop(2).wrap(), pop(3), pop(4).wrap().and(0xffff)];
  const cpl = selector.and(3);
  e.brIf(rare, isNonCanonical(ip).or(selector.and(0xfffc).eqz()));
  const code = readEmittedDescriptor(x, selector, () => e.br(rare));
  const isCode64 = code.is(COMMON_MASK | Attribute.conforming | Attribute.long | Attribute.big, COMMON_CODE | Attribute.long);
  e.brIf(rare, isCode64.eqz().or(code.dpl().ne(cpl)));
  // Data segments that the outer privilege may not use would become null.
  for (const segment of DATA_SEGMENTS) {
    const attributes = x.field32(State.segments + segment * Segment.size + Segment.attributes);
    e.brIf(rare, attributes.and(Attribute.unusable | Attribute.dplMask).eqz().and(cpl));
  }

  // The last that may leave; SS is the first to change.
  e.if(stackSelector.and(0xfffc).eqz(), () => {
    e.brIf(rare, cpl.eq(3));
    loadNullStack(x, stackSelector, cpl);
  }, () => {
    const stack = readEmittedDescriptor(x, stackSelector, () => e.br(rare));
    const isStack = stack.is(COMMON_MASK | Attribute.writable, COMMON_STACK | Attribute.writable);
    e.brIf(rare, isStack.eqz().or(stack.dpl().ne(cpl)).or(stackSelector.and(3).ne(cpl)));
    stack.loadInto(SegmentIndex.SS, stackSelector);
  });
  code.loadInto(SegmentIndex.CS, selector);
  x.setGpr(4, newRsp);
  const next = system.and(~RETURNED).or(image.and(RETURNED));
  x.flags.setArithmetic(image.toI64U());
  setPrivilege(x, cpl, systemFlags(next));
  x.setRip(ip);
  attention(x, next);
  x.jump(ip);
}
