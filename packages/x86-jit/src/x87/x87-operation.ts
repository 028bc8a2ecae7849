/**
 * From opcode to instruction (SDM vol. 2, tables A-7 to A-22 "Escape Opcodes"), and the entry point `executeX87`.
 *
 * Also here are the undocumented aliases that processors execute: DC D0 FCOM, DC D8 FCOMP, DD C8 FXCH, DE D0 FCOMP,
 * DF C0 FFREEP, DF C8 FXCH, DF D0 and DF D8 FSTP, D9 D8 FSTP (which, unlike DD D8, reports no stack underflow).
 */
import { unpackInteger } from '../softfloat/float-format.js';
import type { BinaryOperation } from './x87-arithmetic.js';
import {
  arithmeticMemory,
  arithmeticRegister,
  fabs,
  fadd,
  fchs,
  fdiv,
  fdivr,
  fmul,
  fprem,
  frndint,
  fscale,
  fsqrt,
  fsub,
  fsubr,
  fxtract,
} from './x87-arithmetic.js';
import { fcomi, fcomMemory, fcomRegister, ftst, fxam } from './x87-compare.js';
import {
  fldcw,
  fldenv,
  fnclex,
  fninit,
  fnsave,
  fnstcw,
  fnstenv,
  fnstswAx,
  fnstswMemory,
  frstor,
  obsolete,
} from './x87-control.js';
import type { X87Context, X87Execute, X87Outcome } from './x87-instruction.js';
import { X87_DONE, X87_PENDING, X87_UNDEFINED } from './x87-instruction.js';
import type { OperandReader } from './x87-load-store.js';
import {
  fbld,
  fbstp,
  fcmov,
  ffree,
  fild,
  fist,
  fld1,
  fldExtended,
  fldl2e,
  fldl2t,
  fldlg2,
  fldln2,
  fldMemory,
  fldpi,
  fldRegister,
  fldz,
  fnop,
  fstMemory,
  fstpExtended,
  fstpUnreported,
  fstRegister,
  fxch,
  readFloat32,
  readFloat64,
  readInteger,
  rotateStack,
  writeFloat32,
  writeFloat64,
} from './x87-load-store.js';
import { f2xm1, fcos, fpatan, fptan, fsin, fsincos, fyl2x, fyl2xp1 } from './x87-transcendental.js';
import type { X87State } from './x87-state.js';

export type X87MemoryUse = 'none' | 'load' | 'store';

/** Bytes of the memory operand. `environment`: 14 or 28, `state`: 94 or 108, by operand size. */
export type X87OperandSize = 0 | 2 | 4 | 8 | 10 | 'environment' | 'state';

export interface X87Operation {
  readonly name: string;
  readonly memory: X87MemoryUse;
  readonly size: X87OperandSize;
  /** Checks for pending exceptions first. False for the FN... forms. */
  readonly waits: boolean;
  /** FIP, FDP and FOP become this instruction's. False for control instructions. */
  readonly recordsPointers: boolean;
  readonly execute: X87Execute;
}

function operation(name: string, execute: X87Execute): X87Operation {
  return { name, memory: 'none', size: 0, waits: true, recordsPointers: true, execute };
}

function load(name: string, size: X87OperandSize, execute: X87Execute): X87Operation {
  return { name, memory: 'load', size, waits: true, recordsPointers: true, execute };
}

function store(name: string, size: X87OperandSize, execute: X87Execute): X87Operation {
  return { name, memory: 'store', size, waits: true, recordsPointers: true, execute };
}

function control(base: X87Operation): X87Operation {
  return { ...base, recordsPointers: false };
}

/** Without the check for pending exceptions: FN... */
function nonWaiting(base: X87Operation): X87Operation {
  return { ...base, waits: false, recordsPointers: false };
}

const ARITHMETIC: readonly (readonly [name: string, operation: BinaryOperation | undefined])[] = [
  ['add', fadd],
  ['mul', fmul],
  ['com', undefined],
  ['comp', undefined],
  ['sub', fsub],
  ['subr', fsubr],
  ['div', fdiv],
  ['divr', fdivr],
];

