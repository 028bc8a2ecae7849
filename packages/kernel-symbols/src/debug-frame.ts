import { ByteSink } from './byte-sink.js';
import { OrcRegister, type OrcEntry } from './orc.js';

// DWARF 5, 6.4 "Call Frame Information", and the psABI's register numbers: what the kernel's own unwinder knows, in the form that debuggers read.

const DW = {
  cfaAdvanceLoc: 0x40, cfaAdvanceLoc1: 0x02, cfaAdvanceLoc2: 0x03, cfaAdvanceLoc4: 0x04, cfaUndefined: 0x07, cfaSameValue: 0x08, cfaDefCfa: 0x0c, cfaDefCfaExpression: 0x0f,
  cfaOffsetExtendedSf: 0x11, cfaDefCfaSf: 0x12, opDeref: 0x06, opBreg0: 0x70, opPlusUconst: 0x23, opConsts: 0x11, opPlus: 0x22,
} as const;
const RBP = 6;
const RSP = 7;
const RETURN_ADDRESS = 16;
/** DATA_ALIGN of our CIEs. */
const DATA_ALIGN = -8;

const REGISTERS: Readonly<Record<number, number>> = { [OrcRegister.dx]: 1, [OrcRegister.di]: 5, [OrcRegister.bp]: RBP, [OrcRegister.sp]: RSP, [OrcRegister.r10]: 10, [OrcRegister.r13]: 13 };

/** Where `struct pt_regs` keeps them: DWARF number, offset. Linux, arch/x86/include/asm/ptrace.h. */
const PT_REGS: readonly (readonly [number, number])[] = [
  [15, 0], [14, 8], [13, 16], [12, 24], [RBP, 32], [3, 40], [11, 48], [10, 56], [9, 64], [8, 72], [0, 80], [2, 88], [1, 96], [4, 104], [5, 112], [RETURN_ADDRESS, 128], [RSP, 152],
];
/** What IRET takes. */
const IRET_FRAME: readonly (readonly [number, number])[] = [[RETURN_ADDRESS, 0], [RSP, 24]];
const CHANGED_BY_INTERRUPTS = PT_REGS.map(([register]) => register);

export interface Procedure {
  readonly start: bigint;
  readonly end: bigint;
}

/** A `.debug_frame` section: an FDE for each procedure that has entries. @param entries in the order of their addresses */
export function debugFrame(entries: readonly OrcEntry[], procedures: readonly Procedure[]): Uint8Array {
  const out = new ByteSink();
  // No "S" for entry code, whose caller was interrupted and not called: debuggers would show it as "<signal handler called>" and not by its name.
  cie(out);
  let next = 0;
  for (const { start, end } of procedures) {
    while (next < entries.length && entries[next].address < start) next++;
    // What holds at the procedure's start may begin before it.
    const first = next < entries.length && entries[next].address === start ? next : next - 1;
    if (first < 0) continue;
    let last = next;
    while (last < entries.length && entries[last].address < end) last++;
    const own = entries.slice(first, Math.max(last, first + 1));
    if (own.every(({ kind }) => kind === 'end')) continue;
    fde(out, start, end, own);
  }
  return out.bytes;
}

function record(out: ByteSink, body: () => void): void {
  const at = out.length;
  out.u32(0);
  body();
  out.align(8, 0 /* DW_CFA_nop */);
  out.setU32(at, out.length - at - 4);
}

function cie(out: ByteSink): void {
  record(out, () => {
    out.u32(0xffffffff);
    out.u8(4); // version
    out.u8(0); // augmentation
    out.u8(8); // address_size
    out.u8(0); // segment_selector_size
    out.uleb(1); // code_alignment_factor
    out.sleb(DATA_ALIGN);
    out.uleb(RETURN_ADDRESS);
  });
}

function fde(out: ByteSink, start: bigint, end: bigint, entries: readonly OrcEntry[]): void {
  record(out, () => {
    out.u32(0); // our CIE is the first record
    out.u64(start);
    out.u64(end - start);
    let at = start;
    let before: OrcEntry | undefined;
    for (const entry of entries) {
      if (entry.address > at) advance(out, Number(entry.address - at));
      if (entry.address > at) at = entry.address;
      rules(out, entry, before);
      before = entry;
    }
  });
}

