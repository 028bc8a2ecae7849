import type { Mode } from '../src/index.js';
import { Dimension, Sizing } from '../src/dimensions.js';
import { FORM_VVVV } from '../src/layout.js';
import { tableText } from '../src/table/all.js';
import { parseRows, type Row } from '../src/table/rows.js';
import { tables } from '../src/tables.js';
import { IcedOracle, structuredBytes, type Disagreement } from './iced.js';

export interface Comparison {
  readonly what: string;
  compared: number;
  outOfScope: number;
  /** By kind and mnemonic: how many, and the first. */
  readonly disagreements: Map<string, { count: number; first: string }>;
}

function start(what: string): Comparison {
  return { what, compared: 0, outOfScope: 0, disagreements: new Map() };
}

function note(comparison: Comparison, found: Disagreement | undefined): void {
  if (found === undefined) return;
  const known = comparison.disagreements.get(found.key);
  if (known === undefined) comparison.disagreements.set(found.key, { count: 1, first: found.detail });
  else known.count++;
}

function finish(comparison: Comparison, oracle: IcedOracle): Comparison {
  comparison.compared += oracle.compared - oracle.outOfScope;
  comparison.outOfScope += oracle.outOfScope;
  oracle.free();
  return comparison;
}

/** Disagreements as lines, for an assertion's message. */
export function report(comparison: Comparison): string[] {
  return [...comparison.disagreements].map(([key, { count, first }]) => `${count} x ${key}: ${first}`);
}

/** Every instruction of straight-line disassembly, from both ends of a limit on their number. */
export function compareCode(what: string, bytes: Uint8Array, mode: Mode, limit = Infinity): Comparison {
  const comparison = start(what);
  const oracle = new IcedOracle(bytes, mode);
  for (let at = 0, n = 0; at < bytes.length && n < limit; n++) {
    const { length, disagreement } = oracle.at(at);
    note(comparison, disagreement);
    at += length;
  }
  return finish(comparison, oracle);
}

export function compareRandom(
  count: number,
  mode: Mode,
  seed: number,
  uniform: boolean,
  seen?: Set<string>,
): Comparison {
  const comparison = start(`${count} ${uniform ? 'uniform' : 'structured'} random strings, ${mode}-bit`);
  const oracle = new IcedOracle(structuredBytes(count, seed, uniform), mode);
  for (let i = 0; i < count; i++) {
    note(comparison, oracle.at(i * 16).disagreement);
    seen?.add(oracle.key);
  }
  return finish(comparison, oracle);
}

/** Every prefix of every one of these encodings that is valid must be truncated, to both. */
export function compareTruncated(count: number, mode: Mode, seed: number): Comparison {
  const comparison = start(`truncations, ${mode}-bit`);
  const bytes = structuredBytes(count, seed, false);
  for (let i = 0; i < count; i++) {
    for (let length = 0; length <= 15; length++) {
      const oracle = new IcedOracle(bytes.slice(i * 16, i * 16 + length), mode);
      note(comparison, oracle.at(0).disagreement);
      finish(comparison, oracle);
    }
  }
  return comparison;
}

/** Numbers for the choices that a row leaves open. */
class Choices {
  constructor(private state: number) {}

  next(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 3) % limit;
  }

  /** One of the set bits of a mask. */
  of(mask: number): number {
    const values: number[] = [];
    for (let bit = 0; mask >> bit; bit++) if ((mask >> bit) & 1) values.push(bit);
    return values[this.next(values.length)]!;
  }
}