function operandReader(kind: 'f' | 'fi', size: 2 | 4 | 8): OperandReader {
  if (kind === 'f') return size === 4 ? readFloat32 : readFloat64;
  const bits = size === 2 ? 16 : 32;
  return (operand) => unpackInteger(readInteger(operand, bits));
}

/** D8, DA, DC and DE with a memory operand: the same eight operations on four operand types. */
function arithmeticWithMemory(kind: 'f' | 'fi', size: 2 | 4 | 8, reg: number): X87Operation {
  const [name, compute] = ARITHMETIC[reg]!;
  const read = operandReader(kind, size);
  return load(
    `${kind}${name}`,
    size,
    compute !== undefined
      ? arithmeticMemory(compute, read)
      : fcomMemory(read, { pops: name === 'comp' ? 1 : 0, signalQuiet: true }),
  );
}

function memoryOperation(opcode: number, reg: number): X87Operation | undefined {
  switch ((opcode << 4) | reg) {
    case 0xd90:
      return load('fld', 4, fldMemory(readFloat32));
    case 0xd92:
      return store('fst', 4, fstMemory(writeFloat32, false));
    case 0xd93:
      return store('fstp', 4, fstMemory(writeFloat32, true));
    case 0xd94:
      return control(load('fldenv', 'environment', fldenv));
    case 0xd95:
      return control(load('fldcw', 2, fldcw));
    case 0xd96:
      return nonWaiting(store('fnstenv', 'environment', fnstenv));
    case 0xd97:
      return nonWaiting(store('fnstcw', 2, fnstcw));
    case 0xdb0:
      return load('fild', 4, fild(32));
    case 0xdb1:
      return store('fisttp', 4, fist(32, true, true));
    case 0xdb2:
      return store('fist', 4, fist(32, false));
    case 0xdb3:
      return store('fistp', 4, fist(32, true));
    case 0xdb5:
      return load('fld', 10, fldExtended);
    case 0xdb7:
      return store('fstp', 10, fstpExtended);
    case 0xdd0:
      return load('fld', 8, fldMemory(readFloat64));
    case 0xdd1:
      return store('fisttp', 8, fist(64, true, true));
    case 0xdd2:
      return store('fst', 8, fstMemory(writeFloat64, false));
    case 0xdd3:
      return store('fstp', 8, fstMemory(writeFloat64, true));
    case 0xdd4:
      return control(load('frstor', 'state', frstor));
    case 0xdd6:
      return nonWaiting(store('fnsave', 'state', fnsave));
    case 0xdd7:
      return nonWaiting(store('fnstsw', 2, fnstswMemory));
    case 0xdf0:
      return load('fild', 2, fild(16));
    case 0xdf1:
      return store('fisttp', 2, fist(16, true, true));
    case 0xdf2:
      return store('fist', 2, fist(16, false));
    case 0xdf3:
      return store('fistp', 2, fist(16, true));
    case 0xdf4:
      return load('fbld', 10, fbld);
    case 0xdf5:
      return load('fild', 8, fild(64));
    case 0xdf6:
      return store('fbstp', 10, fbstp);
    case 0xdf7:
      return store('fistp', 8, fist(64, true));
  }
  switch (opcode) {
    case 0xd8:
      return arithmeticWithMemory('f', 4, reg);
    case 0xda:
      return arithmeticWithMemory('fi', 4, reg);
    case 0xdc:
      return arithmeticWithMemory('f', 8, reg);
    case 0xde:
      return arithmeticWithMemory('fi', 2, reg);
  }
  return undefined;
}

