import { decode, format, Flag, formFlags, Instruction, RegisterClass, registerClass } from '@pckit/x86-decoder';
import { lowerName } from './names.js';
import type { GoldenMachine } from './golden-machine.js';
import { undefinedAfter } from './sequences.js';
import { initialMemory, SEGMENT_SETS, segmentFacts } from './layout.js';
import { locate, startRegisters, type Case, type Outcome, type Vector } from './vector.js';

const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const SELECTOR_NAMES = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];
/** CF PF AF ZF SF DF OF, NT AC ID */
const FLAGS = 0x8d5 | 0x400 | 0x4000 | 0x40000 | 0x200000;
const PAGE_FAULT = 14;
const MASK64 = 0xffff_ffff_ffff_ffffn;
/** #SS #GP #PF */
const MEMORY_FAULTS = new Set([12, 13, PAGE_FAULT]);
/** Linux's TASK_SIZE_MAX. */
const USER_END = (1n << 47n) - 0x1000n;

export function describe({ code, mode, at }: Case): string {
  const instruction = new Instruction();
  const hex = Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const texts: string[] = [];
  for (let k = 0; k < code.length; k += instruction.length) {
    if (decode(code, k, code.length, mode, instruction) === 0) {
      texts.push('(truncated)');
      break;
    }
    texts.push(format(instruction, at + BigInt(k)));
  }
  return `${mode}-bit [${hex}] ${texts.join('; ')}`;
}

/** @returns undefined where the machine does as the processor did */
export function mismatch(machine: GoldenMachine, vector: Vector): string | undefined {
  const { input, outcome } = vector;
  const steps = outcome.completed + (outcome.vector >= 0 ? 1 : 0) + input.follow;
  const cut = input.repeats && steps > 2 && input.seed & 1 ? 1 + (input.seed % (steps - 1)) : 0;
  const start = startRegisters(input);
  const ours = machine.execute(input, start, steps, cut);
  const problems = typeof ours === 'string' ? [ours] : differences(input, start, outcome, ours);
  if (problems.length === 0) return undefined;
  const registers = NAMES.map((name, k) => `${name}=${start[k]!.toString(16)}`).join(' ');
  const memory = input.memory.map(({ at, value, size }) => `[${at.toString(16)}]=${value.toString(16)}/${size}`).join(' ');
  return `${describe(input)} at ${input.at.toString(16)} set ${input.segments} flags ${input.flags.toString(16)} ${registers} ${memory}: ${problems.join('; ')}`;
}

/**
 * AMD's and Intel's processors do some things differently, and the manual allows both. Ours are AMD's; where the processor did as Intel's do, the
 * outcome is made one of AMD's.
 */
