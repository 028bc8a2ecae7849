import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcpiConfig } from '../src/acpi/acpi-config.js';
import { FULL, LoadedTables } from '../src/testing/loaded-tables.js';
import { lacks, run } from './tools.js';

describe.skipIf(lacks('iasl'))('iasl, ACPICA\'s compiler and disassembler (Debian acpica-tools; skipped where it is missing)', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pckit-acpi-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const configurations: [string, AcpiConfig][] = [
    ['full', FULL],
    ['small', { placement: { tables: 0x10_0000 }, apicIds: [0], pci: null, keyboard: false, mouse: false, rtc: false, serialPorts: [] }],
    ['noisa', { placement: { tables: 0x10_0000 }, apicIds: Array.from({ length: 255 }, (_, i) => i), pci: { isaBridge: false } }],
  ];

  it.each(configurations)('disassembles every table without a complaint: %s', (which, config) => {
    const loaded = new LoadedTables(config);
    for (const signature of loaded.find().keys()) {
      const file = `${which}-${signature.toLowerCase()}`;
      writeFileSync(join(directory, `${file}.dat`), loaded.table(signature));
      const { status, output } = run(directory, 'iasl', '-d', `${file}.dat`);
      expect(status, output).toBe(0);
      expect(output).not.toMatch(/warning|error|incorrect|invalid|could not/i);
      expect(readFileSync(join(directory, `${file}.dsl`), 'utf8')).not.toMatch(/warning|\berror\b|incorrect|invalid|unknown/i);
    }
  });

  it.each(configurations)('compiles its own disassembly of the DSDT to the same bytes: %s', (which, config) => {
    const dsdt = new LoadedTables(config).table('DSDT');
    const file = `${which}-again`;
    writeFileSync(join(directory, `${file}.dat`), dsdt);
    expect(run(directory, 'iasl', '-d', `${file}.dat`).status).toBe(0);
    // -oa: no optimisation that a hand would not make.
    const { output } = run(directory, 'iasl', '-oa', '-p', `${file}-compiled`, `${file}.dsl`);
    expect(output).toContain('0 Errors, 0 Warnings, 0 Remarks');
    const compiled = readFileSync(join(directory, `${file}-compiled.aml`));
    expect(Buffer.compare(dsdt.subarray(36), compiled.subarray(36)) === 0).toBe(true);
  });
});

describe.skipIf(lacks('acpiexec'))('acpiexec, ACPICA\'s interpreter (Debian acpica-tools; skipped where it is missing)', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pckit-acpi-'));
    // acpiexec prints an object only if it fits into 16 KiB.
    writeFileSync(join(directory, 'dsdt.aml'), new LoadedTables({ ...FULL, pci: { lastSlot: 8 } }).table('DSDT'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const execute = (...commands: readonly string[]): string => {
    const { output } = run(directory, 'acpiexec', '-b', commands.join(';'), 'dsdt.aml');
    expect(output).not.toMatch(/AE_|\berror\b|warning/i);
    return output;
  };
  const integers = (output: string): number[] => [...output.matchAll(/\[Integer\] = ([0-9A-F]{16})/g)].map((m) => parseInt(m[1], 16));

  it('routes a slot\'s pin to its I/O APIC input in APIC mode', () => {
    const entries = integers(execute('execute \\_PIC 1', 'execute \\_SB.PCI0._PRT'));
    expect(entries).toHaveLength(8 * 4 * 4);
    // Device 3, INTA: PIRQC, input 18.
    const at = entries.findIndex((value, i) => i % 4 === 0 && value === 0x0003_ffff);
    expect(entries.slice(at, at + 4)).toEqual([0x0003_ffff, 0, 0, 18]);
  });

  it('routes it through the link devices in PIC mode', () => {
    const output = execute('execute \\_PIC 0', 'execute \\_SB.PCI0._PRT');
    expect(output.match(/LNK[A-D]/g)?.slice(0, 8)).toEqual(['LNKA', 'LNKB', 'LNKC', 'LNKD', 'LNKB', 'LNKC', 'LNKD', 'LNKA']);
  });

  it('sets a link through PIRQRC, reads it back, and disables it', () => {
    const link = '\\_SB.LNKB';
    // _SRS with what _PRS would give for IRQ 11, then _CRS and _STA; acpiexec simulates the configuration space.
    const srs = '(89 06 00 0D 01 0B 00 00 00 79 00)';
    const output = execute(`execute ${link}._SRS ${srs}`, `execute ${link}._STA`, `execute ${link}._CRS`, `execute ${link}._DIS`, `execute ${link}._STA`);
    expect(integers(output)).toEqual([0x0b, 0x09]);
    expect(output).toMatch(/89 06 00 0D 01 0B 00 00 00 79 00/);
  });

  it('numbers the slots that are for cards, and has none ejected', () => {
    const namespace = execute('namespace');
    const slots = [...namespace.matchAll(/ (S[0-9A-F]{2})_ Device/g)].map(([, slot]) => slot);
    expect(slots).toEqual(['S10', 'S18', 'S20', 'S28', 'S30', 'S38', 'S40']);
    const values = integers(execute(...slots.flatMap((slot) => [`execute \\_SB.PCI0.${slot}._ADR`, `execute \\_SB.PCI0.${slot}._SUN`])));
    expect(values).toEqual([2, 3, 4, 5, 6, 7, 8].flatMap((slot) => [slot * 0x1_0000, slot]));
    expect(namespace.match(/ (?:_SUN|_EJ\d|_RMV) /g)).toEqual(slots.map(() => ' _SUN '));
  });

  it('finds soft off', () => {
    expect(integers(execute('execute \\_S5'))).toEqual([0, 0, 0, 0]);
  });
});
