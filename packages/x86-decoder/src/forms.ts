import { Access, FlowControl } from './facts.js';
import { OperandKind, Prefix, type Instruction, type Mode } from './instruction.js';
import { Mnemonic } from './mnemonic.js';
import type { RowFlags } from './table/rows.js';
import { tables } from './tables.js';

/** Flags an instruction form touches, as masks of `Flag`. */
export type FormFlags = RowFlags;

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

const NO_FLAGS: FormFlags = { read: 0, written: 0, undefined: 0, cleared: 0, set: 0 };

/** Flags that the form reads, writes to computed values, leaves undefined, clears, sets; all zero for form 0. */
export function formFlags(form: number): FormFlags {
  return tables.rows[form]?.flags ?? NO_FLAGS;
}

/** CPUID feature in lower case (`sse2`, `bmi1`; `8086`, `286`, `386`, `486`, `x64` for the base); empty for form 0. */
export function formFeature(form: number): string {
  return tables.rows[form]?.feature ?? '';
}

export function formFlow(form: number): FlowControl {
  return tables.rows[form]?.flow ?? FlowControl.Next;
}

/** How the form accesses its operand, without regard to REP and to zero-extension; see `operandAccess`. */
export function formOperandAccess(form: number, operand: number): Access {
  return tables.rows[form]?.operands[operand]?.access ?? Access.None;
}

/**
 * How this very instruction accesses its operand: under REP everything is conditional (the count may be 0), and a CMOVcc of 32 bits
 * in 64-bit mode always clears the destination's upper half.
 */
export function operandAccess(instruction: Instruction, operand: number): Access {
  const described = tables.rows[instruction.form]?.operands[operand];
  if (described === undefined) return Access.None;
  const { access, zeroExtends } = described;
  if (zeroExtends && instruction.mode === 64 && instruction.operandSizes[operand] === 4) return Access.ReadWrite;
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

/** Every row, for those who want to generate something for each. */
export function forms(): Form[] {
  const list: Form[] = [];
  tables.rows.forEach((row, form) => {
    if (row === undefined) return;
    list.push({
      form,
      mnemonic: row.mnemonic,
      encoding: row.encoding,
      operands: row.operands.map((operand) => operand.text.split(':')[0]!),
      access: row.operands.map((operand) => operand.access),
      flags: row.flags,
      feature: row.feature,
      flow: row.flow,
      lockable: row.lockable,
      modes: [...(row.legacyModes ? ([16, 32] as const) : []), ...(row.longMode ? ([64] as const) : [])],
    });
  });
  return list;
}
