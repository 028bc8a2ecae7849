/**
 * Decode throughput over the code of a file (libc by default), beside iced-x86's wasm build on the same bytes: `npm run
 * bench -w packages/x86-decoder -- [FILE]`. Medians of 15 passes, taken in turns, after 10 passes of warm-up each.
 */
import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';
import { decode, format, Instruction } from '../src/index.js';
import { elfCode, openExecutable } from '../tests/executables.js';

const iced = createRequire(import.meta.url)('iced-x86') as typeof Iced;
const file = process.argv[2] ?? '/lib/x86_64-linux-gnu/libc.so.6';
const { bytes } = elfCode(openExecutable(file)).find(({ name }) => name === '.text')!;
const ours = new Instruction();
const theirs = new iced.Instruction();

function passOurs(): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) at += decode(bytes, at, bytes.length, 64, ours) || 1;
  return count;
}

function passIced(): number {
  const decoder = new iced.Decoder(64, bytes, iced.DecoderOptions.None);
  let count = 0;
  for (; decoder.canDecode; count++) decoder.decodeOut(theirs);
  decoder.free();
  return count;
}

function passFormat(): number {
  let count = 0;
  for (let at = 0; at < bytes.length && count < 20_000; count++) {
    at += decode(bytes, at, bytes.length, 64, ours) || 1;
    format(ours, at);
  }
  return count;
}

const passes = { decode: passOurs, 'iced-x86 decodeOut': passIced, 'decode and format': passFormat };
const times: Record<string, number[]> = {};
for (let round = 0; round < 25; round++) {
  for (const [name, pass] of Object.entries(passes)) {
    const start = performance.now();
    const count = pass();
    if (round >= 10) (times[name] ??= []).push(((performance.now() - start) * 1e6) / count);
  }
}
for (const [name, list] of Object.entries(times)) {
  list.sort((a, b) => a - b);
  console.log(
    `${name.padEnd(20)} ${list[list.length >> 1]!.toFixed(0).padStart(6)} ns an instruction (best ${list[0]!.toFixed(
      0,
    )})`,
  );
}
