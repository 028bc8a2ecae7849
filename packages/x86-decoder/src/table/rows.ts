import { Mnemonic } from '../mnemonic.js';
import { Access, Flag, FlowControl } from '../facts.js';
import { Dimension, dimensionSizes, Sizing } from '../dimensions.js';
import { Method, sizeNames } from '../operands.js';
import { Register } from '../register.js';
import type { FormFlags } from '../layout.js';

/**
 * The table's notation. A line is `encoding | mnemonic operands | flags | attributes`; `@ feature` names the CPUID
 * feature of the lines below it (in lower case, as /proc/cpuinfo writes most of them); `#` starts a comment.
 *
 * Encoding, as the SDM writes it:
 * - `np`, `66`, `F3`, `F2` first: this mandatory prefix; `nf`: no F2 or F3, and 66 is the operand size; nothing: any
 *   prefix, unless another line for the same opcode names it.
 * - `VEX.L.pp.map.W`: L is `128`, `256`, `LIG` or `L` (both, operands of size x follow it); pp `NP`, `66`, `F3`, `F2`;
 *   map `0F`, `0F38`, `0F3A`; W `W0`, `W1`, `WIG`, or `W` (operands of size y follow it; ignored outside 64-bit mode).
 * - Opcode bytes; `+r`: eight opcodes with a register in the low bits. A further byte is an exact ModRM; `+i`: with any
 *   rm.
 * - `/r`: a ModRM byte; `/0`..`/7`: with this reg field; `mem`, `reg`: only with memory, only with a register.
 * - `o16`, `o32`, `o64`, `a16`...: only with this effective operand or address size; `W0`, `W1`: with this REX.W;
 *   `nob`: without REX.B; `wig32`: VEX.W is ignored outside 64-bit mode.
 *
 * Operands: a letter for the method and a size (`operands.ts` lists both), e.g. `Ev`, `Gb`, `Vx`, `Wdq`. `Ed.b` is 4
 * bytes as a register, 1 as memory. Letters as in the SDM's appendix A, and Z (register in the opcode), L (register in
 * an immediate), B (general register in vvvv), T (gather memory, e.g. `Txd`: XMM indices, dword elements). Names in
 * capitals are registers; `rAX` is of the operand size, `zAX` the same but at most EAX. `:r` (if nothing is given),
 * `:w`, `:rw`, `:n` (not accessed), `:cr`, `:cw`, `:rcw` (read, conditionally written) say how it is accessed; `:cz` is
 * `:cw` of which the zero-extension of 32 bits to 64 happens in any case (CMOVcc).
 *
 * Flags: `r=`, `w=`, `u=`, `0=`, `1=` for read, written, left undefined, cleared, set, followed by letters: o s z a p c
 * d i, k (AC), u (UIF), and 0 1 2 3 for the x87 condition codes; or one of `flagShorthands`.
 *
 * Attributes: `lock` (LOCK is allowed with memory), `no64`, `only64`, `d64` (64-bit operands by default in 64-bit
 * mode), `f64` (always), `uniq` (vector registers must differ), `no66` (#UD with 66), and the control flow: `jmp`,
 * `ijmp`, `jcc`, `call`, `icall`, `ret`, `int`, `ud`, `xbegin`.
 */
export interface Row {
  /** The line, for messages. */
  readonly text: string;
  readonly encoding: string;
  readonly mnemonic: Mnemonic;
  readonly vex: boolean;
  /** 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A. */
  readonly map: number;
  readonly opcode: number;
  /** 8 with +r. */
  readonly opcodeCount: number;
  readonly hasModrm: boolean;
  /** Allowed values of each dimension, as a bit mask, in the order of `Dimension`. */
  readonly masks: readonly number[];
  /** Some of 66, F2, F3 belongs to the opcode. */
  readonly mandatory: boolean;
  readonly operands: readonly RowOperand[];
  readonly flags: FormFlags;
  readonly feature: string;
  readonly flow: FlowControl;
  readonly lockable: boolean;
  readonly legacyModes: boolean;
  readonly longMode: boolean;
  readonly sizing: Sizing;
  readonly uniqueVectors: boolean;
  readonly refuses66: boolean;
  /** VEX.W is ignored outside 64-bit mode. */
  readonly wFree: boolean;
}

export interface RowOperand {
  readonly text: string;
  readonly method: number;
  /** Size code of the register or immediate; for `Method.Fixed`, the register. */
  readonly size: number;
  /** Size code of the memory, when it is memory. */
  readonly memorySize: number;
  readonly access: Access;
  /** `:cz` */
  readonly zeroExtends: boolean;
}

