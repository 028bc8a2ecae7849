/** FXSAVE, XSAVE and their like against a real processor: a fixture recorded once, and a new seed where it can be recorded. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { X86_64_V2 } from '../../src/cpu/cpuid.js';
import { State } from '../../src/state-layout.js';
import { loadEnvironment, loadRegisters } from '../../src/x87/x87-environment.js';
import type { X87Context } from '../../src/x87/x87-instruction.js';
import { X87State } from '../../src/x87/x87-state.js';
import { Layout, TestMachine } from '../machine/test-machine.js';
import { cannotRecordState, recordStateVectors } from './record.js';
import { readStateVectors, type StateVector } from './state-vectors.js';

const AREA = Layout.data;
const IMAGE = Layout.data + 1024;
const PROTECTED_32: X87Context = {
  eflags: 0, instructionPointer: 0n, codeSelector: 0, dataPointer: 0n, dataSelector: 0, operandSize16: false, realAddressMode: false,
};
/** AVX and XSAVEC beyond the default model. */
const MODEL = { ...X86_64_V2, xcr0: 7, xsaveFeatures: 7 };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Where the components of the area are: all but MXCSR and the x87's pointers. */
const COMPONENTS = [[[0, 6], [32, 160]], [[160, 416]], [[576, 832]]] as const;

/**
 * A processor may take a component for used although it is in its initial configuration, and save that (SDM vol. 1, 13.6). Where it did,
 * our area is made to say the same.
 */
function followUse(vector: StateVector, area: Uint8Array): void {
  if (!vector.name.startsWith('xsave') || vector.trapped) return;
  COMPONENTS.forEach((ranges, component) => {
    const bit = 1 << component;
    if ((vector.mask & bit) === 0 || (area[512]! & bit) !== 0 || (vector.areaAfter[512]! & bit) === 0) return;
    const saved = ranges.map(([from, to]) => vector.areaAfter.slice(from, to));
    if (component === 0 && saved[0]![0] === 0x7f && saved[0]![1] === 3) saved[0]!.fill(0, 0, 2);
    if (saved.some((bytes) => bytes.some((byte) => byte !== 0))) return;
    area[512]! |= bit;
    for (const [from, to] of ranges) area.set(vector.areaAfter.subarray(from, to), from);
    // The compacted format saves MXCSR with the XMM registers.
    if (component === 1 && vector.name.startsWith('xsavec') && vector.mxcsr === 0x1f80) area.set([0x80, 0x1f, 0, 0], 24);
  });
}

class Runner {
  readonly machine = new TestMachine({ mode: 'long', cpl: 3, model: MODEL });
  readonly #x87 = new X87State(this.machine.cpu.host.view, this.machine.cpu.base + State.x87);

  mismatch(vector: StateVector): string | undefined {
    const { machine } = this;
    const { cpu, ram } = machine;
    const vectors = cpu.host.u8.subarray(cpu.base + State.ymm, cpu.base + State.ymm + 512);
    cpu.setU64(State.xcr0, 7n);
    loadEnvironment(this.#x87, vector.x87, PROTECTED_32);
    loadRegisters(this.#x87, vector.x87, PROTECTED_32);
    vectors.set(vector.ymm);
    cpu.setU32(State.mxcsr, vector.mxcsr);
    ram.set(vector.areaBefore, AREA);
    ram.fill(0, IMAGE, IMAGE + 512);
    cpu.setGpr(0, BigInt(vector.mask));
    cpu.setGpr(2, 0n);
    cpu.setGpr(6, BigInt(AREA));
    cpu.setGpr(10, BigInt(IMAGE));
    const exception = machine.execute(vector.code);
    expect(machine.execute('490fae02')).toBeUndefined(); // fxsave64 [r10]

    const problems: string[] = [];
    if ((exception !== undefined) !== vector.trapped) problems.push(`exception ${exception?.vector}, processor ${vector.trapped}`);
    const compare = (what: string, ours: Uint8Array, processors: Uint8Array, from: number, to: number): void => {
      const [a, b] = [hex(ours.subarray(from, to)), hex(processors.subarray(from, to))];
      if (a !== b) problems.push(`${what} at ${from}: ${a}, processor ${b}`);
    };
    const area = ram.slice(AREA, AREA + 832);
    followUse(vector, area);
    const image = ram.slice(IMAGE, IMAGE + 512);
    // AMD processors save pointers only with a pending exception, Intel's always. MXCSR_MASK differs in a bit that AMD's alone have.
    // Intel's compacted XRSTOR may have loaded components when it finds a reserved bit of MXCSR; the program loads them again.
    const partly = vector.trapped && vector.name.startsWith('xrstor') && (vector.areaBefore[26]! | vector.areaBefore[27]!) !== 0 && vector.areaBefore[527]! >> 7 === 1;
    const pieces = [[0, 6], [24, 28], [32, 160], [160, 416], [416, 512]] as const;
    for (const [from, to] of pieces) {
      compare('area', area, vector.areaAfter, from, to);
      if (from < 416 && !partly) compare('state', image, vector.stateAfter, from, to);
    }
    compare('header', area, vector.areaAfter, 512, 576);
    compare('avx', area, vector.areaAfter, 576, 832);
    const uppers = new Uint8Array(256);
    for (let n = 0; n < 16; n++) uppers.set(vectors.subarray(32 * n + 16, 32 * n + 32), 16 * n);
    if (!partly) compare('uppers', uppers, vector.uppersAfter, 0, 256);
    return problems.length > 0 ? `${vector.name} mask ${vector.mask}: ${problems.join('; ')}` : undefined;
  }
}

describe('saving and restoring state', () => {
  it('makes the areas and registers that a processor made', () => {
    const fixture = new URL('../../golden/state-save/state-vectors.bin.br', import.meta.url);
    const { vectors } = readStateVectors(new Uint8Array(brotliDecompressSync(readFileSync(fixture))));
    const runner = new Runner();
    expect(vectors.length).toBeGreaterThan(400);
    expect(vectors.map((vector) => runner.mismatch(vector)).filter((text) => text !== undefined).slice(0, 10)).toEqual([]);
  });
});

const reason = cannotRecordState();
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1' && !reason?.startsWith('the processor');
describe.skipIf(reason !== undefined && !required)(`fresh state vectors${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const seed = Number(process.env['PCKIT_GOLDEN_SEED'] ?? Date.now() % 2 ** 31);
  it(`agree with seed ${seed}`, () => {
    const { vectors } = readStateVectors(recordStateVectors(seed, 100));
    const runner = new Runner();
    expect(vectors.map((vector) => runner.mismatch(vector)).filter((text) => text !== undefined).slice(0, 10)).toEqual([]);
  });
});