function asOnAmd(input: Case, start: BigUint64Array, recorded: Outcome, ours: Outcome): Outcome | undefined {
  let processors = recorded;
  const instruction = new Instruction();
  decode(input.code, 0, input.code.length, input.mode, instruction);
  const name = lowerName(instruction.mnemonic);
  const size = instruction.operandSize;
  // SDM vol. 2, PUSH: a segment register is pushed zero-extended or by a 16-bit move that leaves the rest of the stack's word; POP reads as much.
  if (/^(push|pop)$/.test(name) && size > 2 && registerClass(instruction.operandRegister[0]!) === RegisterClass.Segment) {
    const stackBase = segmentFacts(SEGMENT_SETS[input.mode][input.segments]!.ss);
    const mask = input.mode === 64 ? MASK64 : stackBase.wide ? 0xffffffffn : 0xffffn;
    const slot = stackBase.base + ((start[4]! - (name === 'push' ? BigInt(size) : 0n)) & mask);
    // All pages and limits end at multiples of 2 KiB: where the slot lies across one, the two ways have different faults.
    if ((slot & 0x7ffn) > BigInt(0x800 - size)) return undefined;
    if (name === 'pop' || processors.vector >= 0) return processors;
    const written = changedBytes(input, processors.changes);
    for (let k = 2; k < size; k++) {
      const at = slot + BigInt(k);
      // A byte that it did change is to be 0 anyway.
      if (!written.has(at)) written.set(at, 0);
    }
    return { ...processors, changes: changesOf(input, written) };
  }
  // Intel's clear the upper halves of RCX, RSI and RDI with 32-bit addresses even when nothing is done.
  if (input.mode === 64 && instruction.addressSize === 4 && /^(movs|stos|lods|scas|cmps)[bwdq]$/.test(name)) {
    const registers = processors.registers.slice();
    for (const k of [1, 6, 7]) if (registers[k] === (ours.registers[k]! & 0xffffffffn) && ours.registers[k] === start[k]) registers[k] = start[k]!;
    processors = { ...processors, registers };
  }
  // SDM vol. 2, REP: after a fault of CMPS and SCAS EFLAGS are what they were before the instruction, whatever iterations there were.
  if (/^(scas|cmps)[bwdq]$/.test(name) && processors.vector >= 0 && ((processors.flags ^ input.flags) & 0x8d5) === 0) return { ...processors, flags: (processors.flags & ~0x8d5) | (ours.flags & 0x8d5) };
  // Intel's look at the lower bound before they read the upper one.
  if (name === 'bound' && processors.vector === 5 && MEMORY_FAULTS.has(ours.vector)) return undefined;
  // Intel's find a page missing before they see that the operand's second half lies beyond the limit: in the next page, or around 4 GiB.
  const atSecondHalf = (processors.cr2 & 0xfffn) === 0n || (processors.cr2 >= 0xfffffff0n && processors.cr2 <= 0xffffffffn);
  if (processors.vector === PAGE_FAULT && atSecondHalf && (ours.vector === 12 || ours.vector === 13)) return { ...processors, vector: ours.vector, errorCode: ours.errorCode };
  return processors;
}

let pristine: readonly Uint8Array[] | undefined;

/** What a byte of memory holds when the case begins. */
function byteBefore(input: Case, address: bigint): number {
  for (const { at, value, size } of input.memory) if (address >= at && address < at + BigInt(size)) return Number((value >> (8n * (address - at))) & 0xffn);
  const place = locate(address);
  if (!place) return 0;
  return (pristine ??= initialMemory())[place.region]![place.offset]!;
}
const wordBefore = (input: Case, at: bigint): bigint => Array.from({ length: 8 }, (_, k) => BigInt(byteBefore(input, at + BigInt(k))) << BigInt(8 * k)).reduce((a, b) => a | b);

function changedBytes(input: Case, changes: Outcome['changes']): Map<bigint, number> {
  const bytes = new Map<bigint, number>();
  for (const { at, value } of changes) {
    for (let k = 0n; k < 8n; k++) {
      const byte = Number((value >> (8n * k)) & 0xffn);
      if (byte !== byteBefore(input, at + k)) bytes.set(at + k, byte);
    }
  }
  return bytes;
}
function changesOf(input: Case, bytes: ReadonlyMap<bigint, number>): Outcome['changes'] {
  const words = new Map<bigint, bigint>();
  for (const [address, byte] of bytes) {
    const at = address & ~7n;
    const shift = 8n * (address & 7n);
    words.set(at, ((words.get(at) ?? wordBefore(input, at)) & ~(0xffn << shift)) | (BigInt(byte) << shift));
  }
  return [...words].filter(([at, value]) => value !== wordBefore(input, at)).map(([at, value]) => ({ at, value })).sort((a, b) => (a.at < b.at ? -1 : 1));
}

