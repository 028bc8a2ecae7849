import { makeSizeTable, Method } from './operands.js';
import { tableText } from './table/all.js';
import { Dimension, dimensionSizes, parseRows, Sizing, type Row } from './table/rows.js';
import { MAX_OPERANDS } from './instruction.js';

/**
 * What the decoder runs on, made from the text table when this module is loaded.
 *
 * For every opcode of every map there is a decision tree: a positive entry is a form, 0 is an invalid opcode, and ~n is a node at
 * n in `nodes`, which names a dimension and has one entry for each of its values. One set of trees is for 64-bit mode, one for the
 * others.
 */
export interface DecoderTables {
  /** By form; index 0 is unused. */
  readonly rows: readonly (Row | undefined)[];
  /** By `rootIndex`. */
  readonly roots: Int32Array;
  readonly nodes: Int32Array;
  /** By `rootIndex`: 1 when a ModRM byte follows. */
  readonly modrm: Uint8Array;
  readonly formMnemonic: Uint16Array;
  readonly formBits: Uint16Array;
  /** By form * MAX_OPERANDS + operand: method << 16 | size << 8 | memory size. */
  readonly formOperands: Int32Array;
  readonly sizes: Uint16Array;
}

// Bits of `formBits`.
export const FORM_SIZING_MASK = 7;
export const FORM_COUNT_SHIFT = 3;
export const FORM_COUNT_MASK = 7 << FORM_COUNT_SHIFT;
export const FORM_LOCKABLE = 1 << 6;
export const FORM_MANDATORY = 1 << 7;
/** An operand is ModRM.rm as a register or memory, so that mod < 3 means memory. */
export const FORM_MEMORY = 1 << 8;
/** VEX.vvvv is an operand; otherwise it must be 1111. */
export const FORM_VVVV = 1 << 9;
export const FORM_UNIQUE = 1 << 10;
export const FORM_VSIB = 1 << 11;
/** A near branch, which BND may precede. */
export const FORM_NEAR_BRANCH = 1 << 12;
export const FORM_NO66 = 1 << 13;

/** Index of a tree's root: bit 11 is 64-bit mode, bit 10 VEX, bits 9:8 the map, bits 7:0 the opcode. */
export const ROOT_MODE64 = 1 << 11;
export const ROOT_VEX = 1 << 10;

const memoryMethods: readonly number[] = [Method.RmGeneral, Method.RmVector, Method.RmMmx, Method.Vsib];
const vexRegisterMethods: readonly number[] = [Method.VexGeneral, Method.VexVector];

/** Values of a dimension that the row allows in this mode, as the decoder sees them before the form is known. */
function allowed(row: Row, dimension: number, mode64: boolean): number {
  const mask = row.masks[dimension]!;
  if (mode64 && dimension === Dimension.OperandSize) {
    if (row.sizing === Sizing.Force64) return 7;
    // 4 bytes become 8 when 64 is the default; 66 still says 2.
    if (row.sizing === Sizing.Default64) return (mask & 1) | (mask & 4 ? 6 : 0);
  }
  if (!mode64 && row.wFree && dimension === Dimension.W) return 3;
  return mask;
}

function full(dimension: number): number {
  return (1 << dimensionSizes[dimension]!) - 1;
}

function specificity(row: Row, mode64: boolean): number {
  let bits = 0;
  for (let d = 0; d < dimensionSizes.length; d++) {
    const mask = allowed(row, d, mode64);
    if (mask === full(d)) continue;
    // A mandatory prefix decides before everything else (F3 90 with REX.B is PAUSE), "no F2 or F3" last.
    if (d !== Dimension.Prefix) bits += 2;
    else bits += mask === 3 ? 1 : 3;
  }
  return bits;
}

class TreeBuilder {
  private readonly known = new Map<string, number>();

  constructor(
    private readonly forms: ReadonlyMap<Row, number>,
    private readonly mode64: boolean,
    private readonly nodes: number[],
  ) {}

