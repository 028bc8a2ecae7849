import { OperandKind, Prefix, Register, registerClass, RegisterClass, registerNumber, type Form } from '@pckit/x86-decoder';
import { lowerName } from './names.js';
import { chooseTarget, placeOperand, segmentBase, selectorOf, sizeMask } from './addressing.js';
import { CaseBuilder } from './case-builder.js';
import { Encoder } from './encode.js';
import { CODE, HIGH_CODE, interesting, LAST_CODE, segmentFacts, Selector, SELECTORS, type Mode } from './layout.js';
import { Random } from './random.js';
import type { Case } from './vector.js';

// Cases for one form in one mode: random encodings, random states, and what makes the instruction at hand do something interesting.

const [RAX, RCX, RDX, RSP, RBP, RSI, RDI] = [0, 1, 2, 4, 5, 6, 7];
const CODE_SELECTORS = [Selector.code32, Selector.code64, Selector.code16, Selector.shortCode];
const STACK_SELECTORS = [Selector.data, Selector.data16, Selector.based, Selector.limited, Selector.expandDown];
const CS = 1;
const SS = 2;
const ES = 0;

const isSegment = (register: number): boolean => registerClass(register) === RegisterClass.Segment;
const isHighByte = (register: number): boolean => registerClass(register) === RegisterClass.R8High;

/** Forms that user mode can't run in isolation, with the reason. */
export function reasonNotToRun({ mnemonic }: Form): string | undefined {
  switch (lowerName(mnemonic)) {
    case 'syscall': case 'sysenter':
      return 'enters the host kernel';
    case 'sgdt': case 'sidt': case 'sldt': case 'str': case 'smsw':
      return 'the host kernel emulates it where UMIP is on';
    case 'int1':
      return 'hypervisors get its instruction pointer wrong';
    default:
      return undefined;
  }
}

/** Whether to record a form in a mode: not where Intel's and AMD's processors are different by design. */
export function isComparable({ mnemonic, modes, encoding }: Form, mode: Mode): boolean {
  if (mode !== 64 && /^sys(ret|exit)/.test(lowerName(mnemonic))) return false;
  // AMD's PREFETCH has no register form.
  return modes.includes(mode) && encoding !== '0F 0D /r reg';
}

export function* generateCases(form: Form, mode: Mode, count: number, seed: number): Generator<Case> {
  const random = new Random(seed, form.form * 100 + mode);
  const encoder = new Encoder(form, mode);
  // Counted up, which a fixture compresses to nothing.
  const first = random.u32();
  for (let made = 0; made < count; ) {
    const encoded = encoder.make(random);
    if (!encoded) throw new Error(`no encoding of ${form.encoding} in ${mode}-bit mode`);
    const b = new CaseBuilder(form, encoder, encoded, random, (first + made) >>> 0);
    const { instruction } = encoded;
    const name = lowerName(form.mnemonic);
    // F3 REX.B 90 is PAUSE to disassemblers, XCHG with R8 to AMD's processors.
    if (name === 'pause' && (encoded.bytes.at(-2)! & 0xf1) === 0x41) continue;
    const isString = /^(movs|cmps|scas|lods|stos|ins|outs)[bwdq]$/.test(name);
    if (isString) prepareString(b);
    else if (!prepareOperands(b, name)) continue;
    if (instruction.form !== form.form) continue;
    // Intel's processors have far pointers with 64-bit offsets, AMD's ignore REX.W.
    if (form.operands.includes('Mp') && instruction.operandSize === 8) continue;
    const repeats = isString && (instruction.prefixes & (Prefix.Rep | Prefix.Repne)) !== 0;
    // Loading SS holds off the trap that would come after it.
    const loadsStack = (name === 'mov' || name === 'pop') && instruction.operandKind[0] === OperandKind.Register && instruction.operandRegister[0] === Register.SS;
    made++;
    yield b.finish(repeats, loadsStack ? 1 : 0);
  }
}

