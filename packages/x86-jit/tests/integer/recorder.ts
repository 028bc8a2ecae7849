/** Has the processor of an x86-64 Linux host execute cases: writes what `golden/integer/runner.c` reads, and the other way round. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FS_BASE, GS_BASE, initialMemory, LDT, REGIONS, segmentFacts, SEGMENT_SETS } from './layout.js';
import { startRegisters, type Case, type Outcome, type Vector } from './vector.js';

const SOURCE = fileURLToPath(new URL('../../golden/integer/runner.c', import.meta.url));
const MAGIC = 0x31746e69;
const INPUT = 248;
const WRITE = 24;
const OUTCOME = 192;
const CHANGE = 16;

/** @returns why nothing can be recorded here, or undefined if it can */
export function cannotRecord(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return `${process.platform}/${process.arch} is not linux/x64`;
  if (!/^flags\s.* fsgsbase /m.test(readFileSync('/proc/cpuinfo', 'utf8'))) return 'FSGSBASE is missing';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return undefined;
  } catch {
    return 'gcc is missing';
  }
}

/** Vendor and brand, for differences that the manuals allow. */
export function hostProcessor(): string {
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  return `${field('vendor_id')} ${field('model name')}`;
}

/** Of the features that not every x86-64 processor has, as /proc/cpuinfo names them; whether this one has them. */
export function hostHas(): (feature: string) => boolean {
  const names: { readonly [feature: string]: string } = {
    cx16: 'cx16', popcnt: 'popcnt', movbe: 'movbe', rdrand: 'rdrand', rdseed: 'rdseed', adx: 'adx', bmi1: 'bmi1', bmi2: 'bmi2', lzcnt: 'abm',
    clflushopt: 'clflushopt', sse4_2: 'sse4_2', prefetchw: '3dnowprefetch', rdtscp: 'rdtscp', xsave: 'xsave',
  };
  const flags = new Set((/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(' '));
  return (feature) => names[feature] === undefined || flags.has(names[feature]!);
}

/** Cases that hang the processor, or its hypervisor, are left out: see `prepareFarReturn`. */
export function record(cases: readonly Case[]): Vector[] {
  const directory = mkdtempSync(join(tmpdir(), 'pckit-golden-'));
  try {
    const program = join(directory, 'runner');
    execFileSync('gcc', ['-O1', '-fno-stack-protector', '-o', program, SOURCE], { timeout: 120_000 });
    const vectors: Vector[] = [];
    // Some hundred megabytes at a time at most.
    const chunk = 100_000;
    for (let at = 0; at < cases.length; at += chunk) {
      const part = cases.slice(at, at + chunk);
      const output = execFileSync(program, { input: writeCases(part), maxBuffer: 2 ** 30, timeout: 120_000 });
      const outcomes = readOutcomes(output);
      if (outcomes.length !== part.length) throw new Error(`the runner gave ${outcomes.length} outcomes for ${part.length} cases`);
      part.forEach((input, k) => outcomes[k]!.vector === HUNG || vectors.push({ input, outcome: outcomes[k]! }));
    }
    if (vectors.length < cases.length * 0.99) throw new Error(`${cases.length - vectors.length} of ${cases.length} cases hung`);
    return vectors;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function writeCases(cases: readonly Case[]): Uint8Array {
  const memory = initialMemory();
  const writes = cases.reduce((n, { memory: list }) => n + list.length, 0);
  const pages = memory.reduce((n, { length }) => n + length, 0);
  const bytes = Buffer.alloc(16 + REGIONS.length * 16 + pages + LDT.length * 16 + cases.length * INPUT + writes * WRITE);
  let at = 0;
  const u8 = (value: number): void => void (at = bytes.writeUInt8(value, at));
  const u16 = (value: number): void => void (at = bytes.writeUInt16LE(value, at));
  const u32 = (value: number): void => void (at = bytes.writeUInt32LE(value >>> 0, at));
  const u64 = (value: bigint): void => void (at = bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at));
  for (const word of [MAGIC, REGIONS.length, LDT.length, cases.length]) u32(word);
  for (const { base, pages: count, writable, executable } of REGIONS) {
    u64(base);
    u32(count);
    u32((writable ? 1 : 0) | (executable ? 2 : 0));
  }
  for (const content of memory) {
    bytes.set(content, at);
    at += content.length;
  }
  LDT.forEach((entry, k) => {
    u32(k);
    u32(Number(entry.base));
    u32(entry.limit);
    u32((entry.wide ? 1 : 0) | (entry.contents << 1) | (entry.restricted ? 8 : 0) | (entry.inPages ? 16 : 0) | (entry.present ? 0 : 32));
  });
  for (const input of cases) {
    const set = SEGMENT_SETS[input.mode][input.segments]!;
    for (const register of startRegisters(input)) u64(register);
    u64(input.mode === 64 ? input.at : input.at - segmentFacts(set.cs).base);
    u64(input.at);
    u64(FS_BASE);
    u64(GS_BASE);
    u32(input.flags);
    for (const selector of [set.cs, set.ss, set.ds, set.es, set.fs, set.gs]) u16(selector);
    u8(input.code.length);
    u8(input.memory.length);
    u8(input.repeats ? 1 : 0);
    u8(input.steps);
    u32(0);
    bytes.set(input.code, at);
    at += 64;
    for (const { at: address, value, size } of input.memory) {
      u64(address);
      u64(value);
      u64(BigInt(size));
    }
  }
  if (at !== bytes.length) throw new Error(`wrote ${at} of ${bytes.length} bytes`);
  return bytes;
}

const TRAP = 1;
/** `runner.c`: the case didn't end. */
const HUNG = 255;

function readOutcomes(bytes: Buffer): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < bytes.length; ) {
    const registers = new BigUint64Array(16);
    for (let k = 0; k < 16; k++) registers[k] = bytes.readBigUInt64LE(at + k * 8);
    const trap = bytes.readUInt32LE(at + 164);
    const selectors = new Uint16Array(6);
    for (let k = 0; k < 6; k++) selectors[k] = bytes.readUInt16LE(at + 176 + k * 2);
    const count = bytes.readUInt32LE(at + 188);
    const changes = Array.from({ length: count }, (_, k) => ({
      at: bytes.readBigUInt64LE(at + OUTCOME + k * CHANGE),
      value: bytes.readBigUInt64LE(at + OUTCOME + k * CHANGE + 8),
    }));
    outcomes.push({
      vector: trap === TRAP ? -1 : trap,
      errorCode: bytes.readUInt32LE(at + 168),
      cr2: bytes.readBigUInt64LE(at + 136),
      completed: bytes.readUInt32LE(at + 172),
      ip: bytes.readBigUInt64LE(at + 128),
      flags: bytes.readUInt32LE(at + 160),
      registers, selectors,
      fsBase: bytes.readBigUInt64LE(at + 144),
      gsBase: bytes.readBigUInt64LE(at + 152),
      changes,
    });
    at += OUTCOME + count * CHANGE;
  }
  return outcomes;
}

