/** Every instruction form that the CPU profile advertises has vectors from a real processor, or stands in a list with the reason. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { decode, Instruction } from '@pckit/x86-decoder';
import { describe, expect, it } from 'vitest';
import { avxVariants } from '../avx/variants.js';
import { CPU_MODELS } from '../../src/cpu/cpuid.js';
import { unpackFixture } from '../integer/fixture.js';
import { lowerName } from '../integer/names.js';
import { advertisedForms } from '../integer/profile.js';
import { readMmxVectors } from '../mmx/mmx-vectors.js';
import { sseVariants } from '../sse/variants.js';
import { OPERATIONS } from '../state-save/state-vectors.js';
import { readX87Vectors } from '../x87/x87-vectors.js';

/** By mnemonic, or encoding. What stands here and has vectors all the same is an error too. */
const WITHOUT: { readonly [mnemonic: string]: string } = {
  syscall: 'enters the host kernel; guest kernels',
  sysenter: 'enters the host kernel; guest kernels',
  sgdt: 'the host kernel emulates it (UMIP); tests/machine',
  sidt: 'the host kernel emulates it (UMIP); tests/machine',
  sldt: 'the host kernel emulates it (UMIP); tests/machine',
  str: 'the host kernel emulates it (UMIP); tests/machine',
  smsw: 'the host kernel emulates it (UMIP); tests/machine',
  '0F 0D /r reg': 'a NOP of Intel\'s processors, #UD on AMD\'s, which recorded the fixture',
  int1: 'hypervisors report a wrong instruction pointer; tests/machine',
};

/** Forms whose vectors are all of the exception that they raise at CPL 3: what they do at CPL 0 is for guest kernels and tests/machine. */
const PRIVILEGED: ReadonlySet<string> = new Set([
  'in', 'insb', 'insw', 'insd', 'out', 'outsb', 'outsw', 'outsd', 'cli', 'sti', 'hlt', 'lgdt', 'lidt', 'lldt', 'ltr', 'lmsw', 'clts', 'invd', 'wbinvd', 'invlpg', 'clac', 'stac',
  'xsetbv', 'swapgs', 'sysret', 'sysretq', 'sysexit', 'sysexitq', 'rdmsr', 'wrmsr', 'rdpmc',
  // MOV to and from control and debug registers.
  '0F 20 /r', '0F 21 /r', '0F 22 /r', '0F 23 /r',
  // Outside SMM, which there isn't.
  'rsm',
]);
/** Exceptions that are what the instruction is for: #BP, #OF, #BR; and #UD of UD. */
const PURPOSE = new Set([3, 4, 5]);

const fixture = (name: string): Uint8Array => new Uint8Array(brotliDecompressSync(readFileSync(new URL(`../../golden/${name}`, import.meta.url))));

interface Covered {
  /** Forms that some vector executes. */
  readonly found: ReadonlySet<number>;
  /** Of these, the ones that do what they are for in some vector. */
  readonly done: ReadonlySet<number>;
}

function covered(): Covered {
  const found = new Set<number>();
  const done = new Set<number>();
  const instruction = new Instruction();
  const add = (code: Uint8Array, mode: 16 | 32 | 64, completes = true): void => {
    // What ends with the last mapped page is no whole instruction.
    if (decode(code, 0, code.length, mode, instruction) === 0) return;
    found.add(instruction.form);
    if (completes || /^ud\d$/.test(lowerName(instruction.mnemonic))) done.add(instruction.form);
  };
  for (const { input, outcome } of unpackFixture(fixture('integer/integer-vectors.bin.br')).vectors) {
    add(input.code, input.mode, outcome.vector < 0 || PURPOSE.has(outcome.vector));
  }
  for (const { code, hasImmediate } of [...sseVariants(), ...avxVariants()]) add(hasImmediate ? Uint8Array.of(...code, 0) : code, 64);
  for (const { opcode, modrm } of readX87Vectors(fixture('x87/x87-vectors.bin.br')).vectors) add(Uint8Array.of(opcode, modrm), 64);
  for (const { bytes } of readMmxVectors(fixture('mmx/mmx-vectors.bin.br')).forms) add(bytes, 64);
  for (const [, code] of OPERATIONS) add(Uint8Array.from(Buffer.from(code, 'hex')), 64);
  return { found, done };
}

describe('the forms of the CPU profile', () => {
  const { found, done } = covered();
  for (const model of CPU_MODELS) {
    it(`${model.name}: all have vectors but those with a reason`, () => {
      const missing = advertisedForms(model).filter(({ form }) => !found.has(form));
      const listed = missing.map(({ encoding, mnemonic, operands, feature }) => {
        const reason = WITHOUT[encoding] ?? WITHOUT[lowerName(mnemonic)];
        return { text: `${encoding} ${lowerName(mnemonic)} ${operands.join(',')} @${feature}`, reason };
      });
      for (const { text, reason } of listed) console.info(`no vectors: ${text} (${reason ?? 'no reason given'})`);
      expect(listed.filter(({ reason }) => reason === undefined).map(({ text }) => text)).toEqual([]);
      const needless = Object.keys(WITHOUT).filter((name) => !missing.some(({ encoding, mnemonic }) => encoding === name || lowerName(mnemonic) === name));
      expect(needless).toEqual([]);
    });

    it(`${model.name}: all but the privileged ones also do what they are for`, () => {
      const idle = advertisedForms(model).filter(({ form }) => found.has(form) && !done.has(form));
      const keys = idle.map(({ encoding, mnemonic }) => (lowerName(mnemonic) === 'mov' ? encoding : lowerName(mnemonic)));
      expect(keys.filter((key) => !PRIVILEGED.has(key))).toEqual([]);
      expect([...PRIVILEGED].filter((key) => !keys.includes(key))).toEqual([]);
    });
  }
});
