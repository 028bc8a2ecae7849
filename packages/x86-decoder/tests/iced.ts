import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';
import {
  Access,
  decode,
  DecodeError,
  Flag,
  FlowControl,
  formFlags,
  formFlow,
  Instruction,
  mnemonicName,
  operandAccess,
  OperandKind,
  Prefix,
  Register,
  registerName,
  type Mode,
} from '../src/index.js';

// The package is CommonJS; through require there is no namespace object between us and its wasm getters.
const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced;

/**
 * Extensions that iced-x86 decodes and we don't. EVEX, MVEX, XOP and 3DNow! are recognised by their encoding; these are
 * legacy or VEX encoded: FMA4, AMX, AVX-512 mask instructions, and extensions newer than what the processor package
 * could use.
 */
const notOurs = new Set(
  [
    'AVX512F AVX512BW AVX512DQ KNC FMA4 XOP AMX_TILE AMX_INT8 AMX_BF16 AMX_FP16 AMX_COMPLEX AVX_VNNI AVX_VNNI_INT8 AVX_VNNI_INT16',
    'AVX_IFMA AVX_NE_CONVERT CMPCCXADD RAO_INT SM3 SM4 SHA512 KL AESKLE WIDE_KL PADLOCK_ACE PADLOCK_PHE PADLOCK_PMM PADLOCK_RNG',
    'PADLOCK_GMI PADLOCK_UNDOC D3NOW CENTAUR_AIS',
  ]
    .join(' ')
    .split(' ')
    .map((name) => (iced.CpuidFeature as unknown as Record<string, number>)[name]!),
);

/** iced register number -> ours, through the names. */
const registerMap = new Map<number, number>();
for (const [name, number] of Object.entries(iced.Register)) {
  if (typeof number === 'number' && name in Register) registerMap.set(number, Register[name as keyof typeof Register]);
}

const icedMnemonics: string[] = [];
for (const [name, number] of Object.entries(iced.Mnemonic))
  if (typeof number === 'number') icedMnemonics[number] = name;

const flagMap: readonly (readonly [number, number])[] = (
  ['OF', 'SF', 'ZF', 'AF', 'CF', 'PF', 'DF', 'IF', 'AC', 'UIF', 'C0', 'C1', 'C2', 'C3'] as const
).map((name) => [iced.RflagsBits[name], Flag[name]] as const);

function ourFlags(bits: number): number {
  let flags = 0;
  for (const [theirs, ours] of flagMap) if (bits & theirs) flags |= ours;
  return flags;
}

const flowMap: Record<number, number> = {
  [iced.FlowControl.Next]: FlowControl.Next,
  [iced.FlowControl.UnconditionalBranch]: FlowControl.Jump,
  [iced.FlowControl.IndirectBranch]: FlowControl.IndirectJump,
  [iced.FlowControl.ConditionalBranch]: FlowControl.ConditionalBranch,
  [iced.FlowControl.Return]: FlowControl.Return,
  [iced.FlowControl.Call]: FlowControl.Call,
  [iced.FlowControl.IndirectCall]: FlowControl.IndirectCall,
  [iced.FlowControl.Interrupt]: FlowControl.Interrupt,
  [iced.FlowControl.XbeginXabortXend]: FlowControl.Transaction,
  [iced.FlowControl.Exception]: FlowControl.Exception,
};

const accessMap: Record<number, number> = {
  [iced.OpAccess.None]: Access.None,
  [iced.OpAccess.Read]: Access.Read,
  [iced.OpAccess.CondRead]: Access.ConditionalRead,
  [iced.OpAccess.Write]: Access.Write,
  [iced.OpAccess.CondWrite]: Access.ConditionalWrite,
  [iced.OpAccess.ReadWrite]: Access.ReadWrite,
  [iced.OpAccess.ReadCondWrite]: Access.ReadConditionalWrite,
  [iced.OpAccess.NoMemAccess]: Access.None,
};

const sizeByMemorySize: number[] = [];
for (const number of Object.values(iced.MemorySize)) {
  if (typeof number === 'number') sizeByMemorySize[number] = iced.MemorySizeExt.size(number);
}

