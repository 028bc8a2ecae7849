import { Access, type FlowControl } from './facts.js';
import { MAX_OPERANDS, OperandKind, Prefix, type Instruction, type Mode } from './instruction.js';
import type { Mnemonic } from './mnemonic.js';
import { tableText } from './table/all.js';
import { parseRows } from './table/rows.js';
import { OPERAND_ACCESS_SHIFT, OPERAND_ZERO_EXTENDS, type FormFacts, type FormFlags } from './layout.js';
import { tables } from './tables.js';

/** One row of the table. */
export interface Form {
  /** `Instruction.form`. */
  readonly form: number;
  readonly mnemonic: Mnemonic;
  /** As the table writes it, e.g. `0F AF /r`, `VEX.L.66.0F38.W0 18 /r`. */
  readonly encoding: string;
  /** As the table writes them, without access, e.g. `Gv`, `Ev`; `table/rows.ts` describes the notation. */
  readonly operands: readonly string[];
  readonly access: readonly Access[];
  readonly flags: FormFlags;
  /** CPUID feature in lower case. */
  readonly feature: string;
  readonly flow: FlowControl;
  readonly lockable: boolean;
  /** Modes in which it decodes. */
  readonly modes: readonly Mode[];
}

function factsOf(form: number): FormFacts {
  return tables.facts[tables.formFacts[form] ?? 0]!;
}

/** Flags that the form reads, writes to computed values, leaves undefined, clears, sets; all zero for form 0. */
export function formFlags(form: number): FormFlags {
  return factsOf(form).flags;
}

/** CPUID feature in lower case (`sse2`, `bmi1`; `8086`, `286`, `386`, `486`, `x64` for the base); empty for form 0. */
export function formFeature(form: number): string {
  return factsOf(form).feature;
}

export function formFlow(form: number): FlowControl {
  return factsOf(form).flow;
}

function accessBits(form: number, operand: number): number {
  return (tables.formOperands[form * MAX_OPERANDS + operand] ?? 0) >> OPERAND_ACCESS_SHIFT;
}

/** How the form accesses its operand, without regard to REP and to zero-extension; see `operandAccess`. */
export function formOperandAccess(form: number, operand: number): Access {
  return (accessBits(form, operand) & 7) as Access;
}

/**
 * How this very instruction accesses its operand: under REP everything is conditional (the count may be 0), and a
 * CMOVcc of 32 bits in 64-bit mode always clears the destination's upper half.
 */
export function operandAccess(instruction: Instruction, operand: number): Access {
  const bits = accessBits(instruction.form, operand);
  const access = (bits & 7) as Access;
  if ((bits & OPERAND_ZERO_EXTENDS) !== 0 && instruction.mode === 64 && instruction.operandSizes[operand] === 4)
    return Access.ReadWrite;
  if ((instruction.prefixes & (Prefix.Rep | Prefix.Repne)) !== 0 && isString(instruction)) {
    if (access === Access.Read) return Access.ConditionalRead;
    if (access === Access.Write) return Access.ConditionalWrite;
  }
  return access;
}

function isString(instruction: Instruction): boolean {
  const first = instruction.operandKind[0]!;
  const second = instruction.operandKind[1]!;
  return first >= OperandKind.StringSource || second >= OperandKind.StringSource;
}

/**
 * Every row, for those who want to generate something for each. Parses the text table, which takes tens of
 * milliseconds.
 */
export function forms(): Form[] {
  const rows = tableText.flatMap((text) => parseRows(text));
  return rows.map((row, i) => ({
    form: i + 1,
    mnemonic: row.mnemonic,
    encoding: row.encoding,
    operands: row.operands.map((operand) => operand.text.split(':')[0]!),
    access: row.operands.map((operand) => operand.access),
    flags: row.flags,
    feature: row.feature,
    flow: row.flow,
    lockable: row.lockable,
    modes: [...(row.legacyModes ? ([16, 32] as const) : []), ...(row.longMode ? ([64] as const) : [])],
  }));
}