// --- operands in general --------------------------------------------------------------------------------------------------------------

/** @returns false for a case that had better not be */
function prepareOperands(b: CaseBuilder, name: string): boolean {
  const { random } = b;
  const { instruction } = b.encoded;
  const operand = b.memoryOperand;
  before(b, name);
  const locked = isLocked(b, name);
  if (operand >= 0 && (!random.oneIn(25) || locked)) {
    const size = instruction.operandSizes[operand]!;
    const segment = registerNumber(instruction.segment);
    const target = memoryTarget(b, name, size, segment);
    const shift = bitOffset(b, name);
    const placed = placeOperand(b, target - shift);
    if (placed === undefined && locked) return false;
    if (placed !== undefined) {
      const at = placed + shift;
      if (size > 0 && size <= 8 && random.oneIn(3)) b.write(at, interesting(random), size);
      memoryContent(b, name, at, size);
    }
  }
  after(b, name);
  return true;
}

/** A locked access across cache lines takes seconds where a hypervisor watches for those, so there are none. */
function isLocked(b: CaseBuilder, name: string): boolean {
  return (b.encoded.instruction.prefixes & Prefix.Lock) !== 0 || name === 'xchg';
}

function memoryTarget(b: CaseBuilder, name: string, size: number, segment: number): bigint {
  // Far pointers and bounds are two accesses to some processors, which may wrap around between them.
  let target = chooseTarget(b, size, segment);
  if (b.mode !== 64 && b.form.operands.some((text) => /^M(p|vv)$/.test(text)) && (target & 0xffffn) > 0xfff0n) target -= 0x10n;
  // AMD's processors read four bytes for MOVSXD's two.
  if (name === 'movsxd' && size === 2) target &= ~3n;
  if (isLocked(b, name) && (target & 63n) + BigInt(size) > 64n) target &= ~63n;
  return name === 'cmpxchg16b' && !b.random.oneIn(8) ? target & ~15n : target;
}

/** Bytes by which a bit test with a register index goes beyond its operand. */
function bitOffset(b: CaseBuilder, name: string): bigint {
  const { instruction } = b.encoded;
  if (!/^bt[src]?$/.test(name) || instruction.operandKind[1] !== OperandKind.Register) return 0n;
  const size = instruction.operandSizes[1]!;
  const index = BigInt.asIntN(size * 8, b.register(registerNumber(instruction.operandRegister[1]!)));
  return (index >> BigInt(Math.log2(size * 8))) * BigInt(size);
}

