import { writeFileSync } from 'node:fs';
import { tableText } from '../src/table/all.js';
import { mnemonicSource } from '../src/table/mnemonics.js';

writeFileSync(new URL('../src/mnemonic.ts', import.meta.url), mnemonicSource(tableText));
