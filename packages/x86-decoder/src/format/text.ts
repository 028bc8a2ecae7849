import { FlowControl } from '../facts.js';
import { MAX_OPERANDS, OperandKind, Prefix, type Instruction } from '../instruction.js';
import { OPERAND_METHOD_SHIFT, OPERAND_SIZE_SHIFT } from '../layout.js';
import { Mnemonic, mnemonicName } from '../mnemonic.js';
import { Method, sizeNames } from '../operands.js';
import { Register, registerClass, RegisterClass, registerName } from '../register.js';
import { tables } from '../tables.js';

/** What both syntaxes share. Formatting is cold, so 64-bit values are BigInt here. */

export interface FormatOptions {
  /** `att` as `objdump -d` prints, `intel` as `objdump -d -M intel` does. */
  readonly syntax?: 'att' | 'intel';
  /**
   * Text for an address, e.g. `memcpy+0x10`; it is put in angle brackets after branch targets and RIP-relative
   * addresses.
   */
  readonly symbol?: (address: bigint) => string | undefined;
}

export type Symbolizer = (address: bigint) => string | undefined;

export function wide(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A displacement as a sign and a magnitude: `-0x8`. */
export function signedHex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** An immediate, unsigned in the operand's size. */
export function immediateText(instruction: Instruction, operand: number): string {
  if (instruction.operandKind[operand] === OperandKind.Immediate2) return `0x${instruction.immediate2.toString(16)}`;
  const bits = instruction.operandSizes[operand]! * 8;
  return hex(BigInt.asUintN(bits, wide(instruction.immediateLow, instruction.immediateHigh)));
}

export function nextAddress(instruction: Instruction, address: bigint): bigint {
  return address + BigInt(instruction.length);
}

function withSymbol(address: bigint, symbol: Symbolizer | undefined): string {
  const name = symbol?.(address);
  return name === undefined ? address.toString(16) : `${address.toString(16)} <${name}>`;
}

export function branchTarget(instruction: Instruction, operand: number, address: bigint): bigint {
  const bits = instruction.operandSizes[operand]! * 8;
  return BigInt.asUintN(bits, nextAddress(instruction, address) + BigInt(instruction.displacement));
}

export function branchText(
  instruction: Instruction,
  operand: number,
  address: bigint,
  symbol: Symbolizer | undefined,
): string {
  return withSymbol(branchTarget(instruction, operand, address), symbol);
}

/** `        # 1234 <name>` after an instruction with a RIP-relative operand, else empty. */
export function ripComment(instruction: Instruction, address: bigint, symbol: Symbolizer | undefined): string {
  if (instruction.base !== Register.RIP && instruction.base !== Register.EIP) return '';
  if (!instruction.operandKind.includes(OperandKind.Memory)) return '';
  const bits = instruction.base === Register.EIP ? 32 : 64;
  const target = BigInt.asUintN(bits, nextAddress(instruction, address) + BigInt(instruction.displacement));
  return `        # ${withSymbol(target, symbol)}`;
}

/** The address of a memory operand without base and index, in the address size. */
export function absoluteText(instruction: Instruction): string {
  return hex(BigInt.asUintN(instruction.addressSize * 8, wide(instruction.displacement, instruction.displacementHigh)));
}

/** A register operand's name: an x87 register is st where the opcode implies it, st(0) where ModRM names it. */
export function registerText(instruction: Instruction, operand: number): string {
  const register = instruction.operandRegister[operand]!;
  if (registerClass(register) !== RegisterClass.St) return registerName(register);
  const code = tables.formOperands[instruction.form * MAX_OPERANDS + operand]!;
  const implied = ((code >> OPERAND_METHOD_SHIFT) & 0xff) === Method.Fixed;
  return implied ? 'st' : `st(${register & 15})`;
}

/** True for memory whose SIB byte says "no index" without need: objdump shows it as %riz. */
export function hasPseudoIndex(instruction: Instruction): boolean {
  if (
    instruction.addressSize === 2 ||
    instruction.modrm < 0 ||
    (instruction.modrm & 7) !== 4 ||
    instruction.index !== Register.None
  )
    return false;
  if (instruction.base === Register.None) return instruction.mode !== 64 || instruction.scale !== 0;
  return (instruction.base & 7) !== 4 || instruction.scale !== 0;
}

const comparisons = 'eq lt le unord neq nlt nle ord'.split(' ');
const vexComparisons = (
  'eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s ' +
  'eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us'
).split(' ');
const multiplications: Readonly<Record<number, string>> = { 0: 'lql', 1: 'hql', 16: 'lqh', 17: 'hqh' };

/**
 * Mnemonics that stand for an immediate, as CMPEQPS for CMPPS with 0. Returns undefined when this instruction has none;
 * otherwise the immediate is not printed.
 */
export function pseudoMnemonic(instruction: Instruction): string | undefined {
  const name = mnemonicName(instruction.mnemonic).toLowerCase();
  const last = instruction.operandCount - 1;
  if (last < 0 || instruction.operandKind[last] !== OperandKind.Immediate) return undefined;
  const immediate = instruction.immediateLow;
  let match = /^cmp([ps][sd])$/.exec(name);
  if (match !== null && instruction.operandCount === 3)
    return immediate < 8 ? `cmp${comparisons[immediate]}${match[1]}` : undefined;
  match = /^vcmp([ps][sd])$/.exec(name);
  if (match !== null) return immediate < 32 ? `vcmp${vexComparisons[immediate]}${match[1]}` : undefined;
  match = /^(v?pclmul)qdq$/.exec(name);
  if (match !== null) {
    const which = multiplications[immediate];
    return which === undefined ? undefined : `${match[1]}${which}qdq`;
  }
  return undefined;
}

const stringMnemonics: ReadonlySet<number> = new Set([
  Mnemonic.Movsb,
  Mnemonic.Movsw,
  Mnemonic.Movsd,
  Mnemonic.Movsq,
  Mnemonic.Cmpsb,
  Mnemonic.Cmpsw,
  Mnemonic.Cmpsd,
  Mnemonic.Cmpsq,
  Mnemonic.Scasb,
  Mnemonic.Scasw,
  Mnemonic.Scasd,
  Mnemonic.Scasq,
  Mnemonic.Stosb,
  Mnemonic.Stosw,
  Mnemonic.Stosd,
  Mnemonic.Stosq,
  Mnemonic.Lodsb,
  Mnemonic.Lodsw,
  Mnemonic.Lodsd,
  Mnemonic.Lodsq,
  Mnemonic.Insb,
  Mnemonic.Insw,
  Mnemonic.Insd,
  Mnemonic.Outsb,
  Mnemonic.Outsw,
  Mnemonic.Outsd,
]);

export function isStringInstruction(instruction: Instruction): boolean {
  return (
    stringMnemonics.has(instruction.mnemonic) &&
    instruction.operandKind.some((kind) => kind >= OperandKind.StringSource)
  );
}

const comparesStrings = /^(Cmps|Scas)[bwdq]$/;

/** Whether the last segment prefix shows in a memory operand, or is dropped there as one without effect. */
function segmentShows(instruction: Instruction): boolean {
  const { operandKind } = instruction;
  if (operandKind.includes(OperandKind.StringSource) || instruction.mnemonic === Mnemonic.Xlatb) return true;
  return operandKind.includes(OperandKind.Memory) && instruction.segmentOverridden;
}

/** Prefixes as words, in objdump's order; `hints`: branch hints are a suffix of the mnemonic instead. */
export function prefixText(instruction: Instruction, hints: boolean): string {
  const { prefixes, mode } = instruction;
  const words: string[] = [];
  const mandatory = (prefixes & Prefix.Mandatory) !== 0;
  const mandatoryRep = mandatory && (prefixes & (Prefix.Rep | Prefix.Repne)) !== 0;
  const spare = instruction.operandSizePrefixes - (usesOperandSize(instruction) ? 1 : 0);
  for (let i = 0; i < spare; i++) words.push(mode === 16 ? 'data32' : 'data16');
  if (prefixes & Prefix.Notrack) words.push('notrack');
  else if (
    instruction.segmentPrefix !== 0 &&
    !segmentShows(instruction) &&
    !(hints && branchHint(instruction) !== '')
  ) {
    words.push(registerName(instruction.segmentPrefix));
  }
  if (prefixes & Prefix.Xacquire) words.push('xacquire');
  if (prefixes & Prefix.Xrelease) words.push('xrelease');
  if (prefixes & Prefix.Lock) words.push('lock');
  if (prefixes & (Prefix.Xacquire | Prefix.Xrelease)) return `${words.join(' ')} `;
  if (!mandatoryRep && prefixes & Prefix.Rep) {
    const name = mnemonicName(instruction.mnemonic);
    words.push(isStringInstruction(instruction) && !comparesStrings.test(name) ? 'rep' : 'repz');
  }
  if (!mandatoryRep && prefixes & Prefix.Repne) {
    words.push(
      prefixes & Prefix.Bnd && !/^(Loop|J[er]?cxz)/.test(mnemonicName(instruction.mnemonic)) ? 'bnd' : 'repnz',
    );
  }
  return words.length === 0 ? '' : `${words.join(' ')} `;
}

/** `,pn` and `,pt`: CS and DS before a conditional branch say "not taken" and "taken". */
export function branchHint(instruction: Instruction): string {
  if (tables.facts[tables.formFacts[instruction.form]!]!.flow !== FlowControl.ConditionalBranch) return '';
  if (instruction.segmentPrefix === Register.CS) return ',pn';
  return instruction.segmentPrefix === Register.DS ? ',pt' : '';
}

const sizedByOperandSize: ReadonlySet<number> = new Set(
  (['v', 'z', 'p', 'vv', 'env', 'save'] as const).map((name) => sizeNames.indexOf(name)),
);

/** Mnemonics without operands that show the operand size, and those that have it as a suffix. */
const implicitlySized =
  /^(Cbw|Cwde?|Cdqe?|Cqo|Pushf[dq]?|Popf[dq]?|Pushad?|Popad?|Iret[dq]?|Retf|Leave|Enter|Sysretq?|Sysexitq?|(Movs|Cmps|Stos|Lods|Scas|Ins|Outs)[wdq]|Push|Pop|Nop|Movsxd|Loop.*)$/;

/** Whether the 66 prefix shows in the mnemonic or the operands. */
export function usesOperandSize(instruction: Instruction): boolean {
  const { prefixes, form } = instruction;
  if ((prefixes & Prefix.OperandSize) === 0) return false;
  if (prefixes & Prefix.Mandatory && (prefixes & (Prefix.Rep | Prefix.Repne)) === 0) return true;
  if (prefixes & Prefix.W || instruction.operandSize !== (instruction.mode === 16 ? 4 : 2)) return false;
  for (let i = 0; i < instruction.operandCount; i++) {
    const code = tables.formOperands[form * MAX_OPERANDS + i]!;
    if (sizedByOperandSize.has((code >> OPERAND_SIZE_SHIFT) & 0xff) || sizedByOperandSize.has(code & 0xff)) {
      if (((code >> OPERAND_METHOD_SHIFT) & 0xff) !== Method.Fixed) return true;
    }
  }
  return implicitlySized.test(mnemonicName(instruction.mnemonic));
}

/** CALL and JMP through a far pointer in memory. */
export function isFarIndirect(instruction: Instruction): boolean {
  const reg = (instruction.modrm >> 3) & 7;
  return instruction.operandKind[0] === OperandKind.Memory && (reg === 3 || reg === 5);
}