  build(rows: readonly Row[], from: number): number {
    if (rows.length === 0) return 0;
    for (let dimension = from; dimension < dimensionSizes.length; dimension++) {
      const masks = rows.map((row) => allowed(row, dimension, this.mode64));
      if (masks.every((mask) => mask === full(dimension))) continue;
      const entries = [dimension];
      for (let value = 0; value < dimensionSizes[dimension]!; value++) {
        entries.push(this.build(rows.filter((_, i) => (masks[i]! >> value) & 1), dimension + 1));
      }
      return ~this.place(entries);
    }
    return this.forms.get(this.mostSpecific(rows))!;
  }

  private place(entries: number[]): number {
    const key = entries.join();
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.nodes.length;
      this.nodes.push(...entries);
      this.known.set(key, at);
    }
    return at;
  }

  private mostSpecific(rows: readonly Row[]): Row {
    if (rows.length === 1) return rows[0]!;
    const ranked = rows.map((row) => ({ row, rank: specificity(row, this.mode64) })).sort((a, b) => b.rank - a.rank);
    if (ranked[0]!.rank === ranked[1]!.rank) {
      throw new SyntaxError(`instruction table: "${ranked[0]!.row.text}" and "${ranked[1]!.row.text}" are the same encoding`);
    }
    return ranked[0]!.row;
  }
}

function formBits(row: Row): number {
  let bits = row.sizing | (row.operands.length << FORM_COUNT_SHIFT);
  if (row.lockable) bits |= FORM_LOCKABLE;
  if (row.mandatory) bits |= FORM_MANDATORY;
  if (row.uniqueVectors) bits |= FORM_UNIQUE;
  if (row.refuses66) bits |= FORM_NO66;
  for (const operand of row.operands) {
    if (memoryMethods.includes(operand.method)) bits |= FORM_MEMORY;
    if (vexRegisterMethods.includes(operand.method)) bits |= FORM_VVVV;
    if (operand.method === Method.Vsib) bits |= FORM_VSIB;
  }
  if (row.sizing === Sizing.Force64 && row.flow !== 0) bits |= FORM_NEAR_BRANCH;
  return bits;
}

export function buildTables(text: readonly string[]): DecoderTables {
  const list = text.flatMap((part) => parseRows(part));
  const rows: (Row | undefined)[] = [undefined, ...list];
  const forms = new Map(list.map((row, i) => [row, i + 1]));
  const roots = new Int32Array(1 << 12);
  const modrm = new Uint8Array(1 << 12);
  const nodes: number[] = [0];
  for (const mode64 of [false, true]) {
    const bySlot = new Map<number, Row[]>();
    for (const row of list) {
      if (!(mode64 ? row.longMode : row.legacyModes)) continue;
      for (let i = 0; i < row.opcodeCount; i++) {
        const slot = (mode64 ? ROOT_MODE64 : 0) | (row.vex ? ROOT_VEX : 0) | (row.map << 8) | (row.opcode + i);
        const there = bySlot.get(slot);
        if (there === undefined) bySlot.set(slot, [row]);
        else there.push(row);
      }
    }
    const builder = new TreeBuilder(forms, mode64, nodes);
    for (const [slot, candidates] of bySlot) {
      const hasModrm = candidates[0]!.hasModrm;
      const odd = candidates.find((row) => row.hasModrm !== hasModrm);
      if (odd !== undefined) throw new SyntaxError(`instruction table: "${odd.text}": another line disagrees on the ModRM byte`);
      roots[slot] = builder.build(candidates, 0);
      modrm[slot] = hasModrm ? 1 : 0;
    }
  }
  const formMnemonic = new Uint16Array(rows.length);
  const bits = new Uint16Array(rows.length);
  const operands = new Int32Array(rows.length * MAX_OPERANDS);
  list.forEach((row, i) => {
    formMnemonic[i + 1] = row.mnemonic;
    bits[i + 1] = formBits(row);
    row.operands.forEach((operand, j) => {
      operands[(i + 1) * MAX_OPERANDS + j] = (operand.method << 16) | (operand.size << 8) | operand.memorySize;
    });
  });
  return {
    rows,
    roots,
    nodes: Int32Array.from(nodes),
    modrm,
    formMnemonic,
    formBits: bits,
    formOperands: operands,
    sizes: makeSizeTable(),
  };
}

/** Immutable after this line. */
export const tables: DecoderTables = /* @__PURE__ */ buildTables(tableText);