const K = iced.OpKind;
const U64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const halves = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** Instructions of which iced says something of its own when both operands are the same register, or the count is 0. */
const sameRegisterIdioms = /^V?(Xor|Sub|Sbb|Pxor|Xorps|Xorpd|Psub.*|Pcmpgt.*|Pandn|Andnps|Andnpd)$/i;
/** Stores and loads under a mask: conditional to us, plain accesses to iced. */
const masked = /^(V?maskmov|Vpmaskmov)/i;
const shifts = /^(Rol|Ror|Rcl|Rcr|Shl|Shr|Sal|Sar|Shld|Shrd)$/;

export interface Disagreement {
  readonly key: string;
  readonly detail: string;
}

/** Decodes positions of one buffer with both decoders. */
export class IcedOracle {
  compared = 0;
  invalid = 0;
  outOfScope = 0;
  readonly ours = new Instruction();
  private readonly theirs = new iced.Instruction();
  private readonly infos = new iced.InstructionInfoFactory();
  private readonly decoder: Iced.Decoder;
  private problem = '';

  constructor(private readonly bytes: Uint8Array, private readonly mode: Mode) {
    this.decoder = new iced.Decoder(mode, bytes, iced.DecoderOptions.None);
  }

  /** Mode and iced's `Code` of the last instruction. */
  get key(): string {
    return `${this.mode} ${this.theirs.code}`;
  }

  free(): void {
    this.decoder.free();
    this.theirs.free();
    this.infos.free();
  }

  /** Compares at a position; the returned length is iced's, 1 where it finds none. */
  at(position: number): { length: number; disagreement: Disagreement | undefined } {
    const { decoder, theirs, ours } = this;
    decoder.position = position;
    decoder.decodeOut(theirs);
    decode(this.bytes, position, this.bytes.length, this.mode, ours);
    this.compared++;
    this.problem = '';
    const length = theirs.isInvalid ? 1 : theirs.length;
    if (theirs.isInvalid) {
      this.invalid++;
      const truncated = decoder.lastError === iced.DecoderError.NoMoreBytes;
      if (ours.error === DecodeError.None) this.say('valid', 'iced finds it invalid');
      // We may say that an opcode is invalid before the bytes that would follow it are there.
      else if (truncated ? ours.error === DecodeError.TooLong : ours.error === DecodeError.Truncated)
        this.say('truncation', `ours ${ours.error}, iced ${decoder.lastError}`);
    } else if (this.outside()) this.outOfScope++;
    else if (ours.error !== DecodeError.None) this.say('invalid', `we find it invalid, error ${ours.error}`);
    else this.compare();
    if (this.problem === '') return { length, disagreement: undefined };
    const hex = Buffer.from(this.bytes.subarray(position, position + 15)).toString('hex');
    const [key = '', detail = ''] = this.problem.split('\0');
    return {
      length,
      disagreement: {
        key: `${key} ${icedMnemonics[theirs.mnemonic]}`,
        detail: `${this.mode}: ${hex} (${theirs.toString()}): ${detail}`,
      },
    };
  }

  private say(key: string, detail: string): void {
    if (this.problem === '') this.problem = `${key}\0${detail}`;
  }

  private outside(): boolean {
    const { theirs } = this;
    if (theirs.encoding !== iced.EncodingKind.Legacy && theirs.encoding !== iced.EncodingKind.VEX) {
      if (this.ours.error !== DecodeError.InvalidOpcode && this.ours.error !== DecodeError.Truncated) {
        this.say('scope', `decoded as ${mnemonicName(this.ours.mnemonic)}`);
      }
      return true;
    }
    const name = icedMnemonics[theirs.mnemonic]!;
    // Newer hints in the reserved NOP space: NOPs to us, as to processors without them.
    if (name === 'Prefetchit0' || name === 'Prefetchit1') return true;
    if (this.ours.error === DecodeError.None) return false;
    return theirs.cpuidFeatures().some((feature) => notOurs.has(feature));
  }

