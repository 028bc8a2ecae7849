/** The source of `mnemonic.ts` for a table: what `npm run generate` writes and a test compares. */
export function mnemonicSource(tableText: readonly string[]): string {
  const found = new Set<string>();
  for (const line of tableText.join('\n').split('\n')) {
    const body = line.split('|')[1];
    if (body !== undefined) found.add(body.trim().split(/\s+/)[0]!);
  }
  const lines: string[] = [];
  let current = ' ';
  [...found].sort().forEach((name, i) => {
    const item = ` ${name}: ${i + 1},`;
    if (current.length + item.length > 118) {
      lines.push(current);
      current = ' ';
    }
    current += item;
  });
  lines.push(current);
  return `/**
 * Mnemonics by number. Generated from the instruction table by \`npm run generate\`; a test compares it. The names are
 * those of iced-x86, so that the two can be compared; the numbers are alphabetical and change when the table grows.
 */
// prettier-ignore
export const Mnemonic = {
  INVALID: 0,
${lines.join('\n')}
} as const;
export type Mnemonic = (typeof Mnemonic)[keyof typeof Mnemonic];

const names: readonly string[] = Object.keys(Mnemonic);

/**
 * The name that \`Mnemonic\` gives a number: \`Add\`, \`Movsb\`; \`INVALID\` for 0; empty for a number that is none.
 */
export function mnemonicName(mnemonic: number): string {
  return names[mnemonic] ?? '';
}
`;
}