/** D9 E0 to D9 FF. */
function operandlessOperation(modrm: number): X87Operation | undefined {
  switch (modrm) {
    case 0xe0:
      return operation('fchs', fchs);
    case 0xe1:
      return operation('fabs', fabs);
    case 0xe4:
      return operation('ftst', ftst);
    case 0xe5:
      return operation('fxam', fxam);
    case 0xe8:
      return operation('fld1', fld1);
    case 0xe9:
      return operation('fldl2t', fldl2t);
    case 0xea:
      return operation('fldl2e', fldl2e);
    case 0xeb:
      return operation('fldpi', fldpi);
    case 0xec:
      return operation('fldlg2', fldlg2);
    case 0xed:
      return operation('fldln2', fldln2);
    case 0xee:
      return operation('fldz', fldz);
    case 0xf0:
      return operation('f2xm1', f2xm1);
    case 0xf1:
      return operation('fyl2x', fyl2x);
    case 0xf2:
      return operation('fptan', fptan);
    case 0xf3:
      return operation('fpatan', fpatan);
    case 0xf4:
      return operation('fxtract', fxtract);
    case 0xf5:
      return operation('fprem1', fprem(true));
    case 0xf6:
      return operation('fdecstp', rotateStack(-1));
    case 0xf7:
      return operation('fincstp', rotateStack(1));
    case 0xf8:
      return operation('fprem', fprem(false));
    case 0xf9:
      return operation('fyl2xp1', fyl2xp1);
    case 0xfa:
      return operation('fsqrt', fsqrt);
    case 0xfb:
      return operation('fsincos', fsincos);
    case 0xfc:
      return operation('frndint', frndint);
    case 0xfd:
      return operation('fscale', fscale);
    case 0xfe:
      return operation('fsin', fsin);
    case 0xff:
      return operation('fcos', fcos);
  }
  return undefined;
}

/**
 * In DC and DE the destination is ST(i), and by an accident of the 8087 FSUB and FSUBR, FDIV and FDIVR have changed
 * places.
 */
const DESTINATION_I = [0, 1, 2, 3, 5, 4, 7, 6] as const;

function arithmeticWithRegister(opcode: number, reg: number, i: number): X87Operation {
  const toTop = opcode === 0xd8;
  const pops = opcode === 0xde;
  const [name, compute] = ARITHMETIC[toTop ? reg : DESTINATION_I[reg]!]!;
  if (compute === undefined) {
    const compareAndPop = pops || name === 'comp';
    return operation(
      compareAndPop ? 'fcomp' : 'fcom',
      fcomRegister(i, { pops: compareAndPop ? 1 : 0, signalQuiet: true }),
    );
  }
  return operation(pops ? `f${name}p` : `f${name}`, arithmeticRegister(compute, toTop ? 0 : i, toTop ? i : 0, pops));
}

const FCMOV = ['b', 'e', 'be', 'u', 'nb', 'ne', 'nbe', 'nu'] as const;

function registerOperation(opcode: number, modrm: number): X87Operation | undefined {
  const reg = (modrm >> 3) & 7;
  const i = modrm & 7;
  switch ((opcode << 4) | reg) {
    case 0xd90:
      return operation('fld', fldRegister(i));
    case 0xd91:
    case 0xdd1:
    case 0xdf1:
      return operation('fxch', fxch(i));
    case 0xd92:
      return i === 0 ? operation('fnop', fnop) : undefined;
    case 0xd93:
      return operation('fstp', fstpUnreported(i));
    case 0xdd3:
    case 0xdf2:
    case 0xdf3:
      return operation('fstp', fstRegister(i, true));
    case 0xd94:
    case 0xd95:
    case 0xd96:
    case 0xd97:
      return operandlessOperation(modrm);
    case 0xda0:
    case 0xda1:
    case 0xda2:
    case 0xda3:
      return operation(`fcmov${FCMOV[reg]!}`, fcmov(FCMOV[reg]!, i));
    case 0xda5:
      return i === 1 ? operation('fucompp', fcomRegister(1, { pops: 2, signalQuiet: false })) : undefined;
    case 0xdb0:
    case 0xdb1:
    case 0xdb2:
    case 0xdb3:
      return operation(`fcmov${FCMOV[reg + 4]!}`, fcmov(FCMOV[reg + 4]!, i));
    case 0xdb4:
      return processorControl(i);
    case 0xdb5:
      return operation('fucomi', fcomi(i, { pops: 0, signalQuiet: false }));
    case 0xdb6:
      return operation('fcomi', fcomi(i, { pops: 0, signalQuiet: true }));
    case 0xdd0:
      return operation('ffree', ffree(i, false));
    case 0xdd2:
      return operation('fst', fstRegister(i, false));
    case 0xdd4:
      return operation('fucom', fcomRegister(i, { pops: 0, signalQuiet: false }));
    case 0xdd5:
      return operation('fucomp', fcomRegister(i, { pops: 1, signalQuiet: false }));
    case 0xde3:
      return i === 1 ? operation('fcompp', fcomRegister(1, { pops: 2, signalQuiet: true })) : undefined;
    case 0xdf0:
      return operation('ffreep', ffree(i, true));
    case 0xdf4:
      return i === 0 ? nonWaiting(operation('fnstsw', fnstswAx)) : undefined;
    case 0xdf5:
      return operation('fucomip', fcomi(i, { pops: 1, signalQuiet: false }));
    case 0xdf6:
      return operation('fcomip', fcomi(i, { pops: 1, signalQuiet: true }));
  }
  if (opcode === 0xd8 || opcode === 0xdc || opcode === 0xde) return arithmeticWithRegister(opcode, reg, i);
  return undefined;
}