  private compare(): void {
    const { theirs, ours } = this;
    const name = icedMnemonics[theirs.mnemonic]!;
    if (theirs.length !== ours.length) return this.say('length', `ours ${ours.length}, iced ${theirs.length}`);
    if (name !== mnemonicName(ours.mnemonic)) return this.say('mnemonic', `ours ${mnemonicName(ours.mnemonic)}`);
    if (theirs.opCount !== ours.operandCount)
      return this.say('operand count', `ours ${ours.operandCount}, iced ${theirs.opCount}`);
    for (let i = 0; i < ours.operandCount && this.problem === ''; i++) this.compareOperand(i);
    if (this.problem !== '') return;
    if (theirs.hasLockPrefix !== ((ours.prefixes & Prefix.Lock) !== 0)) this.say('lock', '');
    if (theirs.hasXacquirePrefix !== ((ours.prefixes & Prefix.Xacquire) !== 0)) this.say('xacquire', '');
    if (theirs.hasXreleasePrefix !== ((ours.prefixes & Prefix.Xrelease) !== 0)) this.say('xrelease', '');
    const flow = flowMap[theirs.flowControl];
    // XABORT and XEND end a transaction; where they continue is the next instruction.
    if (flow !== formFlow(ours.form)) this.say('flow', `ours ${formFlow(ours.form)}, iced ${flow}`);
    const same =
      ours.operandCount >= 2 &&
      ours.operandKind[ours.operandCount - 1] === OperandKind.Register &&
      ours.operandKind[ours.operandCount - 2] === OperandKind.Register &&
      ours.operandRegister[ours.operandCount - 1] === ours.operandRegister[ours.operandCount - 2];
    const idiom = same && sameRegisterIdioms.test(name);
    if (!idiom) this.compareFlags(name);
    if (!idiom) this.compareAccess(name);
  }

  private compareOperand(i: number): void {
    const { theirs, ours } = this;
    const kind = theirs.opKind(i);
    const size = ours.operandSizes[i]!;
    const expect = (ourKind: number): boolean => {
      if (ours.operandKind[i] === ourKind) return true;
      this.say('operand kind', `operand ${i}: ours ${ours.operandKind[i]}, iced ${kind}`);
      return false;
    };
    switch (kind) {
      case K.Register:
        if (!expect(OperandKind.Register)) return;
        if (registerMap.get(theirs.opRegister(i)) !== ours.operandRegister[i]) {
          this.say(
            'register',
            `operand ${i}: ours ${registerName(ours.operandRegister[i]!)}, iced ${theirs.opRegister(i)}`,
          );
        }
        return;
      case K.NearBranch16:
      case K.NearBranch32:
      case K.NearBranch64: {
        if (!expect(OperandKind.Branch)) return;
        const bits = kind === K.NearBranch16 ? 16 : kind === K.NearBranch32 ? 32 : 64;
        if (size * 8 !== bits) this.say('branch size', `ours ${size * 8}, iced ${bits}`);
        const target = BigInt.asUintN(bits, theirs.nextIP + BigInt(ours.displacement));
        if (target !== theirs.nearBranchTarget)
          this.say('branch target', `ours ${target}, iced ${theirs.nearBranchTarget}`);
        return;
      }
      case K.FarBranch16:
      case K.FarBranch32: {
        if (!expect(OperandKind.FarPointer)) return;
        const offset = kind === K.FarBranch16 ? theirs.farBranch16 : theirs.farBranch32;
        if (size !== (kind === K.FarBranch16 ? 4 : 6)) this.say('far size', `ours ${size}`);
        if (offset >>> 0 !== ours.immediateLow >>> 0 || theirs.farBranchSelector !== ours.immediate2)
          this.say('far pointer', '');
        return;
      }
      case K.Immediate8_2nd:
        if (expect(OperandKind.Immediate2) && ours.immediate2 !== theirs.immediate8_2nd) this.say('immediate2', '');
        return;
      case K.Immediate8:
      case K.Immediate16:
      case K.Immediate32:
      case K.Immediate64:
      case K.Immediate8to16:
      case K.Immediate8to32:
      case K.Immediate8to64:
      case K.Immediate32to64: {
        if (!expect(OperandKind.Immediate)) return;
        const bits =
          kind === K.Immediate8
            ? 8
            : kind === K.Immediate16 || kind === K.Immediate8to16
            ? 16
            : kind === K.Immediate32 || kind === K.Immediate8to32
            ? 32
            : 64;
        if (size * 8 !== bits) this.say('immediate size', `ours ${size * 8}, iced ${bits}`);
        const value = halves(ours.immediateLow, ours.immediateHigh);
        const expected = theirs.immediate(i);
        if (BigInt.asUintN(bits, value) !== BigInt.asUintN(bits, expected))
          this.say('immediate', `ours ${value}, iced ${expected}`);
        return;
      }
      case K.MemorySegSI:
      case K.MemorySegESI:
      case K.MemorySegRSI:
        if (!expect(OperandKind.StringSource)) return;
        if (ours.addressSize !== 2 << (kind - K.MemorySegSI)) this.say('address size', '');
        this.compareSegment();
        break;
      case K.MemoryESDI:
      case K.MemoryESEDI:
      case K.MemoryESRDI:
        if (!expect(OperandKind.StringDestination)) return;
        if (ours.addressSize !== 2 << (kind - K.MemoryESDI)) this.say('address size', '');
        break;
      case K.MemorySegDI:
      case K.MemorySegEDI:
      case K.MemorySegRDI:
        if (!expect(OperandKind.Memory)) return;
        if (ours.base !== [Register.DI, Register.EDI, Register.RDI][kind - K.MemorySegDI]) this.say('base', '');
        this.compareSegment();
        break;
      case K.Memory:
        if (!expect(OperandKind.Memory)) return;
        this.compareMemory();
        break;
      default:
        this.say('operand kind', `operand ${i}: iced ${kind}`);
        return;
    }
    if (sizeByMemorySize[theirs.memorySize] !== size)
      this.say('memory size', `ours ${size}, iced ${sizeByMemorySize[theirs.memorySize]}`);
  }

