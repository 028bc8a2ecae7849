import { Mnemonic, registerNumber } from '@pckit/x86-decoder';
import { Cr0, Eflags, SegmentIndex, State, Vector } from '../state-layout.js';
import {
  executeX87,
  x87OperandSize,
  x87Operation,
  X87_OPERAND,
  X87_STORE,
  X87_STORE_AX,
  X87_STORE_FLAGS,
  X87_UNDEFINED,
  type X87Context,
} from '../x87/index.js';
import { GuestFault } from './cpu-state.js';
import type { Execution, Implementation, Implementations } from './execution.js';
import { loadBytes, prepareBytes, storeBytes } from './memory-block.js';
import type { ProcessorSystem } from './processor-system.js';
import { checkX87Available, checkX87Exception, x87States } from './x87-unit.js';

// The escape opcodes D8 to DF and WAIT: what surrounds the x87 unit in `../x87`. SDM vol. 1, chapter 8; vol. 3, 2.5.

/** Every mnemonic of the escape opcodes. */
const MNEMONICS = [
  'F2xm1', 'Fabs', 'Fadd', 'Faddp', 'Fbld', 'Fbstp', 'Fchs', 'Fcmovb', 'Fcmovbe', 'Fcmove', 'Fcmovnb', 'Fcmovnbe', 'Fcmovne', 'Fcmovnu',
  'Fcmovu', 'Fcom', 'Fcomi', 'Fcomip', 'Fcomp', 'Fcompp', 'Fcos', 'Fdecstp', 'Fdiv', 'Fdivp', 'Fdivr', 'Fdivrp', 'Ffree', 'Ffreep', 'Fiadd',
  'Ficom', 'Ficomp', 'Fidiv', 'Fidivr', 'Fild', 'Fimul', 'Fincstp', 'Fist', 'Fistp', 'Fisttp', 'Fisub', 'Fisubr', 'Fld', 'Fld1', 'Fldcw',
  'Fldenv', 'Fldl2e', 'Fldl2t', 'Fldlg2', 'Fldln2', 'Fldpi', 'Fldz', 'Fmul', 'Fmulp', 'Fnclex', 'Fndisi', 'Fneni', 'Fninit', 'Fnop', 'Fnsave',
  'Fnsetpm', 'Fnstcw', 'Fnstenv', 'Fnstsw', 'Fpatan', 'Fprem', 'Fprem1', 'Fptan', 'Frndint', 'Frstor', 'Fscale', 'Fsin', 'Fsincos', 'Fsqrt',
  'Fst', 'Fstp', 'Fstpnce', 'Fsub', 'Fsubp', 'Fsubr', 'Fsubrp', 'Ftst', 'Fucom', 'Fucomi', 'Fucomip', 'Fucomp', 'Fucompp', 'Fxam', 'Fxch',
  'Fxtract', 'Fyl2x', 'Fyl2xp1',
] as const satisfies readonly (keyof typeof Mnemonic)[];

export function x87Implementations(): Implementations<ProcessorSystem> {
  const stateOf = x87States();
  const context: X87Context = {
    eflags: 0, instructionPointer: 0n, codeSelector: 0, dataPointer: 0n, dataSelector: 0, operandSize16: false, realAddressMode: false,
  };

  const execute: Implementation<ProcessorSystem> = (x) => {
    const { cpu, instruction } = x;
    const { opcode, modrm } = instruction;
    const operation = x87Operation(opcode, modrm);
    if (operation === undefined) throw new GuestFault(Vector.UD);
    checkX87Available(cpu);
    const state = stateOf(cpu);
    const ignored = state.pending && !(cpu.cr0 & Cr0.NE);
    if (operation.waits) checkX87Exception(cpu, state);

    context.operandSize16 = instruction.operandSize === 2;
    const size = x87OperandSize(operation, context.operandSize16);
    const operand = cpu.base + State.x87 + X87_OPERAND;
    let linear = 0n;
    if (operation.memory !== 'none') {
      const write = operation.memory === 'store';
      linear = x.address(size, write);
      if (write) prepareBytes(cpu, linear, size);
      else loadBytes(cpu, linear, cpu.host.u8.subarray(operand, operand + size));
      context.dataSelector = cpu.selector(registerNumber(instruction.segment));
      context.dataPointer = offsetOf(x, linear);
    }
    context.eflags = operation.name.startsWith('fcmov') ? cpu.eflags : 0;
    context.instructionPointer = instructionPointer(x);
    context.codeSelector = cpu.selector(SegmentIndex.CS);
    context.realAddressMode = !cpu.protectedMode || cpu.v86;

    const outcome = ignored ? operation.execute(state, context) : executeX87(state, opcode, modrm, context);
    switch (outcome) {
      case X87_STORE:
        storeBytes(cpu, linear, cpu.host.u8.subarray(operand, operand + size));
        break;
      case X87_STORE_AX:
        cpu.setGprSized(0, BigInt(state.operand.getUint16(0, true)), 2);
        break;
      case X87_STORE_FLAGS:
        cpu.eflags = (cpu.eflags & ~Eflags.arithmetic) | state.operand.getUint8(0);
        break;
      case X87_UNDEFINED:
        throw new GuestFault(Vector.UD);
    }
  };

  const implementations: Implementations<ProcessorSystem> = new Map();
  for (const name of MNEMONICS) implementations.set(Mnemonic[name], execute);
  implementations.set(Mnemonic.Wait, (x) => {
    const { cpu } = x;
    if ((cpu.cr0 & (Cr0.MP | Cr0.TS)) === (Cr0.MP | Cr0.TS)) throw new GuestFault(Vector.NM);
    checkX87Exception(cpu, stateOf(cpu));
  });
  return implementations;
}

/** Of this instruction, prefixes included. */
function instructionPointer(x: Execution<ProcessorSystem>): bigint {
  return BigInt.asUintN(x.cpu.code64 ? 64 : 32, x.nextIp - BigInt(x.instruction.length));
}

/** The offset of a linear address in the memory operand's segment. */
function offsetOf(x: Execution<ProcessorSystem>, linear: bigint): bigint {
  const segment = registerNumber(x.instruction.segment);
  if (x.cpu.code64) return segment < SegmentIndex.FS ? linear : BigInt.asUintN(64, linear - x.cpu.segmentBase(segment));
  return BigInt.asUintN(32, linear - x.cpu.segmentBase(segment));
}
