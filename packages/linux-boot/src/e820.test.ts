import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BootError } from './boot-error.js';
import { buildE820, usableRam } from './e820.js';

const MIB = 0x10_0000;
const GIB = 0x4000_0000;

function failure(run: () => unknown): BootError {
  try {
    run();
  } catch (error) {
    if (error instanceof BootError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('buildE820', () => {
  it('leaves the EBDA, the legacy hole, the BIOS and the APICs out of RAM', () => {
    expect(buildE820({ ramBytes: 64 * MIB })).toEqual([
      { start: 0, length: 0x9_fc00, type: 1 },
      { start: 0x9_fc00, length: 0x400, type: 2 },
      { start: 0xf_0000, length: 0x1_0000, type: 2 },
      { start: MIB, length: 63 * MIB, type: 1 },
      { start: 0xfec0_0000, length: 0x1000, type: 2 },
      { start: 0xfee0_0000, length: 0x1000, type: 2 },
    ]);
  });

  it('moves what exceeds the 32-bit hole above 4 GiB', () => {
    const ram = usableRam(buildE820({ ramBytes: 4 * GIB }));
    expect(ram.slice(1)).toEqual([
      { start: MIB, length: 3 * GIB - MIB },
      { start: 4 * GIB, length: GIB },
    ]);
    expect(usableRam(buildE820({ ramBytes: 4 * GIB, holeStart: 0x8000_0000 })).at(-1)).toEqual({ start: 4 * GIB, length: 2 * GIB });
  });

  it('marks ACPI tables as type 3, in RAM or in the BIOS area', () => {
    const map = buildE820({ ramBytes: 64 * MIB }, [
      { name: 'ACPI tables', start: 63 * MIB, length: MIB, type: 'acpi' },
      { name: 'RSDP', start: 0xf_5000, length: 0x1000, type: 'acpi' },
    ]);
    expect(map).toContainEqual({ start: 63 * MIB, length: MIB, type: 3 });
    expect(map).toContainEqual({ start: 0xf_5000, length: 0x1000, type: 3 });
    expect(map).toContainEqual({ start: 0xf_0000, length: 0x5000, type: 2 });
    expect(usableRam(map).at(-1)).toEqual({ start: MIB, length: 62 * MIB });
  });

  it('names both regions when two overlap', () => {
    const error = failure(() =>
      buildE820({ ramBytes: 64 * MIB }, [
        { name: 'ACPI tables', start: MIB, length: 0x2000 },
        { name: 'framebuffer', start: MIB + 0x1000, length: 0x2000 },
      ]),
    );
    expect(error.code).toBe('overlap');
    expect(error.message).toContain('ACPI tables');
    expect(error.message).toContain('framebuffer');
  });

  it('refuses RAM at an APIC, overlapping RAM, and ranges that are no addresses', () => {
    expect(failure(() => buildE820({ ranges: [{ start: 0, length: 4 * GIB }] })).message).toContain('I/O APIC');
    expect(failure(() => buildE820({ ranges: [{ start: 0, length: 2 * MIB }, { start: MIB, length: MIB }] })).code).toBe('overlap');
    for (const length of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(failure(() => buildE820({ ranges: [{ start: 0, length }] })).code, String(length)).toBe('bad-option');
    }
    expect(failure(() => buildE820({ ranges: [] })).code).toBe('bad-option');
    expect(failure(() => buildE820({ ramBytes: GIB, holeStart: 0xff00_0000 })).code).toBe('bad-option');
  });

  it('is ascending and disjoint, and loses no RAM that nobody reserved', () => {
    const regions = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6000 }), regions, (ramMib, slots) => {
        const reserved = slots.map((slot) => ({ name: `slot ${slot}`, start: slot * 8 * MIB + 2 * MIB, length: MIB }));
        const memory = { ramBytes: ramMib * MIB };
        const map = buildE820(memory, reserved);
        map.slice(1).forEach((entry, index) => expect(entry.start).toBeGreaterThanOrEqual(map[index].start + map[index].length));
        const total = usableRam(map).reduce((sum, range) => sum + range.length, 0);
        const inLow = Math.min(ramMib, 3072);
        const taken = reserved.filter((region) => region.start < inLow * MIB).length;
        expect(total).toBe(ramMib * MIB - (MIB - 0x9_fc00) - taken * MIB);
      }),
      { seed: 820, numRuns: 200 },
    );
  });
});