  private compareSegment(): void {
    const expected = registerMap.get(this.theirs.memorySegment)!;
    const ours = this.ours.segment;
    if (expected === ours) return;
    // iced reports ES, CS, SS and DS overrides in 64-bit mode, where they are ignored; there we give the default.
    if (this.mode === 64 && expected < Register.FS && ours < Register.FS && !this.ours.segmentOverridden) return;
    this.say('segment', `ours ${registerName(ours)}, iced ${registerName(expected)}`);
  }

  private compareMemory(): void {
    const { theirs, ours } = this;
    this.compareSegment();
    const base = registerMap.get(theirs.memoryBase);
    const index = registerMap.get(theirs.memoryIndex);
    if (base !== ours.base || index !== ours.index) {
      this.say('base, index', `ours ${registerName(ours.base)} ${registerName(ours.index)}, iced ${base} ${index}`);
    }
    if (index !== Register.None && theirs.memoryIndexScale !== 1 << ours.scale) this.say('scale', '');
    const bits = BigInt(ours.addressSize * 8);
    let displacement = halves(ours.displacement, ours.displacementHigh);
    if (ours.base === Register.RIP || ours.base === Register.EIP) displacement += theirs.nextIP;
    if (
      BigInt.asUintN(Number(bits), displacement) !== BigInt.asUintN(Number(bits), U64(theirs.memoryDisplacementU64))
    ) {
      this.say('displacement', `ours ${displacement}, iced ${theirs.memoryDisplacementU64}`);
    }
    const size = ours.displacementSize === 4 && ours.addressSize === 8 ? 8 : ours.displacementSize;
    if (size !== theirs.memoryDisplSize)
      this.say('displacement size', `ours ${ours.displacementSize}, iced ${theirs.memoryDisplSize}`);
  }

  private compareFlags(name: string): void {
    const { theirs, ours } = this;
    // iced knows that a count of 0 changes nothing, and that a count of 1 given as an immediate defines OF; the table
    // is per form.
    if (shifts.test(name) && ours.operandKind[ours.operandCount - 1] === OperandKind.Immediate) {
      const turns = /^Rc/.test(name) && ours.operandSizes[0]! < 4 ? ours.operandSizes[0]! * 8 + 1 : 64;
      if ((ours.immediateLow & (ours.operandSizes[0] === 8 ? 63 : 31)) % turns <= 1) return;
    }
    const facts = formFlags(ours.form);
    const check = (key: string, mine: number, bits: number): void => {
      const expected = ourFlags(bits);
      if (mine !== expected) this.say(`flags ${key}`, `ours ${mine.toString(16)}, iced ${expected.toString(16)}`);
    };
    check('read', facts.read, theirs.rflagsRead);
    check('written', facts.written, theirs.rflagsWritten);
    check('undefined', facts.undefined, theirs.rflagsUndefined);
    check('cleared', facts.cleared, theirs.rflagsCleared);
    check('set', facts.set, theirs.rflagsSet);
  }

