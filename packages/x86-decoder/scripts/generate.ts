import { writeFileSync } from 'node:fs';
import { tableText } from '../src/table/all.js';
import { mnemonicSource } from '../src/table/mnemonics.js';

// The rows are parsed against the mnemonics, so these come first.
writeFileSync(new URL('../src/mnemonic.ts', import.meta.url), mnemonicSource(tableText));
const { parseRows } = await import('../src/table/rows.js');
const { buildTables } = await import('../src/table/build.js');
const { packedTablesSource } = await import('../src/table/pack.js');
const rows = tableText.flatMap((text) => parseRows(text));
writeFileSync(new URL('../src/packed-tables.ts', import.meta.url), packedTablesSource(buildTables(rows)));
