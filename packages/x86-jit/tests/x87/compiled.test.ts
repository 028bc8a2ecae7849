import { describe, expect, it } from 'vitest';
import { State } from '../../src/state-layout.js';
import { executeX87, X87State, X87_OPERAND, X87_STATE_SIZE, type X87Context } from '../../src/x87/index.js';
import { Selector, TestMachine } from '../machine/test-machine.js';

const FNINIT = [0xdb, 0xe3];
const FLDZ = [0xd9, 0xee];
const FLD1 = [0xd9, 0xe8];
const fstp = (i: number, opcode = 0xdd): number[] => [opcode, 0xd8 + i];

/** Instructions of two bytes each, one after the other. */
function run(instructions: readonly number[][], regions: false | object): { readonly state: Uint8Array; readonly expected: Uint8Array } {
  const m = new TestMachine({ processor: { regions } });
  const unit = new Uint8Array(m.ram.buffer, m.cpu.base + State.x87, X87_OPERAND);
  m.load(Uint8Array.from(instructions.flat()));
  const expected = new Uint8Array(X87_STATE_SIZE);
  expected.set(unit);
  const reference = new X87State(new DataView(expected.buffer));
  const context: X87Context = { eflags: 0, instructionPointer: BigInt(m.rip), codeSelector: Selector.code64, dataPointer: 0n, dataSelector: 0, operandSize16: false, realAddressMode: false };
  for (const [opcode, modrm] of instructions as [number, number][]) {
    executeX87(reference, opcode, modrm, context);
    context.instructionPointer += 2n;
  }
  m.vcpu.run(instructions.length);
  return { state: unit.slice(), expected: expected.slice(0, X87_OPERAND) };
}

describe('FLDZ and FSTP ST(i) as WebAssembly', () => {
  const programs: readonly [string, number[][]][] = [
    ['clear all registers', [FNINIT, ...Array.from({ length: 8 }, () => FLDZ), ...Array.from({ length: 8 }, () => fstp(0))]],
    ['copy to every register', [FNINIT, ...Array.from({ length: 8 }, (_, i) => [FLD1, FLDZ, FLD1, fstp(i)]).flat()]],
    ['overflow and underflow the stack', [FNINIT, ...Array.from({ length: 9 }, () => FLDZ), ...Array.from({ length: 10 }, () => fstp(1))]],
    ['have the opcode of an alias', [FNINIT, FLD1, FLDZ, fstp(1, 0xdf)]],
  ];
  it.each(programs)('%s as the unit does', (_, program) => {
    for (const regions of [false, { lookups: 1, samples: 1, batch: 1 }] as const) {
      const { state, expected } = run(program, regions);
      expect([...state]).toEqual([...expected]);
    }
  });
});
