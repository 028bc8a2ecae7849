import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tables } from '../src/tables.js';
import { tableText } from '../src/table/all.js';
import { buildTables } from '../src/table/build.js';
import { mnemonicSource } from '../src/table/mnemonics.js';
import { packedTablesSource } from '../src/table/pack.js';
import { parseRows } from '../src/table/rows.js';

const rows = tableText.flatMap((text) => parseRows(text));

function source(name: string): string {
  return readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8');
}

describe('the instruction table', () => {
  it('is what the generated files were made from (else: npm run generate)', () => {
    expect(source('mnemonic.ts')).toBe(mnemonicSource(tableText));
    expect(source('packed-tables.ts')).toBe(packedTablesSource(buildTables(rows)));
  });

  it('unpacks to what was packed', () => {
    const built = buildTables(rows);
    expect(tables.roots).toEqual(built.roots);
    expect(tables.nodes).toEqual(built.nodes);
    expect(tables.modrm).toEqual(built.modrm);
    expect(tables.formOperands).toEqual(built.formOperands);
    expect(tables.facts).toEqual(built.facts);
  });

  it('names a line that it cannot read', () => {
    expect(() => parseRows('00 /r | Add Eb:rw Kb')).toThrow('unknown operand "Kb" in "00 /r | Add Eb:rw Kb"');
    expect(() => parseRows('00 /r | Addd Eb:rw Gb')).toThrow('unknown mnemonic "Addd"');
    expect(() => parseRows('00 /r | Add Eb:rw Gb | w=oszapq')).toThrow('unknown flag "q"');
    expect(() => parseRows('00 /r | Add Eb:rw Gb | arith | lok')).toThrow('unknown attribute "lok"');
    expect(() => parseRows('00 /r | Lea Gv:w M:n')).toThrow('mem or reg is missing');
    expect(() => parseRows('00 /x | Add Eb:rw Gb')).toThrow('unknown word "/x"');
  });

  it('refuses two lines for the same encoding', () => {
    expect(() => buildTables(parseRows('01 /r | Add Ev:rw Gv\n01 /r | Sub Ev:rw Gv'))).toThrow('are the same encoding');
    expect(() => buildTables(parseRows('01 /r | Add Ev:rw Gv\n01 | Nop'))).toThrow('disagrees on the ModRM byte');
  });

  it('gives flags, feature and access that the manual has', () => {
    const [adc] = parseRows('@ 8086\n10 /r | Adc Eb:rw Gb | r=c arith | lock');
    expect(adc).toMatchObject({ feature: '8086', lockable: true, flags: { read: 1, written: 0x8d5, cleared: 0 } });
  });
});