/** DB E0 to DB E4. */
function processorControl(i: number): X87Operation | undefined {
  switch (i) {
    case 0:
      return nonWaiting(operation('fneni', obsolete));
    case 1:
      return nonWaiting(operation('fndisi', obsolete));
    case 2:
      return nonWaiting(operation('fnclex', fnclex));
    case 3:
      return nonWaiting(operation('fninit', fninit));
    case 4:
      return nonWaiting(operation('fnsetpm', obsolete));
  }
  return undefined;
}

function decode(opcode: number, modrm: number): X87Operation | undefined {
  return modrm >= 0xc0 ? registerOperation(opcode, modrm) : memoryOperation(opcode, (modrm >> 3) & 7);
}

/** All of the opcode space; memory forms once for every ModRM that has them. */
const OPERATIONS: readonly (X87Operation | undefined)[] = Array.from({ length: 8 * 256 }, (_, index) => {
  const modrm = index & 0xff;
  return decode(0xd8 + (index >> 8), modrm >= 0xc0 ? modrm : modrm & 0x38);
});

/**
 * @param opcode D8H .. DFH
 * @returns undefined where there is no instruction (#UD)
 */
export function x87Operation(opcode: number, modrm: number): X87Operation | undefined {
  if (opcode < 0xd8 || opcode > 0xdf) throw new RangeError(`x87Operation: opcode ${opcode} is not D8H to DFH`);
  return OPERATIONS[((opcode - 0xd8) << 8) | (modrm & 0xff)];
}

/** Bytes of the memory operand, 0 if there is none. */
export function x87OperandSize({ size }: X87Operation, operandSize16: boolean): number {
  if (size === 'environment') return operandSize16 ? 14 : 28;
  if (size === 'state') return operandSize16 ? 94 : 108;
  return size;
}

/**
 * Executes one instruction. A load's bytes stand in `state.operand` before; after `X87_STORE` the bytes to be stored
 * stand there.
 *
 * Registers and TOP change at once, so a caller whose store could fault translates the address for writing first.
 */
export function executeX87(state: X87State, opcode: number, modrm: number, context: X87Context): X87Outcome {
  const instruction = x87Operation(opcode, modrm);
  if (instruction === undefined) return X87_UNDEFINED;
  if (instruction.waits && state.pending) return X87_PENDING;
  if (instruction.recordsPointers) {
    state.fop = ((opcode & 7) << 8) | modrm;
    state.fip = context.instructionPointer;
    state.fcs = context.codeSelector;
    if (instruction.memory !== 'none') {
      state.fdp = context.dataPointer;
      state.fds = context.dataSelector;
    }
  }
  return instruction.execute(state, context);
}

/** FWAIT (9BH) only waits. */
export function executeFwait(state: X87State): X87Outcome {
  return state.pending ? X87_PENDING : X87_DONE;
}
