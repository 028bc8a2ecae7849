import { describe, expect, it } from 'vitest';
import { buildMpTable } from './mp-table.js';

const sum = (bytes: Uint8Array): number => bytes.reduce((a, b) => (a + b) & 0xff, 0);
const LENGTHS = [20, 8, 8, 8, 8];

function entries(table: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  const count = table[34] | (table[35] << 8);
  for (let at = 44; found.length < count; at += LENGTHS[table[at]]) found.push(table.subarray(at, at + LENGTHS[table[at]]));
  return found;
}

function build(apicIds: number[], pci?: null) {
  const { bytes, address } = buildMpTable({ apicIds, ...(pci === null ? { pci } : {}) }, 0xf_0100);
  return { floating: bytes.subarray(0, 16), table: bytes.subarray(16), address };
}

describe('buildMpTable', () => {
  it('has a floating pointer and a table, each with its checksum and length', () => {
    const { floating, table, address } = build([0, 1]);
    expect(String.fromCharCode(...floating.subarray(0, 4))).toBe('_MP_');
    expect(new DataView(floating.buffer, floating.byteOffset).getUint32(4, true)).toBe(address + 16);
    expect([sum(floating), sum(table)]).toEqual([0, 0]);
    expect(table[4] | (table[5] << 8)).toBe(table.length);
    const all = entries(table);
    expect(all.reduce((n, e) => n + e.length, 44)).toBe(table.length);
    const types = all.map((e) => e[0]);
    expect(types).toEqual([...types].sort());
  });

  it('lists the processors, the boot processor marked', () => {
    const processors = entries(build([0, 2, 4]).table).filter((e) => e[0] === 0);
    expect(processors.map((e) => [e[1], e[3]])).toEqual([
      [0, 3],
      [2, 1],
      [4, 1],
    ]);
  });

  it('has the PIT on input 2, the SCI level triggered and PCI slots on inputs 16 to 19', () => {
    const interrupts = entries(build([0]).table).filter((e) => e[0] === 3);
    const pin = (bus: number, source: number): number[] => {
      const [entry] = interrupts.filter((e) => e[4] === bus && e[5] === source);
      return [entry[7], entry[2]];
    };
    expect(pin(1, 0)).toEqual([2, 0]);
    expect(pin(1, 4)).toEqual([4, 0]);
    expect(pin(1, 9)).toEqual([9, 0x0d]);
    // Device 3, INTA.
    expect(pin(0, 3 << 2)).toEqual([18, 0x0f]);
  });

  it('has no PCI interrupts on a machine without PCI', () => {
    expect(entries(build([0], null).table).filter((e) => e[0] === 3)).toHaveLength(15);
  });
});
