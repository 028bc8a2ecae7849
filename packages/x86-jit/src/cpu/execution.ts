import { OperandKind, registerClass, RegisterClass, registerNumber, type Instruction } from '@pckit/x86-decoder';
import { Segment, State } from '../state-layout.js';
import type { CpuState } from './cpu-state.js';

/** What an instruction implemented in TypeScript works on. One object per vCPU, filled before each instruction. */
export class Execution<System = unknown> {
  instruction!: Instruction;
  /** The predecoded record, which the effective address is computed from. */
  record = 0;

  constructor(
    readonly cpu: CpuState,
    readonly system: System,
  ) {}

  /** Instruction pointer (not linear) after this instruction. `State.rip` holds its linear address while the instruction executes. */
  get nextIp(): bigint {
    const { cpu } = this;
    return cpu.code64 ? cpu.u64(State.rip) : (cpu.u64(State.rip) - cpu.segmentBase(1)) & 0xffffffffn;
  }

  isMemory(index: number): boolean {
    return this.instruction.operandKind[index] === OperandKind.Memory;
  }
  /** Linear address of the memory operand, checked. */
  address(size: number, write: boolean): bigint {
    return this.cpu.operandAddress(this.record, size, write);
  }

  /** Linear address of the memory operand without access checks (INVLPG). */
  effectiveLinear(): bigint {
    const { instruction, cpu } = this;
    const part = (register: number): bigint => (register === 0 ? 0n : registerClass(register) === RegisterClass.InstructionPointer ? cpu.u64(State.rip) : cpu.gpr(registerNumber(register)));
    let offset = part(instruction.base) + (part(instruction.index) << BigInt(instruction.scale)) + ((BigInt(instruction.displacementHigh) << 32n) | BigInt(instruction.displacement >>> 0));
    offset = BigInt.asUintN(instruction.addressSize * 8, offset);
    const segment = registerNumber(instruction.segment);
    const base = cpu.code64 && segment < 4 ? 0n : cpu.segmentBase(segment);
    return BigInt.asUintN(cpu.code64 ? 64 : 32, base + offset);
  }

  /** Reads operand `index` (general register, memory of 1..8 bytes, immediate), zero-extended. */
  read(index: number): bigint {
    const { instruction, cpu } = this;
    const size = instruction.operandSizes[index] as number;
    const kind = instruction.operandKind[index];
    if (kind === OperandKind.Register) {
      const register = instruction.operandRegister[index] as number;
      const number = registerNumber(register);
      const value = cpu.gpr(number);
      if (registerClass(register) === RegisterClass.R8High) return (value >> 8n) & 0xffn;
      if (registerClass(register) === RegisterClass.Segment) return BigInt(cpu.u32(State.segments + number * Segment.size + Segment.selector));
      return BigInt.asUintN(size * 8, value);
    }
    if (kind === OperandKind.Memory) return cpu.load(this.address(size, false), size);
    return BigInt.asUintN(64, (BigInt(instruction.immediateHigh) << 32n) | BigInt(instruction.immediateLow >>> 0));
  }

  write(index: number, value: bigint): void {
    const { instruction, cpu } = this;
    const size = instruction.operandSizes[index] as number;
    if (instruction.operandKind[index] === OperandKind.Memory) {
      cpu.store(this.address(size, true), size, value);
      return;
    }
    const register = instruction.operandRegister[index] as number;
    const number = registerNumber(register);
    if (registerClass(register) === RegisterClass.R8High) cpu.setGpr(number, (cpu.gpr(number) & ~0xff00n) | ((value & 0xffn) << 8n));
    else cpu.setGprSized(number, value, size);
  }

  /** Number of register operand `index` within its class. */
  registerNumber(index: number): number {
    return registerNumber(this.instruction.operandRegister[index] as number);
  }
}

/**
 * An instruction in TypeScript. It throws `GuestFault` before it commits anything, or commits and returns; to transfer control it sets
 * `State.rip` (linear).
 */
export type Implementation<System = unknown> = (x: Execution<System>) => void;

/** Implementations by the decoder's mnemonic number. */
export type Implementations<System = unknown> = Map<number, Implementation<System>>;
