/**
 * Programs of random instructions for user mode: on registers, flags, vectors and memory, with loops, branches, calls, faults, and stores to
 * their own code. A program has parts; after an exception it goes on with the next part.
 */
import { Flag, formFlags, OperandKind, Prefix, Register, registerClass, RegisterClass, registerNumber, type Form, type Instruction } from '@pckit/x86-decoder';
import { reportsDenormalsAsInexact } from '../avx/comparison.js';
import { avxForms } from '../avx/variants.js';
import { Encoder, redecode, type Encoded } from '../integer/encode.js';
import { recordedForms } from '../integer/forms.js';
import { interesting } from '../integer/layout.js';
import { lowerName } from '../integer/names.js';
import { Random } from '../integer/random.js';
import { undefinedAfter } from '../integer/sequences.js';
import { Random as VectorRandom, fillVector, mxcsr } from '../sse/cases.js';
import { sseForms, whyLeftOut } from '../sse/variants.js';

/** As `golden/fuzz/execute.c` has it: the last page of data is read-only, what follows data and stack isn't there. */
export const Space = { code: 0x10000, codeSize: 0x4000, data: 0x20000, dataSize: 0x3000, stack: 0x30000, stackSize: 0x2000, mostParts: 16 } as const;

export interface Program {
  readonly seed: number;
  readonly registers: BigUint64Array;
  /** 16 times 32 bytes. */
  readonly ymm: Uint8Array;
  readonly flags: number;
  readonly mxcsr: number;
  /** Addresses; the last is that of the UD2 after the last part. */
  readonly starts: readonly number[];
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
  /** Flags that are undefined after a part, or where it faulted. */
  readonly undefinedFlags: number;
  /** Where instructions or groups of them are: what a smaller program may have NOPs for. */
  readonly units: readonly (readonly [offset: number, length: number])[];
}

const ARITHMETIC = Flag.CF | Flag.PF | Flag.AF | Flag.ZF | Flag.SF | Flag.OF;
/** Counts loops. */
const COUNTER = 15;
const RSP = 4;

/**
 * What would leave user mode, reads time or chance, differs between processors (of two bad pages MASKMOVDQU may report either), or takes the
 * machine's state away from the harness.
 */
const EXCLUDED =
  /^(syscall|sysenter|int\d?|into|iret.*|hlt|rdtscp?|rdpmc|cpuid|rd(rand|seed|pid)|x(get|set)bv|(s|l)(gdt|idt|ldt|msw)|str|ltr|lar|lsl|verr|verw|arpl|popf.*|sti|cli|(rd|wr)[fg]sbase|clflush.*|ud\d|monitor|mwait|in|out|ins.|outs.|bsf|bsr|bswap|swapgs|sysret.*|sysexit.*|rsm|prefetch.*|enter|xlat.*|v?dpp[sd]|v?r(cp|sqrt)[ps]s|v?p?gather.*|vp?gather.*|v?ldmxcsr|v?maskmovdqu|xabort|xbegin|pause|ret|l[defgs]s|lss)$/;

/**
 * What processors do differently only where its operand in memory faults: it gets one that doesn't. AMD's read four bytes for MOVSXD r16, r/m16, of which
 * they copy two; Intel's read two, as SDM vol. 2 has it. VCVTPS2PH of an inexact value into a missing or read-only page: AMD's report the page and leave
 * MXCSR alone, Intel's have written MXCSR or raised #XM by then. (SDM vol. 3, "Priority Among Concurrent Events", puts both faults into one class.)
 * (VCVTPS2PH isn't there at all where its flags for a denormal differ: `reportsDenormalsAsInexact`.)
 */
function mayNotFault({ mnemonic, operandSizes }: Instruction): boolean {
  const name = lowerName(mnemonic);
  return name === 'vcvtps2ph' || (name === 'movsxd' && operandSizes[0] === 2);
}

function usable(form: Form): boolean {
  const name = lowerName(form.mnemonic);
  return (
    form.modes.includes(64) && form.flow === 0 && !EXCLUDED.test(name) && !/gather/.test(name) &&
    // Segment, control and debug registers, far pointers.
    !form.operands.some((operand) => /^(S|C[md]|D[md]|A|O|FS|GS|fs|gs)/.test(operand) || /p$/.test(operand.replace(/^[A-Z]/, '')))
  );
}

