import { OperandKind, Prefix, type Instruction } from '../instruction.js';
import { Mnemonic, mnemonicName } from '../mnemonic.js';
import { Register, registerClass, RegisterClass, registerName } from '../register.js';
import {
  absoluteText,
  branchHint,
  branchText,
  hasPseudoIndex,
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

/** AT&T syntax, as `objdump -d` of binutils 2.40 prints it. */

/** Mnemonics that AT&T spells in its own way. */
const spelling: Readonly<Record<string, string>> = {
  cbw: 'cbtw',
  cwde: 'cwtl',
  cdqe: 'cltq',
  cwd: 'cwtd',
  cdq: 'cltd',
  cqo: 'cqto',
  wait: 'fwait',
  xlatb: 'xlat',
  sal: 'shl',
  retf: 'lret',
  iretd: 'iret',
  pushfd: 'pushf',
  pushfq: 'pushf',
  popfd: 'popf',
  popfq: 'popf',
  sysret: 'sysretl',
  sysexit: 'sysexitl',
  pushad: 'pusha',
  popad: 'popa',
  fneni: 'fneni(8087 only)',
  fndisi: 'fndisi(8087 only)',
  fnsetpm: 'fnsetpm(287 only)',
};

const suffixes: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' };

/** Mnemonics without an operand-size suffix though their only operand is memory. */
const unsuffixed =
  /^(push|pop|call|jmp|lea|lgdt|lidt|sgdt|sidt|lldt|ltr|sldt|str|lmsw|smsw|ver[rw]|set.*|cmpxchg(8|16)b|f.*|prefetch.*|clflush(opt)?|clwb|cldemote|invlpg|ldmxcsr|stmxcsr|v.*|xsave.*|xrstor.*|rstorssp|clrssbsy|ud[01]|in|out|prefetchw?)$/;

/** Instructions whose mnemonic always carries the size. */
function sizeSuffix(instruction: Instruction, name: string): string {
  const { mnemonic, operandKind, operandSizes, operandCount } = instruction;
  const memory = operandKind.indexOf(OperandKind.Memory);
  switch (mnemonic) {
    case Mnemonic.Push:
      return operandKind[0] === OperandKind.Immediate && usesOperandSize(instruction)
        ? suffixes[instruction.operandSize]!
        : '';
    case Mnemonic.Crc32:
      return suffixes[operandSizes[1]!]!;
    case Mnemonic.Cvtsi2ss:
    case Mnemonic.Cvtsi2sd:
    case Mnemonic.Vcvtsi2ss:
    case Mnemonic.Vcvtsi2sd:
    case Mnemonic.Ptwrite:
      return memory >= 0 ? suffixes[operandSizes[memory]!]! : '';
    case Mnemonic.Vcvtpd2ps:
    case Mnemonic.Vcvtpd2dq:
    case Mnemonic.Vcvttpd2dq:
      return memory >= 0 ? (instruction.prefixes & Prefix.VexL ? 'y' : 'x') : '';
    case Mnemonic.Xlatb:
      return '';
    case Mnemonic.Retf:
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
      if (mnemonic === Mnemonic.Retf && instruction.prefixes & Prefix.W) return 'q';
      return usesOperandSize(instruction) ? suffixes[instruction.operandSize]! : '';
  }
  if (memory < 0 || unsuffixed.test(name)) return '';
  // A register operand, other than a shift count, says the size already.
  for (let i = 0; i < operandCount; i++) {
    if (
      operandKind[i] === OperandKind.Register &&
      !(i > 0 && instruction.operandRegister[i] === Register.CL && /^(ro|rc|sh|sa)/.test(name))
    )
      return '';
  }
  return suffixes[operandSizes[memory]!] ?? '';
}

/** fld: s l t by real size; fild and its like: s l ll by integer size. */
function x87Suffix(name: string, size: number): string {
  if (/^f(ldenv|ldcw|nst|bld|bstp|rstor|nsave|xsave|xrstor|emms)/.test(name)) return '';
  if (/^fi/.test(name)) return size === 2 ? 's' : size === 4 ? 'l' : 'll';
  return size === 4 ? 's' : size === 8 ? 'l' : 't';
}

const reversed: Readonly<Record<string, string>> = {
  fsub: 'fsubr',
  fsubr: 'fsub',
  fdiv: 'fdivr',
  fdivr: 'fdiv',
  fsubp: 'fsubrp',
  fsubrp: 'fsubp',
  fdivp: 'fdivrp',
  fdivrp: 'fdivp',
};

function mnemonicText(instruction: Instruction): string {
  const pseudo = pseudoMnemonic(instruction);
  if (pseudo !== undefined) return pseudo;
  const { mnemonic, operandKind, operandSizes } = instruction;
  const name = mnemonicName(mnemonic).toLowerCase();
  switch (mnemonic) {
    case Mnemonic.Movzx:
    case Mnemonic.Movsx:
      return `mov${mnemonic === Mnemonic.Movzx ? 'z' : 's'}${suffixes[operandSizes[1]!]}${suffixes[operandSizes[0]!]}`;
    case Mnemonic.Movsxd:
      return operandSizes[0] === 8 ? 'movslq' : 'movsxd';
    case Mnemonic.Mov:
      if (instruction.displacementSize === 8 && operandKind.includes(OperandKind.Memory) && instruction.modrm < 0)
        return 'movabs';
      if (operandKind[1] === OperandKind.Immediate && operandSizes[1] === 8 && instruction.modrm < 0) return 'movabs';
      break;
    case Mnemonic.Stosb:
    case Mnemonic.Stosw:
    case Mnemonic.Stosd:
    case Mnemonic.Stosq:
    case Mnemonic.Lodsb:
    case Mnemonic.Lodsw:
    case Mnemonic.Lodsd:
    case Mnemonic.Lodsq:
    case Mnemonic.Scasb:
    case Mnemonic.Scasw:
    case Mnemonic.Scasd:
    case Mnemonic.Scasq:
      return name.slice(0, 4);
    case Mnemonic.Movsd:
    case Mnemonic.Cmpsd:
      if (operandKind[0]! >= OperandKind.StringSource) return `${name.slice(0, 4)}l`;
      break;
    case Mnemonic.Insd:
    case Mnemonic.Outsd:
      return `${name.slice(0, -1)}l`;
    case Mnemonic.Call:
    case Mnemonic.Jmp:
      if (operandKind[0] === OperandKind.FarPointer || isFarIndirect(instruction)) return `l${name}`;
      break;
    case Mnemonic.Nop:
      // 66 90 is XCHG AX,AX: compilers pad with it.
      if (instruction.modrm < 0 && usesOperandSize(instruction)) return 'xchg';
      break;
    case Mnemonic.Reservednop:
      return operandKind[0] === OperandKind.Memory ? `nop${suffixes[operandSizes[0]!]}` : 'nop';
  }
  if (/^f/.test(name) && !/^fx(save|rstor)/.test(name)) {
    const memory = operandKind[0] === OperandKind.Memory;
    if (memory) return `${name}${x87Suffix(name, operandSizes[0]!)}`;
    // AT&T's assembler has fsub and fsubr the wrong way round when the destination isn't the top of the stack.
    if (instruction.operandCount === 2 && instruction.operandRegister[1] === Register.ST0)
      return reversed[name] ?? name;
    return spelling[name] ?? name;
  }
  return `${spelling[name] ?? name}${sizeSuffix(instruction, name)}`;
}

function memoryText(instruction: Instruction): string {
  const { base, index } = instruction;
  const segment = instruction.segmentOverridden ? `%${registerName(instruction.segment)}:` : '';
  if (base === Register.None && index === Register.None && !hasPseudoIndex(instruction)) {
    const signed = instruction.addressSize === 2 && instruction.modrm >= 0;
    return segment + (signed ? signedHex(instruction.displacement) : absoluteText(instruction));
  }
  const displacement = instruction.displacementSize === 0 ? '' : signedHex(instruction.displacement);
  const baseText = base === Register.None ? '' : `%${registerName(base)}`;
  let text = baseText;
  if (index !== Register.None) {
    text += `,%${registerName(index)}`;
    if (instruction.addressSize !== 2) text += `,${1 << instruction.scale}`;
  } else if (hasPseudoIndex(instruction)) {
    text += `,%${instruction.addressSize === 8 ? 'riz' : 'eiz'},${1 << instruction.scale}`;
  }
  return `${segment}${displacement}(${text})`;
}

function stringText(instruction: Instruction, operand: number): string {
  const source = instruction.operandKind[operand] === OperandKind.StringSource;
  const names = source ? ['%si', '%esi', '%rsi'] : ['%di', '%edi', '%rdi'];
  const register = names[instruction.addressSize === 2 ? 0 : instruction.addressSize === 4 ? 1 : 2]!;
  return `%${source ? registerName(instruction.segment) : 'es'}:(${register})`;
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
      if (registerClass(register) === RegisterClass.Debug) return `%db${register & 15}`;
      // These only take 16 bits, whatever the operand size.
      if (mnemonic === Mnemonic.Lldt || mnemonic === Mnemonic.Ltr || mnemonic === Mnemonic.Arpl)
        return `%${registerName(Register.AX + (register & 15))}`;
      const text = `%${registerText(instruction, operand)}`;
      if (mnemonic === Mnemonic.Call || mnemonic === Mnemonic.Jmp) return `*${text}`;
      if (register === Register.DX && isPortOperand(mnemonic)) return `(${text})`;
      return text;
    }
    case OperandKind.Memory:
      if (mnemonic === Mnemonic.Xlatb)
        return `%${registerName(instruction.segment)}:(%${registerName(instruction.base)})`;
      if (mnemonic === Mnemonic.Maskmovq || mnemonic === Mnemonic.Maskmovdqu || mnemonic === Mnemonic.Vmaskmovdqu)
        return '';
      return mnemonic === Mnemonic.Call || mnemonic === Mnemonic.Jmp
        ? `*${memoryText(instruction)}`
        : memoryText(instruction);
    case OperandKind.Immediate:
    case OperandKind.Immediate2:
      return `$${immediateText(instruction, operand)}`;
    case OperandKind.Branch:
      return branchText(instruction, operand, address, symbol);
    case OperandKind.FarPointer:
      return `$0x${instruction.immediate2.toString(16)},$0x${(instruction.immediateLow >>> 0).toString(16)}`;
    case OperandKind.StringSource:
    case OperandKind.StringDestination:
      return stringText(instruction, operand);
    default:
      return '';
  }
}

