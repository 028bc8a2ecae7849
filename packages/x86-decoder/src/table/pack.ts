import type { DecoderTables } from '../layout.js';

function base64(values: Iterable<number>): string {
  let binary = '';
  for (const value of values) binary += String.fromCharCode(value & 0xff, (value >> 8) & 0xff);
  return btoa(binary);
}

declare function btoa(binary: string): string;

function lines(text: string): string {
  const parts = text.match(/.{1,110}/g) ?? [''];
  return parts.map((part) => `\n    '${part}'`).join(' +');
}

/** The source of `packed-tables.ts`. */
export function packedTablesSource(tables: DecoderTables): string {
  const operandCodes = [...new Set(tables.formOperands)];
  const codeIndex = new Map(operandCodes.map((code, i) => [code, i]));
  const rootPairs: number[] = [];
  tables.roots.forEach((entry, root) => entry !== 0 && rootPairs.push(root, entry));
  const modrmRoots: number[] = [];
  tables.modrm.forEach((flag, root) => flag !== 0 && modrmRoots.push(root));
  const arrays = {
    roots: rootPairs,
    modrmRoots,
    nodes: tables.nodes,
    formMnemonic: tables.formMnemonic,
    formBits: tables.formBits,
    formFacts: tables.formFacts,
    formOperands: [...tables.formOperands].map((code) => codeIndex.get(code)!),
  };
  const facts = tables.facts.map(
    ({ flags: f, feature, flow }) =>
      `    [${[f.read, f.written, f.undefined, f.cleared, f.set].join(', ')}, '${feature}', ${flow}],`,
  );
  return `/** The decoder's tables. Generated from the instruction table by \`npm run generate\`; a test compares it. */
import type { FlowControl } from './facts.js';

type Facts = readonly [read: number, written: number, undefined: number, cleared: number, set: number, feature: string, flow: FlowControl];

// prettier-ignore
export const packed = {
${Object.entries(arrays)
  .map(([name, values]) => `  ${name}:${lines(base64(values))},`)
  .join('\n')}
  operandCodes: [
${(operandCodes.join(', ').match(/.{1,112}(?:, |$)/g) ?? []).map((line) => `    ${line.trimEnd()}`).join('\n')}
  ] as readonly number[],
  facts: [
${facts.join('\n')}
  ] as readonly Facts[],
};
`;
}