let kept: { readonly integer: readonly Encoder[]; readonly vector: readonly Encoder[] } | undefined;
function encoders(): { readonly integer: readonly Encoder[]; readonly vector: readonly Encoder[] } {
  kept ??= {
    integer: recordedForms().filter(({ form, modes }) => modes.includes(64) && usable(form)).map(({ form }) => new Encoder(form, 64)),
    vector: [...sseForms().filter((form) => whyLeftOut(form) === undefined), ...avxForms()].filter(usable).map((form) => new Encoder(form, 64)),
  };
  return kept;
}

const CONTROL = /^(movs|cmps|scas|lods|stos)[bwdq]$/;

function usesRegister(instruction: Instruction, number: number): boolean {
  for (let k = 0; k < instruction.operandCount; k++) {
    if (instruction.operandKind[k] !== OperandKind.Register) continue;
    const register = instruction.operandRegister[k]!;
    const kind = registerClass(register);
    if ((kind === RegisterClass.R64 || kind === RegisterClass.R32 || kind === RegisterClass.R16 || kind === RegisterClass.R8) && registerNumber(register) === number) return true;
  }
  return false;
}

class Writer {
  readonly bytes: number[] = [];
  readonly units: [number, number][] = [];
  /** Undefined flags at this point, and anywhere so far. */
  left = 0;
  ever = 0;
  /** Immediates and slots of four bytes that a store may change. */
  readonly immediates: number[] = [];
  readonly slots: number[] = [];
  /** Stores whose target is chosen in the end: offset of their displacement. */
  readonly stores: { at: number; kind: 'immediate' | 'slot' }[] = [];

  constructor(
    readonly random: Random,
    readonly mxcsr: number,
  ) {}

  get address(): number {
    return Space.code + this.bytes.length;
  }
  emit(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }
  u32(value: number): void {
    for (let k = 0; k < 4; k++) this.bytes.push((value >>> (8 * k)) & 0xff);
  }
  unit(body: () => void): void {
    const from = this.bytes.length;
    body();
    if (this.bytes.length > from) this.units.push([from, this.bytes.length - from]);
  }
  /** mov r64, imm64 */
  move(register: number, value: bigint): void {
    this.emit(0x48 | (register >> 3), 0xb8 | (register & 7));
    for (let k = 0n; k < 64n; k += 8n) this.emit(Number((value >> k) & 0xffn));
  }
  /** cmp r64, r64: all flags are defined. */
  defineFlags(): void {
    this.emit(0x48, 0x39, 0xc0 | this.random.below(64));
    this.left = 0;
  }
  mark(undefinedFlags: number): void {
    this.left = undefinedFlags;
    this.ever |= undefinedFlags;
  }
}

/** An address for an access of so many bytes: mostly in the writable pages, now and then across a border or where nothing is. */
function chooseTarget(random: Random, size: number, aligned: boolean): number {
  const bytes = Math.max(size, 1);
  const align = (at: number): number => (aligned ? at - (at % 32) : at);
  const choice = random.below(40);
  if (choice < 30) return align(Space.data + random.below(0x2000 - bytes));
  if (choice < 34) return align(Space.data + 0x1000 - random.below(bytes + 1));
  if (choice < 35) return Space.data + 0x2000 + random.below(0x1000 - bytes);
  if (choice < 36) return Space.data + 0x3000 - random.below(bytes + 1);
  if (choice < 37) return Space.data - random.below(bytes + 1);
  return align(Space.stack + random.below(0x1000));
}

/** Puts a memory operand at an address: by moves to its registers in front of it, or by its displacement. */
function place(w: Writer, encoded: Encoded): boolean {
  const { instruction } = encoded;
  const { base, index, addressSize, scale, operandKind, operandCount, operandSizes } = instruction;
  const memory = [0, 1, 2, 3].find((k) => k < operandCount && operandKind[k] === OperandKind.Memory);
  if (memory === undefined) return true;
  if (instruction.segmentOverridden) return false;
  const registers = [base, index].filter((register) => register !== 0 && register !== Register.RIP && register !== Register.EIP).map(registerNumber);
  if (registers.includes(RSP) || registers.includes(COUNTER)) return false;
  // What the moves would overwrite must not be what a bit test's offset or the like needs to be tame.
  const name = lowerName(instruction.mnemonic);
  if (/^bt[src]?$/.test(name) && operandKind[1] === OperandKind.Register) return false;
  // Locked accesses across cache lines are what Linux makes slow on purpose.
  const locked = (instruction.prefixes & Prefix.Lock) !== 0 || name === 'xchg';
  const chosen = chooseTarget(w.random, operandSizes[memory]!, w.random.below(4) > 0) & (locked ? ~15 : ~0);
  const target = mayNotFault(instruction) ? Space.data + (chosen & 0xfff) : chosen;
  const mask = addressSize === 4 ? 0xffff_ffffn : (1n << 64n) - 1n;
  const displacement = (BigInt(instruction.displacementHigh) << 32n) | BigInt(instruction.displacement >>> 0);
  if (base === Register.RIP || base === Register.EIP || registers.length === 0) {
    const from = registers.length === 0 && base === 0 ? 0 : w.address + instruction.length;
    new DataView(encoded.bytes.buffer, encoded.bytes.byteOffset).setInt32(encoded.displacementAt, target - from, true);
    redecode(encoded, 64);
    return true;
  }
  if (base !== 0 && index !== 0 && registers[0] === registers[1]) return false;
  let rest = BigInt(target) - displacement;
  if (index !== 0) {
    const value = BigInt(w.random.below(64));
    w.move(registerNumber(index), base === 0 ? ((rest & mask) >> BigInt(scale)) : value);
    rest -= value << BigInt(scale);
  }
  if (base !== 0) w.move(registerNumber(base), rest & mask);
  return true;
}