function isPortOperand(mnemonic: number): boolean {
  switch (mnemonic) {
    case Mnemonic.In:
    case Mnemonic.Out:
    case Mnemonic.Insb:
    case Mnemonic.Insw:
    case Mnemonic.Insd:
    case Mnemonic.Outsb:
    case Mnemonic.Outsw:
    case Mnemonic.Outsd:
      return true;
    default:
      return false;
  }
}

/** Operands that the machine implies and AT&T doesn't write. */
function isWritten(instruction: Instruction, operand: number, text: string): boolean {
  if (text === '') return false;
  const { mnemonic, operandKind, operandRegister } = instruction;
  if (pseudoMnemonic(instruction) !== undefined && operandKind[operand] === OperandKind.Immediate) return false;
  switch (mnemonic) {
    case Mnemonic.Rol:
    case Mnemonic.Ror:
    case Mnemonic.Rcl:
    case Mnemonic.Rcr:
    case Mnemonic.Shl:
    case Mnemonic.Shr:
    case Mnemonic.Sal:
    case Mnemonic.Sar:
      // D0 and D1 shift by an implied 1.
      return !(operandKind[operand] === OperandKind.Immediate && (instruction.opcode & 0xfe) === 0xd0);
    case Mnemonic.Reservednop:
      return operand === 0;
    case Mnemonic.Fxch:
    case Mnemonic.Fcom:
    case Mnemonic.Fcomp:
    case Mnemonic.Fucom:
    case Mnemonic.Fucomp:
      return !(operand === 0 && operandRegister[0] === Register.ST0 && instruction.operandCount === 2);
    default:
      return true;
  }
}

