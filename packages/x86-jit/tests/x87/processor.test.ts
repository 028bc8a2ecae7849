/** The x87 vectors again, as instruction bytes through decoder, interpreter and memory. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { Layout, TestMachine } from '../machine/test-machine.js';
import { readX87Vectors, stateOf, x87Mismatch, type X87Result, type X87Vector } from './x87-vectors.js';

// Where `golden/x87/x87-vectors.c` has its code and its record, and that record's fields.
const CODE = 0x20000000;
const RECORD = 0x20001000;
const IMAGE_IN = RECORD + 20;
const IMAGE_OUT = RECORD + 20 + 108 + 112;
const MEMORY = IMAGE_OUT + 108;

function makeRunner(): (vector: X87Vector) => X87Result {
  const m = new TestMachine({ mode: 'long', cpl: 3 });
  m.map(CODE, Layout.code);
  m.map(RECORD, Layout.data);
  const { cpu } = m;
  // 64-bit Linux runs programs with a null DS: mov ds, eax
  m.execute('8ed8');
  const physical = (linear: number): number => linear - RECORD + Layout.data;
  return (vector) => {
    const instruction = vector.operandSize16 ? [0x66, vector.opcode, vector.modrm] : [vector.opcode, vector.modrm, 0x90];
    // frstor [rdi]; push rcx; popf; the instruction; pushf; pop rcx; fnsave [rdx]
    m.write(Layout.code, Uint8Array.of(0xdd, 0x27, 0x51, 0x9d, ...instruction, 0x9c, 0x59, 0xdd, 0x32));
    m.ram.set(new Uint8Array(vector.image.buffer, vector.image.byteOffset, 108), physical(IMAGE_IN));
    m.ram.set(vector.memory, physical(MEMORY));
    cpu.setGpr(0, BigInt(vector.ax));
    cpu.setGpr(1, BigInt(vector.eflags));
    cpu.setGpr(2, BigInt(IMAGE_OUT));
    cpu.setGpr(6, BigInt(MEMORY));
    cpu.setGpr(7, BigInt(IMAGE_IN));
    m.rip = CODE;
    const exception = m.run(vector.operandSize16 ? 4 : 5);
    if (exception !== undefined) m.rip = CODE + 7;
    expect(m.rip).toBe(CODE + 7);
    expect(m.run(3)).toBeUndefined();
    const image = new DataView(m.ram.buffer, m.ram.byteOffset + physical(IMAGE_OUT), 108);
    return {
      trap: exception === undefined ? 'none' : exception.vector === 16 ? '#MF' : exception.vector === 6 ? '#UD' : expect.fail(`exception ${exception.vector}`),
      state: stateOf(image),
      memory: m.ram.slice(physical(MEMORY), physical(MEMORY) + 112),
      ax: cpu.gpr32(0),
      eflags: cpu.gpr32(1),
    };
  };
}

describe('x87 instructions in the processor', () => {
  it('leave what was recorded on a real one', () => {
    const fixture = new URL('../../golden/x87/x87-vectors.bin.br', import.meta.url);
    const { vectors, processor } = readX87Vectors(new Uint8Array(brotliDecompressSync(readFileSync(fixture))));
    const run = makeRunner();
    const mismatches = vectors.map((vector) => x87Mismatch(vector, processor, run)).filter((text) => text !== undefined);
    expect(vectors.length).toBeGreaterThan(4000);
    expect(mismatches.slice(0, 10)).toEqual([]);
  });
});