function instruction(w: Writer): void {
  const { random } = w;
  const { integer, vector } = encoders();
  for (let tries = 0; tries < 50; tries++) {
    const encoded = random.pick(random.oneIn(3) ? vector : integer).make(random);
    if (!encoded) continue;
    const { instruction: i } = encoded;
    if (usesRegister(i, COUNTER) || (usesRegister(i, RSP) && !random.oneIn(20))) continue;
    if (formFlags(i.form).read & w.left) continue;
    const name = lowerName(i.mnemonic);
    // Its result is undefined for counts beyond 16 bits.
    if (/^sh[lr]d$/.test(name) && i.operandSizes[0] === 2) continue;
    if (/^pushf/.test(name) && w.left) continue;
    if (name === 'vcvtps2ph' && reportsDenormalsAsInexact(w.mxcsr)) continue;
    if (CONTROL.test(name)) {
      if (i.segmentOverridden || i.addressSize !== 8) continue;
      w.unit(() => {
        w.move(6, BigInt(Space.data + 0x400 + random.below(0x800)));
        w.move(7, BigInt(Space.data + 0x400 + random.below(0x800)));
        w.move(1, BigInt(random.below(40)));
        w.emit(random.oneIn(4) ? 0xfd : 0xfc, ...encoded.bytes, 0xfc);
        // REPE CMPS may do nothing, and then it leaves flags as they were: defined or not.
        w.mark(w.left);
      });
      return;
    }
    const length = w.bytes.length;
    const undefinedFlags = undefinedAfter(i, w.left);
    if (!place(w, encoded)) {
      w.bytes.length = length;
      continue;
    }
    w.emit(...encoded.bytes);
    w.units.push([length, w.bytes.length - length]);
    w.mark(undefinedFlags);
    return;
  }
}

const SLOT_CONTENTS = [[0x90, 0x90, 0x90, 0x90], [0x48, 0xff, 0xc0, 0x90], [0x0f, 0x1f, 0x40, 0x00], [0x66, 0x90, 0x66, 0x90], [0x49, 0xff, 0xc3, 0x90], [0xf7, 0xd1, 0x90, 0x90], [0x4d, 0x8d, 0x14, 0x0a]];

/** Stores the flags that are defined. */
function storeFlags(w: Writer): void {
  w.unit(() => {
    // pushfq; and dword [rsp], mask; pop qword [disp32]
    w.emit(0x9c, 0x81, 0x24, 0x24);
    w.u32(ARITHMETIC & ~w.left);
    w.emit(0x8f, 0x04, 0x25);
    w.u32(Space.data + 8 * w.random.below(0x3ff));
    w.mark(Flag.AF);
  });
}

/** Something that a store elsewhere changes, or such a store. */
function selfModification(w: Writer): void {
  const { random } = w;
  w.unit(() => {
    switch (random.below(4)) {
      case 0: // mov r32, imm32
        w.emit(0xb8 | random.pick([0, 1, 2, 3, 5, 6, 7]));
        w.immediates.push(w.bytes.length);
        w.u32(random.u32());
        break;
      case 1:
        w.slots.push(w.bytes.length);
        w.emit(...random.pick(SLOT_CONTENTS));
        break;
      default: {
        // mov dword [disp32], imm32
        const kind = random.oneIn(2) ? 'slot' : 'immediate';
        w.emit(0xc7, 0x04, 0x25);
        w.stores.push({ at: w.bytes.length, kind });
        w.u32(0);
        if (kind === 'slot') w.emit(...random.pick(SLOT_CONTENTS));
        else w.u32(random.u32());
      }
    }
  });
}