const flagShorthands: Readonly<Record<string, string>> = {
  arith: 'w=oszapc',
  logic: '0=oc w=szp u=a',
  incdec: 'w=oszap',
  mul: 'w=oc u=szap',
  bt: 'w=c u=osap',
  compare: 'w=zpc 0=osa',
  fpu: 'w=1 u=023',
  fcompare: 'w=023 0=1',
};

const flagLetters: Readonly<Record<string, number>> = {
  c: Flag.CF,
  p: Flag.PF,
  a: Flag.AF,
  z: Flag.ZF,
  s: Flag.SF,
  i: Flag.IF,
  d: Flag.DF,
  o: Flag.OF,
  k: Flag.AC,
  u: Flag.UIF,
  0: Flag.C0,
  1: Flag.C1,
  2: Flag.C2,
  3: Flag.C3,
};

const accesses: Readonly<Record<string, Access>> = {
  n: Access.None,
  r: Access.Read,
  w: Access.Write,
  rw: Access.ReadWrite,
  cr: Access.ConditionalRead,
  cw: Access.ConditionalWrite,
  cz: Access.ConditionalWrite,
  rcw: Access.ReadConditionalWrite,
};

const flows: Readonly<Record<string, FlowControl>> = {
  jmp: FlowControl.Jump,
  ijmp: FlowControl.IndirectJump,
  jcc: FlowControl.ConditionalBranch,
  call: FlowControl.Call,
  icall: FlowControl.IndirectCall,
  ret: FlowControl.Return,
  int: FlowControl.Interrupt,
  ud: FlowControl.Exception,
  xbegin: FlowControl.Transaction,
};

const methods: Readonly<Record<string, number>> = {
  E: Method.RmGeneral,
  R: Method.RmGeneral,
  M: Method.RmGeneral,
  G: Method.RegGeneral,
  Z: Method.OpcodeGeneral,
  B: Method.VexGeneral,
  W: Method.RmVector,
  U: Method.RmVector,
  V: Method.RegVector,
  H: Method.VexVector,
  L: Method.Is4Vector,
  Q: Method.RmMmx,
  N: Method.RmMmx,
  P: Method.RegMmx,
  C: Method.RegControl,
  D: Method.RegDebug,
  O: Method.Offset,
  X: Method.StringSource,
  Y: Method.StringDestination,
  J: Method.Branch,
};

const NO_FLAGS: FormFlags = { read: 0, written: 0, undefined: 0, cleared: 0, set: 0 };
const prefixNames = ['np', '66', 'F3', 'F2'];

function sizeCode(name: string, line: string): number {
  const code = (sizeNames as readonly string[]).indexOf(name);
  if (code < 0) throw new SyntaxError(`instruction table: unknown operand size "${name}" in "${line}"`);
  return code;
}

function parseOperand(text: string, line: string): RowOperand {
  const [name = '', accessName = 'r'] = text.split(':');
  const access = accesses[accessName];
  if (access === undefined) throw new SyntaxError(`instruction table: unknown access "${accessName}" in "${line}"`);
  const zeroExtends = accessName === 'cz';
  const make = (method: number, size: number, memorySize: number = size): RowOperand => ({
    text,
    method,
    size,
    memorySize,
    access,
    zeroExtends,
  });
  if (name in Register) return make(Method.Fixed, Register[name as keyof typeof Register], 0);
  switch (name) {
    case 'rAX':
      return make(Method.FixedGeneral, sizeCode('v', line), 0);
    case 'zAX':
      return make(Method.FixedGeneral, sizeCode('z', line), 0);
    case 'STi':
      return make(Method.RmSt, sizeCode('t', line));
    case 'Sw':
      return make(access === Access.Write ? Method.RegSegmentWritten : Method.RegSegment, sizeCode('w', line));
    case '1':
      return make(Method.ImmediateOne, sizeCode('b', line));
    case 'Ib':
    case 'Iw':
      return make(Method.Immediate, sizeCode(name.slice(1), line));
    case 'Iz':
      return make(Method.ImmediateSigned, sizeCode('z', line), sizeCode('v', line));
    case 'Iv':
      return make(Method.ImmediateSigned, sizeCode('v', line));
    case 'Is':
      return make(Method.ImmediateByteSigned, sizeCode('v', line));
    case 'Ib2':
      return make(Method.Immediate2, sizeCode('b', line));
    case 'Ap':
      return make(Method.FarPointer, sizeCode('v', line), sizeCode('p', line));
    case 'Xlat':
      return make(Method.Xlat, sizeCode('b', line));
    case 'Rm':
      // The only operands of this kind beside MOV to and from control registers (`Gm`, `Em`) are spelled otherwise.
      return make(Method.RmForcedGeneral, sizeCode('m', line));
    case 'M':
      return make(Method.RmGeneral, sizeCode('n', line));
  }
  if (name.startsWith('DI')) return make(Method.MemoryDi, sizeCode(name.slice(2), line));
  if (name.startsWith('T')) {
    // The index's class stands where the register's size would.
    return make(Method.Vsib, sizeCode(name[1] === 'y' ? 'qq' : 'dq', line), sizeCode(name.slice(2), line));
  }
  const method = methods[name[0] ?? ''];
  if (method === undefined) throw new SyntaxError(`instruction table: unknown operand "${name}" in "${line}"`);
  const [size = '', memorySize] = name.slice(1).split('.');
  if (method === Method.Branch) return make(method, sizeCode(size, line), sizeCode(memorySize ?? 'v', line));
  return make(method, sizeCode(size, line), sizeCode(memorySize ?? size, line));
}