  private compareAccess(name: string): void {
    const { theirs, ours } = this;
    const info = this.infos.info(theirs);
    for (let i = 0; i < ours.operandCount; i++) {
      const expected = accessMap[info.opAccess(i)];
      const mine = operandAccess(ours, i);
      if (masked.test(name)) {
        if (expected === Access.Read && mine === Access.ConditionalRead) continue;
        if (expected === Access.Write && mine === Access.ConditionalWrite) continue;
      }
      // INSERTQ keeps the bits around the field (AMD APM vol. 4), so it reads its destination.
      if (name === 'Insertq' && i === 0 && mine === Access.ReadWrite) continue;
      if (expected !== mine) this.say('access', `operand ${i}: ours ${mine}, iced ${expected}`);
    }
    info.free();
  }
}

/**
 * Random bytes (xorshift32) of which some look like real encodings: prefixes, escapes and VEX come more often than
 * chance gives.
 */
export function structuredBytes(count: number, seed: number, uniform: boolean): Uint8Array {
  const bytes = new Uint8Array(count * 16);
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const prefixes = [0x66, 0xf2, 0xf3, 0x67, 0xf0, 0x2e, 0x64, 0x3e, 0x66, 0xf2, 0xf3, 0x26, 0x36, 0x65];
  for (let i = 0; i < count; i++) {
    const start = i * 16;
    for (let j = 0; j < 16; j++) bytes[start + j] = next() >>> 11;
    if (uniform) continue;
    let at = start;
    while (next() % 5 < 2) bytes[at++ % bytes.length] = prefixes[next() % prefixes.length]!;
    if (next() % 3 === 0) bytes[at++ % bytes.length] = 0x40 | (next() & 15);
    switch (next() % 8) {
      case 0:
      case 1:
        bytes[at % bytes.length] = 0x0f;
        break;
      case 2:
        bytes[at % bytes.length] = 0x0f;
        bytes[(at + 1) % bytes.length] = next() & 1 ? 0x38 : 0x3a;
        break;
      case 3:
        bytes[at % bytes.length] = 0xc4;
        bytes[(at + 1) % bytes.length] = (next() & 0xe0) | (1 + (next() % 3));
        bytes[(at + 2) % bytes.length] = next() & 1 ? next() | 0x78 : next();
        break;
      case 4:
        bytes[at % bytes.length] = 0xc5;
        bytes[(at + 1) % bytes.length] = next() & 1 ? next() | 0x78 : next();
        break;
      case 5:
        bytes[at % bytes.length] = 0x0f;
        bytes[(at + 1) % bytes.length] = 0xae + (next() & 1) * 0x19;
        break;
    }
  }
  return bytes;
}

/**
 * Prefetches in the NOP space; codes of 8086 and early 386 processors, and of AMD's branches with 66 in 64-bit mode.
 */
const neverDecoded = /^(Prefetchit[01]_.*|Popw_CS|Ud0|.*_rel8_16_RCX|Jrcxz_rel8_16)$/;

/**
 * The instructions, as `key` names them, that we should decode: legacy and VEX encoded, by default enabled, of no
 * extension that isn't ours.
 */
export function codesInScope(): { key: string; name: string }[] {
  const codes: { key: string; name: string }[] = [];
  const instruction = new iced.Instruction();
  for (const [name, code] of Object.entries(iced.Code)) {
    if (typeof code !== 'number') continue;
    instruction.code = code;
    const info = iced.CodeExt.opCode(code);
    const legacy = info.encoding === iced.EncodingKind.Legacy || info.encoding === iced.EncodingKind.VEX;
    // FWAIT forms (FSTENV...) are two instructions to a decoder.
    const decodes = info.isInstruction && legacy && info.decoderOption === 0 && !info.fwait;
    const modes = [16, 32, 64].filter((mode) => info[`intelDecoder${mode as 16 | 32 | 64}`]);
    info.free();
    if (decodes && !instruction.cpuidFeatures().some((feature) => notOurs.has(feature)) && !neverDecoded.test(name)) {
      for (const mode of modes) codes.push({ key: `${mode} ${code}`, name: `${name} in ${mode}-bit mode` });
    }
  }
  instruction.free();
  return codes;
}