/** Registers that the address depends on, so they come before it. */
function before(b: CaseBuilder, name: string): void {
  const { random } = b;
  const { instruction } = b.encoded;
  const sizes = instruction.operandSizes;
  if (/^bt[src]?$/.test(name) && instruction.operandKind[1] === OperandKind.Register && !random.oneIn(6)) {
    const reach = random.pick([8 * sizes[1]!, 512, 20000]);
    b.setPart(registerNumber(instruction.operandRegister[1]!), BigInt.asUintN(64, BigInt(random.below(2 * reach) - reach)), sizes[1]!);
  }
  if (/^(shl|shr|sal|sar|rol|ror|rcl|rcr|shld|shrd)$/.test(name)) {
    const counts = [0, 1, 2, 7, 8, 9, 15, 16, 17, 18, 24, 25, 26, 27, 31, 32, 33, 34, 63, 64, 65, 128, 255];
    const amount = random.oneIn(2) ? random.pick(counts) : random.below(64);
    const last = instruction.operandCount - 1;
    if (instruction.operandKind[last] === OperandKind.Register) b.setPart(RCX, BigInt(amount), 1);
    else if (b.form.operands[last] === 'Ib') b.setImmediate(BigInt(amount), 1);
  }
  if (/^(div|idiv)$/.test(name)) prepareDivision(b, name === 'idiv');
  if (name === 'aam' && random.oneIn(8)) b.setImmediate(0n, 1);
  if (name === 'xlatb') return;
  if (/^(pop|push|call|ret|pushf|popf|pusha|popa|leave|enter|iret|int|retf)/.test(name)) prepareStack(b, name);
  if (/^(loop|jr?cxz|jecxz)/.test(name)) b.setPart(RCX, random.pick([0n, 1n, 2n, 0n, 1n, 0x10000n, 0x1_0000_0000n, random.u64()]), instruction.addressSize);
  if (/^(in|out|ins.|outs.)$/.test(name)) b.setPart(RDX, BigInt(random.below(65536)), 2);
  if (/^wr(fs|gs)base$/.test(name) && random.oneIn(2)) {
    const register = registerNumber(instruction.operandRegister[0]!);
    b.set(register, BigInt.asUintN(64, BigInt.asIntN(random.pick([48, 47, 49, 48, 48]), random.u64())));
  }
  if (name === 'int') {
    let vector = random.oneIn(2) ? 3 + random.below(2) : random.oneIn(2) ? random.below(32) : random.below(256);
    // The host's system calls.
    if (vector === 0x80) vector = 0x81;
    b.setImmediate(BigInt(vector), 1);
  }
  if (name === 'enter') b.setImmediate(BigInt((random.below(64) === 0 ? random.below(256) : random.below(5)) << 16) | BigInt(random.pick([0, 8, 16, 100, random.below(65536)])), 3);
  // Processors differ in whether they look at an outer stack far away before they look at the selector.
  if (name === 'retf' && b.form.operands.length > 0) b.setImmediate(BigInt(random.below(64)), 2);
  // XCR0, or one that isn't there; 1 depends on XSAVEC.
  if (name === 'xgetbv') b.setPart(RCX, BigInt(random.oneIn(2) ? 0 : 2 + random.below(99)), 4);
  for (let k = 0; k < instruction.operandCount; k++) {
    const register = instruction.operandRegister[k]!;
    if (instruction.operandKind[k] !== OperandKind.Register) continue;
    const number = registerNumber(register);
    const isSource = /^(verr|verw|lar|lsl|lldt|ltr)$/.test(name) || (name === 'mov' && isSegment(instruction.operandRegister[0]!) && k === 1);
    if (isSource) b.setPart(number, BigInt(random.pick(SELECTORS)), 2);
    else if (/^(jmp|call)$/.test(name)) b.setPart(number, BigInt.asUintN(64, codeTarget(b)), sizes[k]!);
  }
}

/** What stands in memory, once it is known where. */
function memoryContent(b: CaseBuilder, name: string, at: bigint, size: number): void {
  const { random } = b;
  const { instruction } = b.encoded;
  if (/^(jmp|call)$/.test(name)) {
    if (b.form.operands[0] === 'Mp') {
      b.write(at, codeTarget(b) & sizeMask(size - 2), size - 2);
      b.write(at + BigInt(size - 2), BigInt(codeSelector(b, random.oneIn(2) ? SELECTORS : CODE_SELECTORS)), 2);
    } else b.write(at, codeTarget(b), size);
  } else if (/^l[defgs]s$/.test(name) || name === 'lss') {
    b.write(at + BigInt(size - 2), BigInt(random.pick(name === 'lss' && !random.oneIn(3) ? STACK_SELECTORS : SELECTORS)), 2);
  } else if (/^(verr|verw|lar|lsl|lldt|ltr)$/.test(name) || (name === 'mov' && isSegment(instruction.operandRegister[0]!) && instruction.operandKind[0] === OperandKind.Register)) {
    b.write(at, BigInt(random.pick(SELECTORS)), 2);
  } else if (/^(div|idiv)$/.test(name)) {
    b.write(at, divisorFor(b, name === 'idiv', size), size);
  } else if (name === 'cmpxchg' && random.oneIn(2)) {
    const value = interesting(random);
    if (b.write(at, value, size)) b.setPart(RAX, value, size);
  } else if (name === 'cmpxchg8b' && random.oneIn(2)) {
    b.write(at, ((b.register(RDX) & 0xffffffffn) << 32n) | (b.register(RAX) & 0xffffffffn), 8);
  } else if (name === 'cmpxchg16b' && random.oneIn(2)) {
    b.write(at, (b.register(RDX) << 64n) | b.register(RAX), 16);
  } else if (name === 'bound') {
    const half = size / 2;
    const value = b.register(registerNumber(instruction.operandRegister[0]!));
    b.write(at, value - BigInt(random.below(4) - 1), half);
    b.write(at + BigInt(half), value + BigInt(random.below(4) - 1), half);
  }
}

