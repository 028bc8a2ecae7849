/**
 * Instructions on MMX registers, as bytes through the processor, against a real one: a fixture recorded once
 * (`golden/mmx/record-fixtures.ts`), and more cases with a new seed where they can be recorded.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { State } from '../../src/state-layout.js';
import { X87State } from '../../src/x87/x87-state.js';
import { readMmx, writeMmx } from '../../src/x87/mmx.js';
import { Layout, TestMachine } from '../machine/test-machine.js';
import { cannotRecord } from '../x87/recorder.js';
import { recordMmxVectors } from './record.js';
import { readMmxVectors, type MmxForm, type MmxRegisters } from './mmx-vectors.js';

const XMM0 = State.ymm;
const XMM1 = State.ymm + 32;
const MEMORY = Layout.data;
// pxor of every register; xor eax, eax; pxor xmm1, xmm1; fninit; fld1; fldpi; fldz
const SETUP = [...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [0x0f, 0xef, 0xc0 + 9 * n]), 0x31, 0xc0, 0x66, 0x0f, 0xef, 0xc9, 0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xd9, 0xee];
const SETUP_COUNT = 14;

class Runner {
  readonly machine = new TestMachine({ mode: 'long', cpl: 3 });
  readonly #x87 = new X87State(this.machine.cpu.host.view, this.machine.cpu.base + State.x87);

  #write(words: MmxRegisters): void {
    const { cpu, view } = this.machine;
    writeMmx(this.#x87, 0, words[0]!);
    writeMmx(this.#x87, 1, words[1]!);
    [XMM0, XMM0 + 8, XMM1, XMM1 + 8].forEach((at, k) => cpu.setU64(at, words[2 + k]!));
    view.setBigUint64(MEMORY, words[6]!, true);
    view.setBigUint64(MEMORY + 8, words[7]!, true);
    cpu.setGpr(0, words[8]!);
    cpu.setU32(State.mxcsr, Number(words[9]));
    cpu.setGpr(6, BigInt(MEMORY));
    cpu.setGpr(7, BigInt(MEMORY));
  }
  #read(): bigint[] {
    const { cpu, view } = this.machine;
    return [
      readMmx(this.#x87, 0), readMmx(this.#x87, 1), ...[XMM0, XMM0 + 8, XMM1, XMM1 + 8].map((at) => cpu.u64(at)),
      view.getBigUint64(MEMORY, true), view.getBigUint64(MEMORY + 8, true), cpu.gpr(0), BigInt(cpu.u32(State.mxcsr)),
    ];
  }

  /** What differs from the processor, one line a case. */
  mismatches({ bytes, name, cases }: MmxForm): string[] {
    const { machine } = this;
    machine.load(bytes);
    const hex = (words: MmxRegisters): string => words.map((word) => word.toString(16)).join(' ');
    return cases.flatMap(({ before, after, trapped }) => {
      this.#x87.initialize();
      this.#write(before);
      machine.rip = Layout.code;
      const exception = machine.run(1);
      const ours = this.#read();
      const same = (exception !== undefined) === trapped && ours.every((word, k) => word === after[k]);
      return same ? [] : [`${name}: ${hex(before)} gave ${hex(ours)}${exception ? ` #${exception.vector}` : ''}, processor ${hex(after)}${trapped ? ' trap' : ''}`];
    });
  }

  /** The x87's view of what the instruction did. */
  imageMismatch({ bytes, name, image }: MmxForm): string | undefined {
    const { machine } = this;
    this.#write(Array.from({ length: 10 }, (_, k) => (k === 9 ? 0x1f80n : 0n)));
    machine.cpu.setGpr(9, BigInt(MEMORY + 32));
    machine.execute(Uint8Array.of(...SETUP, ...bytes, 0x41, 0xdd, 0x31), SETUP_COUNT + 2); // fnsave [r9]
    const ours = new DataView(machine.view.buffer, machine.view.byteOffset + MEMORY + 32, 108);
    const problems: string[] = [];
    // Control, status, tag; the registers. Pointers are those of FLDZ and its place.
    for (const at of [0, 4, 8]) {
      const [a, b] = [ours.getUint16(at, true), image.getUint16(at, true)];
      if (a !== b) problems.push(`word ${at} ${a.toString(16)}, processor ${b.toString(16)}`);
    }
    for (let register = 0; register < 8; register++) {
      const at = 28 + 10 * register;
      const [a, b] = [ours, image].map((v) => `${v.getUint16(at + 8, true).toString(16)}:${v.getBigUint64(at, true).toString(16)}`);
      if (a !== b) problems.push(`st(${register}) ${a}, processor ${b}`);
    }
    return problems.length > 0 ? `${name}: ${problems.join('; ')}` : undefined;
  }
}

describe('MMX instructions', () => {
  const fixture = new URL('../../golden/mmx/mmx-vectors.bin.br', import.meta.url);
  const { forms } = readMmxVectors(new Uint8Array(brotliDecompressSync(readFileSync(fixture))));

  it('give the results that a processor gave', () => {
    const runner = new Runner();
    expect(forms.length).toBeGreaterThan(200);
    expect(forms.flatMap((form) => runner.mismatches(form)).slice(0, 10)).toEqual([]);
  });

  it('leave the x87 unit as a processor does', () => {
    const runner = new Runner();
    expect(forms.map((form) => runner.imageMismatch(form)).filter((text) => text !== undefined)).toEqual([]);
  });
});

const reason = cannotRecord();
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
describe.skipIf(reason !== undefined && !required)(`fresh MMX vectors${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);
  it(`agree with seed ${seed}`, () => {
    const runner = new Runner();
    const { forms } = readMmxVectors(recordMmxVectors(seed, 500));
    expect(forms.flatMap((form) => runner.mismatches(form)).slice(0, 10)).toEqual([]);
  });
});