/** Operands that only the manual's prose names, last one first; the first is rAX of the address size, or EAX. */
const impliedOperands: Readonly<Record<number, string>> = {
  [Mnemonic.Monitor]: '%edx %ecx',
  [Mnemonic.Monitorx]: '%edx %ecx',
  [Mnemonic.Mwait]: '%ecx',
  [Mnemonic.Mwaitx]: '%ebx %ecx',
};
const addressed: ReadonlySet<number> = new Set([Mnemonic.Monitor, Mnemonic.Monitorx]);

function accumulator(instruction: Instruction): string {
  return instruction.addressSize === 8 ? '%rax' : instruction.addressSize === 4 ? '%eax' : '%ax';
}

/** Instructions whose implied XMM0 is written. */
const takesXmm0: ReadonlySet<number> = new Set([
  Mnemonic.Sha256rnds2,
  Mnemonic.Pblendvb,
  Mnemonic.Blendvps,
  Mnemonic.Blendvpd,
]);

const sourceFirst: ReadonlySet<number> = new Set([Mnemonic.Enter, Mnemonic.Bound]);

export function formatAtt(instruction: Instruction, address: bigint, symbol: Symbolizer | undefined): string {
  const operands: string[] = [];
  for (let i = 0; i < instruction.operandCount; i++) {
    const text = operandText(instruction, i, address, symbol);
    if (isWritten(instruction, i, text)) operands.push(text);
  }
  if (takesXmm0.has(instruction.mnemonic)) operands.push('%xmm0');
  const implied = impliedOperands[instruction.mnemonic];
  if (implied !== undefined)
    operands.push(...implied.split(' '), addressed.has(instruction.mnemonic) ? accumulator(instruction) : '%eax');
  if (instruction.mnemonic === Mnemonic.Nop && instruction.modrm < 0 && usesOperandSize(instruction)) {
    const register = instruction.operandSize === 2 ? '%ax' : '%eax';
    operands.push(register, register);
  }
  if (!sourceFirst.has(instruction.mnemonic)) operands.reverse();
  const mnemonic = mnemonicText(instruction);
  const words = prefixText(instruction, true) + mnemonic + branchHint(instruction);
  if (operands.length === 0) return words;
  return `${words.padEnd(6)} ${operands.join(',')}${ripComment(instruction, address, symbol)}`;
}