/** What depends on nothing else any more. */
function after(b: CaseBuilder, name: string): void {
  const { random } = b;
  const { instruction } = b.encoded;
  if (name === 'cmpxchg' && instruction.operandKind[0] === OperandKind.Register && random.oneIn(2)) {
    const register = instruction.operandRegister[0]!;
    if (!isHighByte(register)) b.setPart(RAX, b.register(registerNumber(register)), instruction.operandSizes[0]!);
  }
  if (instruction.operandKind[0] === OperandKind.FarPointer) {
    b.setImmediate((BigInt(codeSelector(b, random.oneIn(2) ? SELECTORS : CODE_SELECTORS)) << BigInt(8 * instruction.operandSize)) | (codeTarget(b) & sizeMask(instruction.operandSize)), instruction.operandSize + 2);
  }
}

/**
 * A selector for a far transfer. Not 64-bit code while the stack is 16-bit: RSP then has what Linux left in its upper half, and the
 * recording program isn't heard of again. Nor while it has a base: AMD's processors push as if it had none.
 */
function codeSelector(b: CaseBuilder, list: readonly number[]): number {
  const selector = b.random.pick(list);
  return b.mode !== 64 && selector >> 3 === Selector.code64 >> 3 && (b.stackSize === 2 || segmentBase(b, SS) !== 0n) ? Selector.code32 : selector;
}

// --- control transfers and the stack --------------------------------------------------------------------------------------------------

/** An instruction pointer: in code, at the edges of segments and of canonical addresses. */
function codeTarget(b: CaseBuilder): bigint {
  const { random, mode } = b;
  const offset = BigInt(random.below(0x2000));
  if (mode !== 64) {
    const { base } = segmentFacts(selectorOf(b, CS));
    if (base !== 0n) return random.oneIn(5) ? BigInt(random.pick([0x7ff, 0x800, 0xffff, 0x10000, 0xffffffff])) : random.oneIn(8) ? BigInt(random.u32()) : offset & 0x7ffn;
    return random.oneIn(4) ? BigInt(random.u32()) : CODE + offset;
  }
  switch (random.below(10)) {
    case 0:
      return random.u64();
    case 1:
      return BigInt.asUintN(64, random.pick([1n << 47n, (1n << 47n) - 1n, -(1n << 47n), -(1n << 47n) - 1n]));
    case 2:
      return BigInt.asUintN(64, BigInt.asIntN(48, random.u64()));
    case 3:
      return LAST_CODE + (offset & 0xfffn);
    default:
      return (random.oneIn(2) ? CODE : HIGH_CODE) + offset;
  }
}

/** Bytes of the stack that the instruction looks at. */
function stackBytes(b: CaseBuilder, name: string): number {
  const { instruction } = b.encoded;
  const size = instruction.operandSize;
  if (/^(pusha|popa)/.test(name)) return 8 * (name.endsWith('d') ? 4 : 2);
  if (/^iret/.test(name)) return size * (b.mode === 64 ? 5 : 3);
  return name === 'retf' || (name === 'call' && size !== instruction.operandSizes[0]) ? 2 * size : size;
}