function advance(out: ByteSink, delta: number): void {
  if (delta < 64) out.u8(DW.cfaAdvanceLoc | delta);
  else if (delta < 256) {
    out.u8(DW.cfaAdvanceLoc1);
    out.u8(delta);
  } else if (delta < 65536) {
    out.u8(DW.cfaAdvanceLoc2);
    out.u16(delta);
  } else {
    out.u8(DW.cfaAdvanceLoc4);
    out.u32(delta);
  }
}

function saved(out: ByteSink, register: number, fromCfa: number): void {
  out.u8(DW.cfaOffsetExtendedSf);
  out.uleb(register);
  out.sleb(fromCfa / DATA_ALIGN);
}

function rules(out: ByteSink, entry: OrcEntry, before: OrcEntry | undefined): void {
  if (entry.kind === 'end') {
    // No caller.
    out.u8(DW.cfaDefCfa);
    out.uleb(RSP);
    out.uleb(8);
    out.u8(DW.cfaUndefined);
    out.uleb(RETURN_ADDRESS);
    return;
  }
  cfa(out, entry);
  if (before !== undefined && before.kind !== entry.kind && (before.kind === 'registers' || before.kind === 'iret')) {
    for (const register of CHANGED_BY_INTERRUPTS) {
      if (register === RSP || register === RETURN_ADDRESS) continue;
      out.u8(DW.cfaSameValue);
      out.uleb(register);
    }
  }
  if (entry.kind === 'registers') {
    for (const [register, offset] of PT_REGS) saved(out, register, offset);
    return;
  }
  if (entry.kind === 'iret') {
    for (const [register, offset] of IRET_FRAME) saved(out, register, offset);
    return;
  }
  if (before?.kind !== 'call') saved(out, RETURN_ADDRESS, -8);
  if (before !== undefined && before.kind !== 'call') {
    // The caller's stack pointer is the CFA again.
    out.u8(0x14 /* DW_CFA_val_offset */);
    out.uleb(RSP);
    out.uleb(0);
  }
  // RBP is kept at an offset from the caller's stack pointer, or is still the caller's.
  if (entry.bpRegister === OrcRegister.previousSp) saved(out, RBP, entry.bpOffset);
  else if (before?.bpRegister === OrcRegister.previousSp) {
    out.u8(DW.cfaSameValue);
    out.uleb(RBP);
  }
}

function cfa(out: ByteSink, { spRegister, spOffset }: OrcEntry): void {
  const indirect = spRegister === OrcRegister.spIndirect || spRegister === OrcRegister.bpIndirect;
  if (!indirect) {
    const register = REGISTERS[spRegister] ?? RSP;
    if (spOffset >= 0) {
      out.u8(DW.cfaDefCfa);
      out.uleb(register);
      out.uleb(spOffset);
    } else if (spOffset % DATA_ALIGN === 0) {
      out.u8(DW.cfaDefCfaSf);
      out.uleb(register);
      out.sleb(spOffset / DATA_ALIGN);
    } else expression(out, [DW.opBreg0 + register], spOffset);
    return;
  }
  // BP: the word at bp + offset. SP: the word at sp, and the offset added to it (kernels before 5.12 never had an offset there).
  if (spRegister === OrcRegister.bpIndirect) expression(out, [DW.opBreg0 + RBP], spOffset, [DW.opDeref]);
  else expression(out, [DW.opBreg0 + RSP], 0, [DW.opDeref, DW.opConsts], spOffset, [DW.opPlus]);
}

/** Opcodes, each list followed by a signed number. */
function expression(out: ByteSink, ...parts: readonly (readonly number[] | number)[]): void {
  const body = new ByteSink();
  for (const part of parts) {
    if (typeof part === 'number') body.sleb(part);
    else for (const opcode of part) body.u8(opcode);
  }
  out.u8(DW.cfaDefCfaExpression);
  out.uleb(body.length);
  out.append(body.bytes);
}
