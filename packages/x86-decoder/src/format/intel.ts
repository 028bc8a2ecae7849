import { OperandKind, Prefix, type Instruction } from '../instruction.js';
import { Mnemonic, mnemonicName } from '../mnemonic.js';
import { Register, registerName } from '../register.js';
import {
  absoluteText,
  branchText,
  hasPseudoIndex,
  hex,
  immediateText,
  isFarIndirect,
  prefixText,
  pseudoMnemonic,
  registerText,
  ripComment,
  signedHex,
  usesOperandSize,
  type Symbolizer,
} from './text.js';

/** Intel syntax, as `objdump -d -M intel` of binutils 2.40 prints it. */

const spelling: Readonly<Record<string, string>> = {
  wait: 'fwait',
  sal: 'shl',
  xlatb: 'xlat',
  reservednop: 'nop',
  pushad: 'pusha',
  popad: 'popa',
  pushfd: 'pushf',
  pushfq: 'pushf',
  popfd: 'popf',
  popfq: 'popf',
  iretd: 'iret',
  sysret: 'sysretd',
  sysexit: 'sysexitd',
  fneni: 'fneni(8087 only)',
  fndisi: 'fndisi(8087 only)',
  fnsetpm: 'fnsetpm(287 only)',
};

const sizeWords: Readonly<Record<number, string>> = {
  1: 'BYTE PTR ',
  2: 'WORD PTR ',
  4: 'DWORD PTR ',
  6: 'FWORD PTR ',
  8: 'QWORD PTR ',
  10: 'TBYTE PTR ',
  16: 'XMMWORD PTR ',
  32: 'YMMWORD PTR ',
};

/** Memory without a size word: an address or a structure. */
const unsized =
  /^(Lea|[SL][gi]dt|Bound|Fn?(ld|st)env|Fn?save|Frstor|Fx.*|Xsave.*|Xrstor.*|Movdir64b|Enqcmds?|Inv(ept|vpid|pcid)|Lddqu|Vlddqu|Umonitor)$/;

function mnemonicText(instruction: Instruction): string {
  const pseudo = pseudoMnemonic(instruction);
  if (pseudo !== undefined) return pseudo;
  const { mnemonic, operandKind, operandSizes } = instruction;
  const name = mnemonicName(mnemonic).toLowerCase();
  const isString = operandKind[0]! >= OperandKind.StringSource || operandKind[1]! >= OperandKind.StringSource;
  if (isString) return name.slice(0, -1);
  switch (mnemonic) {
    case Mnemonic.Mov:
      if (operandKind.includes(OperandKind.Memory) && instruction.modrm < 0 && instruction.displacementSize === 8)
        return 'movabs';
      if (operandKind[1] === OperandKind.Immediate && operandSizes[1] === 8 && instruction.modrm < 0) return 'movabs';
      break;
    case Mnemonic.Nop:
      if (instruction.modrm < 0 && usesOperandSize(instruction)) return 'xchg';
      break;
    case Mnemonic.Push:
      if (operandKind[0] === OperandKind.Immediate && usesOperandSize(instruction))
        return instruction.operandSize === 2 ? 'pushw' : 'pushd';
      break;
    case Mnemonic.Leave:
    case Mnemonic.Enter:
    case Mnemonic.Iret:
    case Mnemonic.Iretd:
    case Mnemonic.Pushf:
    case Mnemonic.Pushfd:
    case Mnemonic.Popf:
    case Mnemonic.Popfd:
    case Mnemonic.Pusha:
    case Mnemonic.Pushad:
    case Mnemonic.Popa:
    case Mnemonic.Popad:
    case Mnemonic.Retf:
      if (mnemonic === Mnemonic.Retf && instruction.prefixes & Prefix.W) return 'retfq';
      return `${spelling[name] ?? name}${
        usesOperandSize(instruction) ? (instruction.operandSize === 2 ? 'w' : 'd') : ''
      }`;
  }
  return spelling[name] ?? name;
}

function memoryText(instruction: Instruction): string {
  const { base, index } = instruction;
  const segment = instruction.segmentOverridden ? `${registerName(instruction.segment)}:` : '';
  if (base === Register.None && index === Register.None && !hasPseudoIndex(instruction)) {
    return `${segment === '' ? 'ds:' : segment}${absoluteText(instruction)}`;
  }
  const parts: string[] = [];
  if (base !== Register.None) parts.push(registerName(base));
  if (index !== Register.None)
    parts.push(registerName(index) + (instruction.addressSize === 2 ? '' : `*${1 << instruction.scale}`));
  else if (hasPseudoIndex(instruction))
    parts.push(`${instruction.addressSize === 8 ? 'riz' : 'eiz'}*${1 << instruction.scale}`);
  let displacement = '';
  if (instruction.displacementSize !== 0) {
    displacement = signedHex(instruction.displacement);
    if (base === Register.RIP) displacement = `+${hex(BigInt.asUintN(64, BigInt(instruction.displacement)))}`;
    else if (instruction.displacement >= 0) displacement = `+${displacement}`;
  }
  return `${segment}[${parts.join('+')}${displacement}]`;
}