function prepareStack(b: CaseBuilder, name: string): void {
  const { random } = b;
  const { instruction } = b.encoded;
  const size = instruction.operandSize;
  const bytes = stackBytes(b, name);
  const pushes = /^(push|call|enter|int)/.test(name);
  const base = segmentBase(b, SS);
  const chosen = chooseTarget(b, bytes, SS);
  // An Intel processor's IRET may raise #AC of its own frame by the AC that it has just read; a hypervisor that watches for split locks takes that for one
  // and tries for ever. So frames are aligned unless their flags are ours.
  const target = /^iret/.test(name) && !(b.canWrite(chosen + BigInt(2 * size)) && b.canWrite(chosen + BigInt(3 * size - 1))) ? chosen & ~BigInt(size - 1) : chosen;
  const pointer = BigInt.asUintN(b.mode === 64 ? 64 : 32, target - base) + (pushes ? BigInt(bytes) : 0n);
  const width = b.stackSize;
  if (name === 'leave') {
    b.setPart(RBP, pointer, width);
    return;
  }
  b.setPart(RSP, pointer, width);
  const word = (k: number, value: bigint): void => void b.write(target + BigInt(k * size), value, size);
  // So that every byte of the image changes, whatever TF is.
  if (/^pushf/.test(name)) word(0, -1n);
  else if (name === 'ret') word(0, codeTarget(b));
  else if (/^popf/.test(name)) {
    // Half of them with flags that a program doesn't use: NT, AC, ID, IOPL, TF.
    word(0, BigInt(random.oneIn(2) ? random.u32() & 0x8d5 : random.u32() & 0x3fffff));
  } else if (name === 'retf' || /^iret/.test(name)) prepareFarReturn(b, name, target, size);
  else if (name === 'pop' && isSegment(instruction.operandRegister[0]!) && instruction.operandKind[0] === OperandKind.Register) {
    const list = instruction.operandRegister[0] === Register.SS && !random.oneIn(3) ? STACK_SELECTORS : SELECTORS;
    word(0, (interesting(random) & ~0xffffn) | BigInt(random.pick(list)));
  } else if (name === 'enter' && !random.oneIn(6)) {
    b.setPart(RBP, BigInt.asUintN(64, chooseTarget(b, 32, SS) - base + 32n), width);
  } else if (pushes || random.oneIn(2)) return;
  else word(0, interesting(random));
}

function prepareFarReturn(b: CaseBuilder, name: string, target: bigint, size: number): void {
  const { random } = b;
  const selector = codeSelector(b, random.oneIn(3) ? SELECTORS : [0x23, 0x33, 0x07, 0x47, b.mode === 64 ? 0x33 : 0x23]);
  const ip = selector === 0x33 ? codeTarget(b) : random.oneIn(4) ? BigInt(random.u32()) : selector === 0x23 ? CODE + BigInt(random.below(0x2000)) : BigInt(random.below(0x800));
  const image = BigInt(random.oneIn(2) ? random.u32() & 0x8d5 : random.u32() & 0x3ffeff);
  const flags = target % BigInt(size) === 0n ? image : image & ~0x40000n;
  const words = [ip, BigInt(selector) | (random.oneIn(2) ? 0n : interesting(random) & ~0xffffn)];
  if (name !== 'retf') {
    words.push(flags);
    if (b.mode === 64) words.push(interesting(random), BigInt(random.oneIn(4) ? random.pick(SELECTORS) : random.pick([0x2b, 0x0f, 0x17])));
  }
  words.forEach((value, k) => b.write(target + BigInt(k * size), value, size));
}

// --- division ---------------------------------------------------------------------------------------------------------------------------