/** Runs `body` and puts a jump in front of it that may skip it. */
function branch(w: Writer, body: () => void): void {
  if (w.left) w.unit(() => w.defineFlags());
  const before = w.left;
  w.emit(0x0f, 0x80 | w.random.below(16));
  const at = w.bytes.length;
  w.u32(0);
  body();
  const distance = w.bytes.length - at - 4;
  for (let k = 0; k < 4; k++) w.bytes[at + k] = (distance >>> (8 * k)) & 0xff;
  w.mark(w.left | before);
}

function loop(w: Writer, body: () => void): void {
  const { random } = w;
  const count = random.oneIn(6) ? 200 + random.below(800) : 2 + random.below(20);
  // mov r15d, count; the flags are defined wherever a turn begins
  w.emit(0x41, 0xbf);
  w.u32(count);
  w.defineFlags();
  const head = w.bytes.length;
  body();
  w.defineFlags();
  w.emit(0x41, 0xff, 0xcf, 0x0f, 0x85); // dec r15d; jnz
  w.u32(head - w.bytes.length - 4);
}

/** call over a jump: a function and its caller. */
function call(w: Writer, body: () => void): void {
  // jmp after; function: body; ret; after: call function
  w.emit(0xe9);
  const at = w.bytes.length;
  w.u32(0);
  const start = w.bytes.length;
  const before = w.left;
  body();
  w.emit(0xc3);
  const distance = w.bytes.length - at - 4;
  for (let k = 0; k < 4; k++) w.bytes[at + k] = (distance >>> (8 * k)) & 0xff;
  w.emit(0xe8);
  w.u32(start - w.bytes.length - 4);
  w.mark(w.left | before);
}

function block(w: Writer, length: number, depth: number, inLoop: boolean): void {
  for (let k = 0; k < length && w.bytes.length < Space.codeSize - 0x800; k++) {
    const choice = w.random.below(24);
    if (choice === 0 && depth < 3) branch(w, () => block(w, 1 + w.random.below(6), depth + 1, inLoop));
    else if (choice === 1 && depth < 2 && !inLoop) loop(w, () => block(w, 2 + w.random.below(8), depth + 1, true));
    else if (choice === 2 && depth < 2) call(w, () => block(w, 1 + w.random.below(5), depth + 1, inLoop));
    else if (choice === 3) selfModification(w);
    else if (choice < 8) storeFlags(w);
    else if (choice < 10) w.unit(() => w.move(w.random.pick([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]), interesting(w.random)));
    else instruction(w);
  }
}

export function generateProgram(seed: number): Program {
  const random = new Random(seed, 0xf022);
  const vectors = new VectorRandom(seed);
  const ymm = new Uint8Array(512);
  for (let k = 0; k < 512; k += 16) fillVector(vectors, vectors.of(['single', 'double', 'integer'] as const), new DataView(ymm.buffer, k), new DataView(ymm.buffer, (k + 48) % 512));
  const w = new Writer(random, mxcsr(vectors));
  const starts: number[] = [];
  const parts = 1 + random.below(8);
  for (let part = 0; part < parts && w.bytes.length < Space.codeSize - 0x1000; part++) {
    starts.push(w.address);
    w.move(RSP, BigInt(Space.stack + 0x1800));
    w.emit(0xfc); // cld
    w.defineFlags();
    block(w, 4 + random.below(30), 0, false);
  }
  starts.push(w.address);
  w.emit(0x0f, 0x0b); // ud2
  for (const { at, kind } of w.stores) {
    const targets = kind === 'slot' ? w.slots : w.immediates;
    const target = targets.length > 0 ? Space.code + random.pick(targets) : Space.data;
    for (let k = 0; k < 4; k++) w.bytes[at + k] = (target >>> (8 * k)) & 0xff;
  }

  const code = new Uint8Array(Space.codeSize).fill(0xcc);
  code.set(w.bytes);
  const memory = (size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < size; at += 8) view.setBigUint64(at, interesting(random), true);
    return bytes;
  };
  return {
    seed, registers: BigUint64Array.from({ length: 16 }, () => interesting(random)), ymm, flags: random.u32() & 0x8d5, mxcsr: w.mxcsr, starts, code,
    data: memory(Space.dataSize), stack: memory(Space.stackSize), undefinedFlags: w.ever & ARITHMETIC, units: w.units,
  };
}