function stringText(instruction: Instruction, operand: number): string {
  const source = instruction.operandKind[operand] === OperandKind.StringSource;
  const names = source ? ['si', 'esi', 'rsi'] : ['di', 'edi', 'rdi'];
  const register = names[instruction.addressSize === 2 ? 0 : instruction.addressSize === 4 ? 1 : 2]!;
  const size = sizeWords[instruction.operandSizes[operand]!] ?? '';
  return `${size}${source ? registerName(instruction.segment) : 'es'}:[${register}]`;
}

function sizeWord(instruction: Instruction, operand: number): string {
  const name = mnemonicName(instruction.mnemonic);
  if (unsized.test(name)) return '';
  if (instruction.mnemonic === Mnemonic.Mov && instruction.modrm < 0) return '';
  if (instruction.mnemonic === Mnemonic.Invlpg) return 'BYTE PTR ';
  if (instruction.mnemonic === Mnemonic.Cmpxchg16b) return 'OWORD PTR ';
  if (instruction.mnemonic === Mnemonic.Reservednop || instruction.mnemonic === Mnemonic.Nop)
    return sizeWords[instruction.operandSize] ?? '';
  if ((instruction.mnemonic === Mnemonic.Call || instruction.mnemonic === Mnemonic.Jmp) && isFarIndirect(instruction)) {
    return instruction.operandSizes[operand] === 4 ? 'DWORD PTR ' : 'FWORD PTR ';
  }
  return sizeWords[instruction.operandSizes[operand]!] ?? '';
}

function operandText(
  instruction: Instruction,
  operand: number,
  address: bigint,
  symbol: Symbolizer | undefined,
): string {
  const { mnemonic } = instruction;
  switch (instruction.operandKind[operand]) {
    case OperandKind.Register: {
      const register = instruction.operandRegister[operand]!;
      if (mnemonic === Mnemonic.Lldt || mnemonic === Mnemonic.Ltr || mnemonic === Mnemonic.Arpl)
        return registerName(Register.AX + (register & 15));
      return registerText(instruction, operand);
    }
    case OperandKind.Memory:
      if (mnemonic === Mnemonic.Xlatb)
        return `BYTE PTR ${registerName(instruction.segment)}:[${registerName(instruction.base)}]`;
      if (mnemonic === Mnemonic.Maskmovq || mnemonic === Mnemonic.Maskmovdqu || mnemonic === Mnemonic.Vmaskmovdqu)
        return '';
      return sizeWord(instruction, operand) + memoryText(instruction);
    case OperandKind.Immediate:
      if ((instruction.opcode & 0xfe) === 0xd0 && instruction.operandSizes[operand] === 1 && isShift(instruction))
        return '1';
      return immediateText(instruction, operand);
    case OperandKind.Immediate2:
      return immediateText(instruction, operand);
    case OperandKind.Branch:
      return branchText(instruction, operand, address, symbol);
    case OperandKind.FarPointer:
      return `0x${instruction.immediate2.toString(16)}:0x${(instruction.immediateLow >>> 0).toString(16)}`;
    case OperandKind.StringSource:
    case OperandKind.StringDestination:
      return stringText(instruction, operand);
    default:
      return '';
  }
}

/** D0 and D1, whose count of 1 the opcode implies. */
function isShift(instruction: Instruction): boolean {
  return /^(Ro|Rc|Sh|Sa)[lr]$/.test(mnemonicName(instruction.mnemonic));
}

function isWritten(instruction: Instruction, operand: number, text: string): boolean {
  if (text === '') return false;
  if (pseudoMnemonic(instruction) !== undefined && instruction.operandKind[operand] === OperandKind.Immediate)
    return false;
  switch (instruction.mnemonic) {
    case Mnemonic.Reservednop:
      return operand === 0;
    case Mnemonic.Fxch:
    case Mnemonic.Fcom:
    case Mnemonic.Fcomp:
    case Mnemonic.Fucom:
    case Mnemonic.Fucomp:
      return !(operand === 0 && instruction.operandRegister[0] === Register.ST0 && instruction.operandCount === 2);
    default:
      return true;
  }
}

function impliedOperands(instruction: Instruction): string {
  switch (instruction.mnemonic) {
    case Mnemonic.Sha256rnds2:
    case Mnemonic.Pblendvb:
    case Mnemonic.Blendvps:
    case Mnemonic.Blendvpd:
      return 'xmm0';
    case Mnemonic.Nop:
      if (instruction.modrm >= 0 || !usesOperandSize(instruction)) return '';
      return instruction.operandSize === 2 ? 'ax,ax' : 'eax,eax';
    default:
      return '';
  }
}

export function formatIntel(instruction: Instruction, address: bigint, symbol: Symbolizer | undefined): string {
  const operands: string[] = [];
  for (let i = 0; i < instruction.operandCount; i++) {
    const text = operandText(instruction, i, address, symbol);
    if (isWritten(instruction, i, text)) operands.push(text);
  }
  const implied = impliedOperands(instruction);
  if (implied !== '') operands.push(implied);
  const words = prefixText(instruction, false) + mnemonicText(instruction);
  if (operands.length === 0) return words;
  return `${words.padEnd(6)} ${operands.join(',')}${ripComment(instruction, address, symbol)}`;
}