function differences(input: Case, start: BigUint64Array, recorded: Outcome, ours: Outcome): string[] {
  const processors = input.steps > 1 ? recorded : asOnAmd(input, start, recorded, ours);
  if (!processors) return [];
  const problems: string[] = [];
  const check = (what: string, a: bigint | number, b: bigint | number): void => {
    if (a !== b) problems.push(`${what} ${a.toString(16)}, processor ${b.toString(16)}`);
  };
  const tolerance = input.steps > 1 ? sequenceTolerance(input) : toleranceOf(input, start, processors);
  // INT1 and the trap that ends each case are the same to the recording program.
  const eitherFault = tolerance.eitherFault && MEMORY_FAULTS.has(ours.vector) && MEMORY_FAULTS.has(processors.vector);
  if (!eitherFault) check('vector', ours.vector === 1 ? -1 : ours.vector, processors.vector);
  if (processors.vector >= 0 && !eitherFault && ours.vector === processors.vector) {
    // Linux shows every kernel address as present.
    const hidden = processors.vector === PAGE_FAULT && processors.cr2 >= USER_END ? 1 : 0;
    if (processors.vector >= 10) check('error code', ours.errorCode | hidden, processors.errorCode | hidden);
    if (processors.vector === PAGE_FAULT && !tolerance.faultAddress) check('cr2', ours.cr2, processors.cr2);
  }
  check('ip', ours.ip, processors.ip);
  const flags = FLAGS & ~tolerance.flags;
  check('flags', ours.flags & flags, processors.flags & flags);
  for (let k = 0; k < 16; k++) {
    let mask = tolerance.registers.get(k) ?? 0xffff_ffff_ffff_ffffn;
    // Outside 64-bit code the upper half of RSP isn't there, and Linux leaves something in it (16-bit stacks).
    if (k === 4 && processors.selectors[0] !== 0x33) mask &= 0xffffffffn;
    if (ours.registers[k] !== processors.registers[k]) check(NAMES[k]!, ours.registers[k]! & mask, processors.registers[k]! & mask);
  }
  // Linux's IRET to the handler clears the RPL of null selectors in DS, ES, FS and GS.
  const selector = (k: number, value: number): number => (k >= 2 && value < 4 ? 0 : value);
  for (let k = 0; k < 6; k++) check(SELECTOR_NAMES[k]!, selector(k, ours.selectors[k]!), selector(k, processors.selectors[k]!));
  if (!tolerance.bases) {
    check('fs base', ours.fsBase, processors.fsBase);
    check('gs base', ours.gsBase, processors.gsBase);
  }
  if (tolerance.ignoresMemory) return problems;
  const show = (changes: Outcome['changes']): string => changes.map(({ at, value }) => `${at.toString(16)}=${value.toString(16)}`).join(' ');
  const masked = tolerance.memory ? processors.changes.map(({ at }, k) => ({ at, value: tolerance.memory!(at, processors.changes[k]!.value) })) : processors.changes;
  const own = tolerance.memory ? ours.changes.map(({ at, value }) => ({ at, value: tolerance.memory!(at, value) })) : ours.changes;
  if (show(own) !== show(masked)) problems.push(`memory {${show(own)}}, processor {${show(masked)}}`);
  return problems;
}

interface Tolerance {
  /** Flags that are not compared. */
  readonly flags: number;
  /** Masks of the registers that aren't compared in whole. */
  readonly registers: ReadonlyMap<number, bigint>;
  readonly bases: boolean;
  /** With several operands in memory, which one faults first. */
  readonly faultAddress: boolean;
  readonly ignoresMemory: boolean;
  /** Both faulted, but over different operands. */
  readonly eitherFault: boolean;
  /** Takes out of changed memory what may differ. */
  readonly memory?: (at: bigint, value: bigint) => bigint;
}

const UPPER = 0xffff_ffff_0000_0000n;