/** An encoding of a row: what the row fixes, everything else at random. Undefined when the mode doesn't have it. */
export function encode(row: Row, form: number, mode: Mode, choices: Choices): number[] | undefined {
  if (!(mode === 64 ? row.longMode : row.legacyModes)) return undefined;
  const bytes: number[] = [];
  const rexBits = mode === 64 ? choices.next(8) : 0;
  let w = mode === 64 || row.vex ? choices.of(row.masks[Dimension.W]!) : 0;
  const b = choices.of(row.masks[Dimension.B]!) & rexBits;
  const prefix = choices.of(row.masks[Dimension.Prefix]!);
  const operandMask = row.masks[Dimension.OperandSize]!;
  const mandatory = row.masks[Dimension.Prefix] !== 0b1111 && row.masks[Dimension.Prefix] !== 0b0011;
  let has66 = false;
  if (!row.vex && row.sizing !== Sizing.Force64) {
    const size = 2 << choices.of(operandMask);
    if (operandMask !== 7 || !mandatory || prefix >= 2) {
      has66 = !row.refuses66 && (size === 2 ? mode !== 16 : size === 4 && mode === 16);
      if (size === 8 && mode === 64 && row.masks[Dimension.W] === 3 && row.sizing !== Sizing.Default64) w = 1;
      else if (operandMask !== 7) w = 0;
    }
  }
  const addressMask = row.masks[Dimension.AddressSize]!;
  const address = 2 << choices.of(mode === 64 ? addressMask & 6 || addressMask : addressMask & 3);
  if (mode === 64 ? address === 4 : address === 2 ? mode === 32 : mode === 16) bytes.push(0x67);
  if (choices.next(8) === 0) bytes.push([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65][choices.next(6)]!);
  if (!row.vex) {
    if (has66 || (prefix === 1 && !row.refuses66)) bytes.push(0x66);
    if (mandatory && prefix >= 2) bytes.push(prefix === 2 ? 0xf3 : 0xf2);
    const rex = (w << 3) | (rexBits & 6) | b;
    if (mode === 64 && (rex !== 0 || choices.next(4) === 0)) bytes.push(0x40 | rex);
    if (row.map >= 1) bytes.push(0x0f);
    if (row.map >= 2) bytes.push(row.map === 2 ? 0x38 : 0x3a);
  } else {
    const vvvv = (tables.formBits[form]! & FORM_VVVV) !== 0 ? choices.next(mode === 64 ? 16 : 8) : 0;
    const l = choices.of(row.masks[Dimension.L]!);
    const inverted = mode === 64 ? (~((rexBits & 6) | b) & 7) << 5 : 0xe0;
    bytes.push(0xc4, inverted | row.map, (w << 7) | ((~vvvv & 15) << 3) | (l << 2) | prefix);
  }
  bytes.push(row.opcode + choices.next(row.opcodeCount));
  if (row.hasModrm) {
    const mod = choices.of(row.masks[Dimension.Mod]!) === 0 ? choices.next(3) : 3;
    let rm = choices.of(row.masks[Dimension.Rm]!);
    if (row.uniqueVectors) rm = 4;
    bytes.push((mod << 6) | (choices.of(row.masks[Dimension.Reg]!) << 3) | rm);
  }
  for (let i = 0; i < 13; i++) bytes.push(choices.next(256));
  return bytes.slice(0, 15 + 1);
}

export interface RowComparison extends Comparison {
  /** Forms that no encoding reached, as table lines. */
  readonly unreached: string[];
}

/** Encodings of every row of the table, in every mode that has it. */
export function compareRows(perRow: number, seed: number, seen?: Set<string>): RowComparison {
  const comparison = { ...start('every row of the table'), unreached: [] as string[] };
  const rows = tableText.flatMap((text) => parseRows(text));
  const choices = new Choices(seed | 1);
  for (const mode of [16, 32, 64] as const) {
    const encodings: number[][] = [];
    const forms: number[] = [];
    rows.forEach((row, i) => {
      for (let n = 0; n < perRow; n++) {
        const bytes = encode(row, i + 1, mode, choices);
        if (bytes === undefined) return;
        encodings.push(bytes);
        forms.push(i + 1);
      }
    });
    const buffer = new Uint8Array(encodings.length * 16);
    encodings.forEach((bytes, i) => buffer.set(bytes, i * 16));
    const oracle = new IcedOracle(buffer, mode);
    const reached = new Set<number>();
    encodings.forEach((_, i) => {
      note(comparison, oracle.at(i * 16).disagreement);
      reached.add(oracle.ours.form);
      seen?.add(oracle.key);
    });
    for (const form of new Set(forms))
      if (!reached.has(form)) comparison.unreached.push(`${mode}: ${rows[form - 1]!.text}`);
    finish(comparison, oracle);
  }
  return comparison;
}
