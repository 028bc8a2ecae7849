/** Decoder throughput over libc's code: ours, iced-x86's WebAssembly build, capstone's. Taken in turns in one process, after a warm-up. */
import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';
import { decode, format, Instruction } from '@pckit/x86-decoder';
import { median } from './statistics.js';
import { tool } from './guest-image.js';
import { readFileSync } from 'node:fs';

/** Its types can't be reached through its package.json's exports. */
const CAPSTONE: string = 'capstone-wasm';
interface CapstoneLibrary {
  loadCapstone(): Promise<void>;
  readonly Capstone: new (architecture: number, mode: number) => { disasm(code: Uint8Array, options: { address: number }): readonly object[] };
  readonly Const: Readonly<Record<'CS_ARCH_X86' | 'CS_MODE_64', number>>;
}

const WARM_UP = 5;
const ROUNDS = 15;
const TEXT_BYTES = 64 * 1024;

/** Where .text lies in an ELF file, as readelf says. */
function textOf(file: string): Uint8Array {
  const fields = /\.text +PROGBITS +[0-9a-f]+ +([0-9a-f]+) +([0-9a-f]+)/.exec(tool('readelf', ['-SW', file]));
  if (fields === null) throw new Error(`${file}: no .text`);
  const start = parseInt(fields[1], 16);
  return new Uint8Array(readFileSync(file)).subarray(start, start + parseInt(fields[2], 16));
}

/** @returns Markdown: nanoseconds an instruction, and ours as a ratio to each */
export async function decoderTable(file: string): Promise<string> {
  const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced;
  const { loadCapstone, Capstone, Const } = (await import(CAPSTONE)) as CapstoneLibrary;
  await loadCapstone();
  const capstone = new Capstone(Const.CS_ARCH_X86, Const.CS_MODE_64);
  const bytes = textOf(file);
  const piece = bytes.subarray(0, TEXT_BYTES);
  const ours = new Instruction();
  const theirs = new iced.Instruction();
  const formatter = new iced.Formatter(iced.FormatterSyntax.Gas);

  const withOurs = (code: Uint8Array, text: boolean): number => {
    let count = 0;
    for (let at = 0; at < code.length; count++) {
      const length = decode(code, at, code.length, 64, ours) || 1;
      if (text) format(ours, at);
      at += length;
    }
    return count;
  };
  const withIced = (code: Uint8Array, text: boolean): number => {
    const decoder = new iced.Decoder(64, code, iced.DecoderOptions.None);
    let count = 0;
    for (; decoder.canDecode; count++) {
      decoder.decodeOut(theirs);
      if (text) formatter.format(theirs);
    }
    decoder.free();
    return count;
  };
  const passes: readonly (readonly [string, () => number])[] = [
    ['decode: pckit', () => withOurs(bytes, false)],
    ['decode: iced-x86', () => withIced(bytes, false)],
    ['text: pckit', () => withOurs(piece, true)],
    ['text: iced-x86', () => withIced(piece, true)],
    ['text: capstone', () => capstone.disasm(piece, { address: 0 }).length],
  ];
  const times = new Map<string, number[]>(passes.map(([name]) => [name, []]));
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [name, pass] of passes) {
      const began = process.cpuUsage();
      const count = pass();
      const { user, system } = process.cpuUsage(began);
      if (round >= WARM_UP) times.get(name)?.push(((user + system) * 1000) / count);
    }
  }
  const of = (name: string): number => median(times.get(name) ?? []);
  const row = (what: string, peer: string): string =>
    `| ${what} | ${peer} | ${of(`${what}: ${peer}`).toFixed(0)} | ${of(`${what}: pckit`).toFixed(0)} | ${(of(`${what}: pckit`) / of(`${what}: ${peer}`)).toFixed(2)} |\n`;
  return [
    `| decoder, ${file} (median of ${ROUNDS}) | peer | peer, ns an instruction | pckit, ns | pckit / peer |\n| --- | --- | --: | --: | --: |\n`,
    row('decode', 'iced-x86'),
    row('text', 'iced-x86'),
    row('text', 'capstone'),
  ].join('');
}