/** What the manual leaves open, and what can't be the same on two processors. */
function toleranceOf(input: Case, start: BigUint64Array, processors: Outcome): Tolerance {
  const instruction = new Instruction();
  decode(input.code, 0, input.code.length, input.mode, instruction);
  const name = lowerName(instruction.mnemonic);
  const registers = new Map<number, bigint>();
  let flags = formFlags(instruction.form).undefined;
  let bases = false;
  let wild = false;
  if (/^(shl|shr|sal|sar|rol|ror|rcl|rcr|shld|shrd)$/.test(name)) {
    const last = instruction.operandCount - 1;
    const raw = instruction.operandKind[last] === 1 ? Number(start[1]! & 0xffn) : instruction.immediateLow & 0xff;
    const size = instruction.operandSizes[0]!;
    const count = raw & (size === 8 ? 63 : 31);
    if (count === 0) flags = 0;
    else if (/^sh[lr]d$/.test(name) && count > size * 8) wild = true;
    else if (count === 1) flags &= ~Flag.OF;
    // "The CF flag contains the value of the last bit shifted out ...; it is undefined for SHL and SHR instructions where the count is
    // greater than or equal to the size"
    else if (/^sh[lr]$|^sal$/.test(name) && count >= size * 8) flags |= Flag.CF;
  }
  // Some have loaded the first registers when POPA faults; it will load them again.
  if (/^popa/.test(name) && processors.vector >= 0) for (let k = 0; k < 8; k++) if (k !== 4) registers.set(k, 0n);
  switch (name) {
    case 'cpuid':
      for (const register of [0, 1, 2, 3]) registers.set(register, UPPER);
      break;
    case 'rdtsc': case 'xgetbv':
      for (const register of [0, 2]) registers.set(register, UPPER);
      break;
    case 'rdtscp':
      for (const register of [0, 1, 2]) registers.set(register, UPPER);
      break;
    case 'rdrand': case 'rdseed':
      // What lies above the operand tells whether it was merged or cleared.
      registers.set(instruction.operandRegister[0]! & 15, instruction.operandSizes[0] === 2 ? ~0xffffn & 0xffff_ffff_ffff_ffffn : instruction.operandSizes[0] === 4 ? UPPER : 0n);
      break;
  }
  if (wild) {
    // "If the count is greater than the operand size, the result is undefined", and the flags with it.
    flags = 0x8d5;
    if (instruction.operandKind[0] === 1) registers.set(instruction.operandRegister[0]! & 15, 0xffff_ffff_ffff_0000n);
  }
  if (processors.selectors[4] === 0 || processors.selectors[5] === 0) bases = input.mode !== 64;
  const pushesFlags = /^pushf/.test(name);
  // The recording program runs with TF set, and PUSHF shows it.
  const trapFlagAt = (start[4]! & (input.mode === 64 ? ~0n : 0xffffffffn)) - BigInt(instruction.operandSize);
  return {
    flags, registers, bases,
    faultAddress: /^(cmps|movs)[bwdq]$|^iret|^retf$|^call$|^popa/.test(name),
    // AMD's far calls push before they find fault with the target, and as the target's mode has it.
    ignoresMemory: wild || (name === 'call' && (processors.vector >= 0 || (input.mode === 64) !== (processors.selectors[0] === 0x33))),
    // A near call whose target and stack are both bad: the manual's order is the target's fault first, AMD's the stack's. AMD's
    // processors read far pointers in two pieces, which may be in different places when the address wraps in between.
    eitherFault: /^call$|^retf$|^iret|^cmps[bwdq]$|^l[defgs]s$|^bound$/.test(name) || (name === 'movsxd' && instruction.operandSizes[1] === 2) || (name === 'jmp' && instruction.opcode === 0xff && (instruction.modrm & 8) !== 0),
    ...(pushesFlags ? { memory: (_: bigint, value: bigint) => value & ~trapMask(trapFlagAt) } : {}),
  };
}

/** Sequences end with what each of their instructions leaves undefined and none defines again. */
function sequenceTolerance({ code, mode }: Case): Tolerance {
  const instruction = new Instruction();
  let flags = 0;
  for (let k = 0; k < code.length; k += instruction.length) {
    decode(code, k, code.length, mode, instruction);
    flags = undefinedAfter(instruction, flags);
  }
  return { flags, registers: new Map(), bases: false, faultAddress: false, ignoresMemory: false, eitherFault: false };
}

/** Bit 8 of an image that begins at some byte of an aligned 8. */
function trapMask(at: bigint): bigint {
  return 1n << ((8n * (at & 7n) + 8n) % 64n);
}
