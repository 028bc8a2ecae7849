import { MAX_OPERANDS } from './instruction.js';
import { ROOTS, type DecoderTables } from './layout.js';
import { makeSizeTable } from './operands.js';
import { packed } from './packed-tables.js';

declare function atob(text: string): string;

function unpack(text: string): Uint16Array {
  const binary = atob(text);
  const values = new Uint16Array(binary.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = binary.charCodeAt(2 * i) | (binary.charCodeAt(2 * i + 1) << 8);
  return values;
}

function unpackTables(): DecoderTables {
  const modrm = new Uint8Array(ROOTS);
  for (const root of unpack(packed.modrmRoots)) modrm[root] = 1;
  const roots = new Int16Array(ROOTS);
  const pairs = unpack(packed.roots);
  for (let i = 0; i < pairs.length; i += 2) roots[pairs[i]!] = pairs[i + 1]!;
  const formMnemonic = unpack(packed.formMnemonic);
  const formOperands = new Int32Array(formMnemonic.length * MAX_OPERANDS);
  unpack(packed.formOperands).forEach((index, i) => (formOperands[i] = packed.operandCodes[index]!));
  return {
    roots,
    nodes: new Int16Array(unpack(packed.nodes).buffer),
    modrm,
    formMnemonic,
    formBits: unpack(packed.formBits),
    formFacts: unpack(packed.formFacts),
    formOperands,
    facts: packed.facts.map(([read, written, undefined_, cleared, set, feature, flow]) => ({
      flags: { read, written, undefined: undefined_, cleared, set },
      feature,
      flow,
    })),
  };
}

/** Immutable after this line. */
export const tables: DecoderTables = /* @__PURE__ */ unpackTables();

/** Operand sizes by size code and state. */
export const sizes: Uint16Array = /* @__PURE__ */ makeSizeTable();
