import { Code, Decoder, DecoderOptions, InstructionInfoFactory, MemorySizeExt, Mnemonic } from 'iced-x86';
import { beforeEach, describe, expect, it } from 'vitest';
import { DE, PE, UE } from '../softfloat/float-environment.js';
import { float80 } from '../softfloat/float-format.js';
import type { X87Context } from './x87-instruction.js';
import { X87_DONE, X87_PENDING, X87_STORE, X87_STORE_AX, X87_STORE_FLAGS, X87_UNDEFINED } from './x87-instruction.js';
import { executeFwait, executeX87, x87Operation, x87OperandSize } from './x87-operation.js';
import { SW_C1, SW_SF, X87_STATE_SIZE, X87State } from './x87-state.js';

const context: X87Context = {
  eflags: 0,
  instructionPointer: 0x1000n,
  codeSelector: 0x10,
  dataPointer: 0x2000n,
  dataSelector: 0x18,
  operandSize16: false,
  realAddressMode: false,
};

let state: X87State;

beforeEach(() => {
  state = new X87State(new DataView(new ArrayBuffer(X87_STATE_SIZE + 64)), 64);
  state.initialize();
});

const run = (opcode: number, modrm: number) => executeX87(state, opcode, modrm, context);
const FLD1 = [0xd9, 0xe8] as const;
const FLDZ = [0xd9, 0xee] as const;
const one = float80.finite(0, 0, 1n << 63n);

describe('the opcode table', () => {
  // iced-x86 knows these spellings; the 8087's control instructions have their own, and FSTPNCE is our FSTP.
  const alias: Record<string, string> = { fstpnce: 'fstp', fstdw: '', fstsg: '', frstpm: '' };

  it('agrees with iced-x86 on every opcode, its name, and its memory operand', () => {
    const factory = new InstructionInfoFactory();
    const disagreements: string[] = [];
    for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
      for (let modrm = 0; modrm < 256; modrm++) {
        const decoder = new Decoder(64, new Uint8Array([opcode, modrm, 0x24, 0, 0, 0, 0, 0]), DecoderOptions.None);
        const decoded = decoder.decode();
        const ours = x87Operation(opcode, modrm);
        const mnemonic = decoded.code === Code.INVALID ? '' : Mnemonic[decoded.mnemonic]!.toLowerCase();
        const expected = alias[mnemonic] ?? mnemonic;
        if ((ours?.name ?? '') !== expected) {
          disagreements.push(`${opcode.toString(16)} ${modrm.toString(16)}: ${ours?.name}, iced ${expected}`);
        } else if (ours !== undefined) {
          const info = factory.info(decoded);
          const memory = info.usedMemory()[0];
          const size = memory === undefined ? 0 : MemorySizeExt.size(memory.memorySize);
          if (x87OperandSize(ours, false) !== size) {
            disagreements.push(
              `${opcode.toString(16)} ${modrm.toString(16)} ${ours.name}: ${x87OperandSize(
                ours,
                false,
              )} bytes, iced ${size}`,
            );
          }
          memory?.free();
          info.free();
        }
        decoded.free();
        decoder.free();
      }
    }
    factory.free();
    expect(disagreements).toEqual([]);
  });

  it('says #UD for what is no instruction', () => {
    expect(run(0xd9, 0xd1)).toBe(X87_UNDEFINED);
    expect(run(0xdb, 0x26)).toBe(X87_UNDEFINED);
  });
});

describe('the stack', () => {
  it('wraps, and its ninth push overflows', () => {
    for (let count = 0; count < 8; count++) run(...FLD1);
    expect(state.top).toBe(0);
    expect(state.tag).toBe(0xff);
    run(...FLD1);
    expect(state.top).toBe(7);
    expect(state.read(0)).toEqual(float80.indefinite);
    expect(state.status & (SW_SF | SW_C1 | 1)).toBe(SW_SF | SW_C1 | 1);
  });

  it('does not move on an unmasked overflow', () => {
    for (let count = 0; count < 8; count++) run(...FLD1);
    state.control = 0x037e;
    expect(run(...FLDZ)).toBe(X87_DONE);
    expect(state.top).toBe(0);
    expect(state.read(0)).toEqual(one);
    expect(state.pending).toBe(true);
  });
});