/** The dividend is laid down first; the divisor follows from it and a quotient that mostly fits. */
function divisorFor(b: CaseBuilder, signed: boolean, size: number): bigint {
  const { random } = b;
  const bits = 8 * size;
  const value = interesting(random);
  if (random.oneIn(4)) return value;
  // One above the dividend's high half is the least divisor without overflow.
  const high = size === 1 ? (b.register(RAX) >> 8n) & 0xffn : b.register(RDX) & sizeMask(size);
  if (!signed) return BigInt.asUintN(bits, high + 1n + BigInt(random.below(3) - 1) + (random.oneIn(2) ? value >> BigInt(random.below(64)) : 0n));
  const magnitude = 2n * (BigInt.asIntN(bits, high) < 0n ? -BigInt.asIntN(bits, high) : BigInt.asIntN(bits, high)) + BigInt(random.below(4) - 1);
  const divisor = magnitude + (random.oneIn(2) ? (value & sizeMask(size)) >> BigInt(1 + random.below(bits - 1)) : 0n);
  return BigInt.asUintN(bits, random.oneIn(2) ? divisor : -divisor);
}

function prepareDivision(b: CaseBuilder, signed: boolean): void {
  const { random } = b;
  const { instruction } = b.encoded;
  const size = instruction.operandSizes[0]!;
  // A small high half: quotients of all lengths.
  const high = BigInt.asIntN(8 * size, interesting(random) & sizeMask(size)) >> BigInt(random.below(8 * size));
  if (size === 1) b.setPart(RAX, (BigInt.asUintN(8, high) << 8n) | BigInt(random.below(256)), 2);
  else b.setPart(RDX, BigInt.asUintN(64, high), size);
  if (instruction.operandKind[0] !== OperandKind.Register) return;
  const register = instruction.operandRegister[0]!;
  const number = registerNumber(register);
  if (number === RAX || number === RDX) return;
  const divisor = divisorFor(b, signed, size);
  if (isHighByte(register)) b.setPart(number, (divisor << 8n) | (b.register(number) & 0xffn), 2);
  else b.setPart(number, divisor, size);
}

// --- strings ----------------------------------------------------------------------------------------------------------------------------

function prepareString(b: CaseBuilder): void {
  const { random } = b;
  const { instruction } = b.encoded;
  const size = instruction.operandSizes[0] === 0 ? 1 : Math.max(...[0, 1].map((k) => (instruction.operandKind[k]! >= OperandKind.StringSource ? instruction.operandSizes[k]! : 0)));
  const repeated = (instruction.prefixes & (Prefix.Rep | Prefix.Repne)) !== 0;
  const count = random.oneIn(8) ? 0 : random.pick([1, 2, 3, random.below(12), random.below(70), random.below(70)]);
  const down = (b.flags & 0x400) !== 0;
  const place = (register: number, target: bigint, segment: number): void => {
    const base = segmentBase(b, segment);
    b.setPart(register, BigInt.asUintN(64, target - base), instruction.addressSize);
  };
  const sourceSegment = registerNumber(instruction.segment);
  const room = BigInt((repeated ? count : 1) * size);
  const choose = (segment: number): bigint => {
    const target = chooseTarget(b, size, segment);
    // Half of the long ones end rather than begin where it is interesting.
    return random.oneIn(2) ? (down ? target + room : target - room) : target;
  };
  const source = choose(sourceSegment);
  let destination = choose(ES);
  if (random.oneIn(3)) destination = source + BigInt(random.below(41) - 20); // overlapping
  place(RSI, source, sourceSegment);
  place(RDI, destination, ES);
  b.setPart(RCX, BigInt(count), instruction.addressSize);
  b.setPart(RDX, BigInt(random.below(65536)), 2);
  const name = lowerName(b.form.mnemonic);
  if (/^(scas|cmps)/.test(name)) equalise(b, name, size, source, destination, down);
}

/** Elements that compare equal for a while, so that REPE goes on. */
function equalise(b: CaseBuilder, name: string, size: number, source: bigint, destination: bigint, down: boolean): void {
  const { random } = b;
  const length = random.below(6);
  const step = BigInt(down ? -size : size);
  for (let k = 0; k < length; k++) {
    if (name.startsWith('scas')) b.write(destination + step * BigInt(k), b.register(RAX), size);
    else {
      const value = interesting(random);
      b.write(source + step * BigInt(k), value, size);
      b.write(destination + step * BigInt(k), value, size);
    }
  }
}
