import { Dimension, dimensionSizes, Sizing } from '../dimensions.js';
import { MAX_OPERANDS } from '../instruction.js';
import { Method } from '../operands.js';
import {
  FORM_COUNT_SHIFT,
  FORM_LOCKABLE,
  FORM_MANDATORY,
  FORM_MEMORY,
  FORM_NEAR_BRANCH,
  FORM_NO66,
  FORM_UNIQUE,
  FORM_VSIB,
  FORM_VVVV,
  OPERAND_ACCESS_SHIFT,
  OPERAND_METHOD_SHIFT,
  OPERAND_SIZE_SHIFT,
  OPERAND_ZERO_EXTENDS,
  ROOT_MODE64,
  ROOT_VEX,
  ROOTS,
  type DecoderTables,
  type FormFacts,
} from '../layout.js';
import type { Row } from './rows.js';

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
  constructor(
    private readonly forms: ReadonlyMap<Row, number>,
    private readonly mode64: boolean,
    private readonly nodes: number[],
    /** Nodes by content: equal ones are shared. */
    private readonly known: Map<string, number>,
  ) {}

  build(rows: readonly Row[], from: number): number {
    if (rows.length === 0) return 0;
    for (let dimension = from; dimension < dimensionSizes.length; dimension++) {
      const masks = rows.map((row) => allowed(row, dimension, this.mode64));
      if (masks.every((mask) => mask === full(dimension))) continue;
      const entries = [dimension];
      for (let value = 0; value < dimensionSizes[dimension]!; value++) {
        entries.push(
          this.build(
            rows.filter((_, i) => (masks[i]! >> value) & 1),
            dimension + 1,
          ),
        );
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
      throw new SyntaxError(
        `instruction table: "${ranked[0]!.row.text}" and "${ranked[1]!.row.text}" are the same encoding`,
      );
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

/** The decoder's tables for these rows. @throws SyntaxError that quotes two lines that are the same encoding */
export function buildTables(list: readonly Row[]): DecoderTables {
  const forms = new Map(list.map((row, i) => [row, i + 1]));
  const roots = new Int16Array(ROOTS);
  const modrm = new Uint8Array(ROOTS);
  const nodes: number[] = [0];
  const known = new Map<string, number>();
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
    const builder = new TreeBuilder(forms, mode64, nodes, known);
    for (const [slot, candidates] of bySlot) {
      const hasModrm = candidates[0]!.hasModrm;
      const odd = candidates.find((row) => row.hasModrm !== hasModrm);
      if (odd !== undefined)
        throw new SyntaxError(`instruction table: "${odd.text}": another line disagrees on the ModRM byte`);
      roots[slot] = builder.build(candidates, 0);
      modrm[slot] = hasModrm ? 1 : 0;
    }
  }
  const facts: FormFacts[] = [];
  const factIndex = new Map<string, number>();
  const formMnemonic = new Uint16Array(list.length + 1);
  const bits = new Uint16Array(list.length + 1);
  const formFacts = new Uint16Array(list.length + 1);
  const operands = new Int32Array((list.length + 1) * MAX_OPERANDS);
  const intern = (fact: FormFacts): number => {
    const key = JSON.stringify(fact);
    let index = factIndex.get(key);
    if (index === undefined) {
      index = facts.push(fact) - 1;
      factIndex.set(key, index);
    }
    return index;
  };
  intern({ flags: { read: 0, written: 0, undefined: 0, cleared: 0, set: 0 }, feature: '', flow: 0 });
  list.forEach((row, i) => {
    const form = i + 1;
    formMnemonic[form] = row.mnemonic;
    bits[form] = formBits(row);
    formFacts[form] = intern({ flags: row.flags, feature: row.feature, flow: row.flow });
    row.operands.forEach((operand, j) => {
      const access = operand.access | (operand.zeroExtends ? OPERAND_ZERO_EXTENDS : 0);
      operands[form * MAX_OPERANDS + j] =
        (access << OPERAND_ACCESS_SHIFT) |
        (operand.method << OPERAND_METHOD_SHIFT) |
        (operand.size << OPERAND_SIZE_SHIFT) |
        operand.memorySize;
    });
  });
  return {
    roots,
    nodes: Int16Array.from(nodes),
    modrm,
    formMnemonic,
    formBits: bits,
    formFacts,
    formOperands: operands,
    facts,
  };
}