describe('an unmasked exception', () => {
  beforeEach(() => {
    run(...FLD1);
    run(...FLDZ);
    state.control = 0x037b; // ZE unmasked
    run(0xdc, 0xf9); // fdiv st(1), st: 1/0
  });

  it('waits for the next instruction that waits', () => {
    expect(state.read(1)).toEqual(one);
    expect(run(0xd9, 0xe0)).toBe(X87_PENDING); // fchs
    expect(executeFwait(state)).toBe(X87_PENDING);
    expect(state.read(0)).toEqual(float80.zero(0));
  });

  it('leaves the pointers at the instruction that raised it', () => {
    expect(state.fop).toBe(0x4f9);
    executeX87(state, 0xd9, 0xe0, { ...context, instructionPointer: 0x9999n });
    expect(state.fip).toBe(0x1000n);
  });

  it('is looked at and cleared by instructions that do not wait', () => {
    expect(run(0xdf, 0xe0)).toBe(X87_STORE_AX);
    expect(state.operand.getUint16(0, true) & 0x8084).toBe(0x8084);
    expect(run(0xdb, 0xe2)).toBe(X87_DONE); // fnclex
    expect(executeFwait(state)).toBe(X87_DONE);
  });

  it('appears when a mask goes and disappears when it comes back', () => {
    run(0xdb, 0xe2);
    state.control = 0x037f;
    run(0xdc, 0xf9);
    expect(state.pending).toBe(false);
    state.control = 0x037b;
    expect(state.pending).toBe(true);
    state.control = 0x037f;
    expect(state.pending).toBe(false);
  });
});

describe('stores', () => {
  it('hand out bytes, and none on an unmasked exception', () => {
    run(...FLD1);
    expect(run(0xd9, 0x16)).toBe(X87_STORE); // fst m32
    expect(state.operand.getFloat32(0, true)).toBe(1);
    expect([state.fdp, state.fds]).toEqual([0x2000n, 0x18]);
    state.write(0, { signExponent: 0x7ffe, significand: 1n << 63n });
    state.control = 0x0377; // OE unmasked
    expect(run(0xd9, 0x1e)).toBe(X87_DONE); // fstp m32
    expect(state.isEmpty(0)).toBe(false);
    expect(state.pending).toBe(true);
  });
});

describe('FCOMI', () => {
  it('gives flags', () => {
    run(...FLD1);
    run(...FLDZ);
    expect(run(0xdb, 0xf1)).toBe(X87_STORE_FLAGS);
    expect(state.operand.getUint8(0)).toBe(0x01);
  });
});

describe('an exact transcendental result is reported as inexact, as by the processor', () => {
  it.each([0, 1] as const)('F2XM1 of one, sign %d', (sign) => {
    run(...FLD1);
    if (sign === 1) run(0xd9, 0xe0); // fchs
    run(0xd9, 0xf0);
    expect(state.status & 0x3f).toBe(PE);
    expect(state.read(0)).toEqual(sign === 1 ? float80.finite(1, -1, 1n << 63n) : one);
  });

  it('FYL2X with a denormal product, which is an underflow too', () => {
    const denormal = { signExponent: 0, significand: 0x1000000n };
    run(...FLD1);
    run(...FLD1);
    state.write(0, denormal);
    state.write(1, denormal);
    run(0xd9, 0xf1);
    expect(state.status & 0x3f).toBe(DE | UE | PE);
    expect(state.read(0)).toEqual({ signExponent: 0x8000, significand: 0x4025000000n });
  });
});

it('keeps to its block', () => {
  const bytes = new Uint8Array(X87_STATE_SIZE + 128).fill(0xee);
  const inside = new X87State(new DataView(bytes.buffer), 64);
  inside.powerUp();
  inside.initialize();
  for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
    for (let modrm = 0; modrm < 256; modrm++) executeX87(inside, opcode, modrm, context);
  }
  expect(bytes.subarray(0, 64).every((byte) => byte === 0xee)).toBe(true);
  expect(bytes.subarray(64 + X87_STATE_SIZE).every((byte) => byte === 0xee)).toBe(true);
});