function parseFlags(text: string, line: string): FormFlags {
  if (text === '') return NO_FLAGS;
  const flags = { read: 0, written: 0, undefined: 0, cleared: 0, set: 0 };
  const keys = { r: 'read', w: 'written', u: 'undefined', '0': 'cleared', '1': 'set' } as const;
  const expanded = text
    .split(/\s+/)
    .map((word) => flagShorthands[word] ?? word)
    .join(' ');
  for (const word of expanded.split(' ')) {
    const [key = '', letters = ''] = word.split('=');
    if (!(key in keys)) throw new SyntaxError(`instruction table: unknown flags "${word}" in "${line}"`);
    for (const letter of letters) {
      const bit = flagLetters[letter];
      if (bit === undefined) throw new SyntaxError(`instruction table: unknown flag "${letter}" in "${line}"`);
      flags[keys[key as keyof typeof keys]] |= bit;
    }
  }
  return flags;
}

interface Encoding {
  vex: boolean;
  map: number;
  opcode: number;
  opcodeCount: number;
  hasModrm: boolean;
  masks: number[];
  mandatory: boolean;
  mandatory66: boolean;
  /** VEX.W is ignored outside 64-bit mode. */
  wFree: boolean;
}

function parseVex(word: string, e: Encoding, line: string): void {
  const [, l, pp, map, w] = word.split('.');
  e.vex = true;
  if (l === '128') e.masks[Dimension.L] = 1;
  else if (l === '256') e.masks[Dimension.L] = 2;
  const prefix = ['NP', '66', 'F3', 'F2'].indexOf(pp ?? '');
  e.map = ['', '0F', '0F38', '0F3A'].indexOf(map ?? '');
  if (prefix < 0 || e.map < 1) throw new SyntaxError(`instruction table: bad VEX in "${line}"`);
  e.masks[Dimension.Prefix] = 1 << prefix;
  if (w === 'W0') e.masks[Dimension.W] = 1;
  else if (w === 'W1') e.masks[Dimension.W] = 2;
}

function restrict(e: Encoding, dimension: number, values: number): void {
  e.masks[dimension] = values;
}

function parseEncoding(text: string, line: string): Encoding {
  const e: Encoding = {
    vex: false,
    map: 0,
    opcode: -1,
    opcodeCount: 1,
    hasModrm: false,
    masks: dimensionSizes.map((size) => (1 << size) - 1),
    mandatory: false,
    mandatory66: false,
    wFree: false,
  };
  const words = text.split(/\s+/);
  if (words[0] === 'nf') {
    restrict(e, Dimension.Prefix, 0b0011);
    words.shift();
  } else if (prefixNames.includes(words[0]!) && words.length > 1) {
    restrict(e, Dimension.Prefix, 1 << prefixNames.indexOf(words[0]!));
    e.mandatory = words[0] !== 'np';
    e.mandatory66 = words[0] === '66';
    words.shift();
  } else if (words[0]!.startsWith('VEX.')) {
    parseVex(words[0]!, e, line);
    e.wFree = words[0]!.endsWith('.W');
    words.shift();
  }
  const bytes: string[] = [];
  for (const word of words) {
    let match: RegExpExecArray | null;
    if (/^[0-9A-F]{2}(\+[ri])?$/.test(word)) bytes.push(word);
    else if ((match = /^\/([0-7r])$/.exec(word))) {
      e.hasModrm = true;
      if (match[1] !== 'r') restrict(e, Dimension.Reg, 1 << Number(match[1]));
    } else if (word === 'mem') restrict(e, Dimension.Mod, 1);
    else if (word === 'reg') restrict(e, Dimension.Mod, 2);
    else if ((match = /^([oa])(16|32|64)(?:,[oa](16|32|64))?$/.exec(word))) {
      const mask = [match[2], match[3]].reduce(
        (m, n) => m | (n === undefined ? 0 : 1 << ['16', '32', '64'].indexOf(n)),
        0,
      );
      restrict(e, match[1] === 'o' ? Dimension.OperandSize : Dimension.AddressSize, mask);
    } else if ((match = /^W([01])$/.exec(word))) restrict(e, Dimension.W, 1 << Number(match[1]));
    else if (word === 'wig32') e.wFree = true;
    else if (word === 'nob') restrict(e, Dimension.B, 1);
    else throw new SyntaxError(`instruction table: unknown word "${word}" in "${line}"`);
  }
  if (!e.vex && bytes[0] === '0F' && bytes.length > 1) {
    bytes.shift();
    e.map = 1;
    const escape = ['38', '3A'].indexOf(bytes[0]!);
    if (escape >= 0 && bytes.length > 1) {
      bytes.shift();
      e.map = 2 + escape;
    }
  }
  const opcode = bytes.shift();
  if (opcode === undefined) throw new SyntaxError(`instruction table: no opcode in "${line}"`);
  e.opcode = parseInt(opcode, 16);
  if (opcode.endsWith('+r')) e.opcodeCount = 8;
  const exact = bytes.shift();
  if (exact !== undefined) {
    const modrm = parseInt(exact, 16);
    e.hasModrm = true;
    restrict(e, Dimension.Mod, 2);
    restrict(e, Dimension.Reg, 1 << ((modrm >> 3) & 7));
    if (!exact.endsWith('+i')) restrict(e, Dimension.Rm, 1 << (modrm & 7));
  }
  return e;
}

function parseRow(line: string, feature: string): Row {
  const [encodingText = '', body = '', flagText = '', attributeText = ''] = line.split('|').map((part) => part.trim());
  const encoding = parseEncoding(encodingText, line);
  const [name = '', ...operandTexts] = body.split(/\s+/);
  if (!(name in Mnemonic)) throw new SyntaxError(`instruction table: unknown mnemonic "${name}" in "${line}"`);
  const operands = operandTexts.map((text) => parseOperand(text, line));
  for (const { text: operand } of operands) {
    const needed = /^(M|T[xy])/.test(operand) ? 1 : /^(R(?!m|AX)|[UN])/.test(operand) ? 2 : 0;
    if (needed !== 0 && encoding.masks[Dimension.Mod] !== needed)
      throw new SyntaxError(`instruction table: mem or reg is missing in "${line}"`);
  }
  const attributes = attributeText === '' ? [] : attributeText.split(/\s+/);
  let flow: FlowControl = FlowControl.Next;
  let sizing: Sizing = encoding.vex ? Sizing.Vex : encoding.mandatory66 ? Sizing.Mandatory66 : Sizing.Normal;
  let [lockable, legacyModes, longMode, uniqueVectors, refuses66] = [false, true, true, false, false];
  for (const word of attributes) {
    if (word === 'lock') lockable = true;
    else if (word === 'no64') longMode = false;
    else if (word === 'only64') legacyModes = false;
    else if (word === 'd64') sizing = Sizing.Default64;
    else if (word === 'f64') sizing = Sizing.Force64;
    else if (word === 'uniq') uniqueVectors = true;
    else if (word === 'no66') refuses66 = true;
    else {
      const found = flows[word];
      if (found === undefined) throw new SyntaxError(`instruction table: unknown attribute "${word}" in "${line}"`);
      flow = found;
    }
  }
  // A 64-bit operand size, a 64-bit address size and REX bits only exist in 64-bit mode; VEX.W1 may mean something
  // outside it.
  if (encoding.masks[Dimension.OperandSize] === 4 || encoding.masks[Dimension.AddressSize] === 4) legacyModes = false;
  if (!encoding.vex && encoding.masks[Dimension.W] === 2) legacyModes = false;
  if (encoding.masks[Dimension.AddressSize] === 1) longMode = false;
  return {
    text: line,
    encoding: encodingText.replace(/\s+/g, ' '),
    mnemonic: Mnemonic[name as keyof typeof Mnemonic],
    vex: encoding.vex,
    map: encoding.map,
    opcode: encoding.opcode,
    opcodeCount: encoding.opcodeCount,
    hasModrm: encoding.hasModrm,
    masks: encoding.masks,
    mandatory: encoding.mandatory,
    operands,
    flags: parseFlags(flagText, line),
    feature,
    flow,
    lockable,
    legacyModes,
    longMode,
    sizing,
    uniqueVectors,
    refuses66,
    wFree: encoding.wFree,
  };
}

/** Parses table text into rows. @throws SyntaxError that quotes the line */
export function parseRows(text: string): Row[] {
  const rows: Row[] = [];
  let feature = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('@')) feature = line.slice(1).trim();
    else rows.push(parseRow(line, feature));
  }
  return rows;
}
