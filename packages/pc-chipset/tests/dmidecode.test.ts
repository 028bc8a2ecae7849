import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSmbios } from '../src/acpi/smbios.js';
import { lacks, run } from './tools.js';

describe.skipIf(lacks('dmidecode'))('dmidecode (Debian package of that name; skipped where it is missing)', () => {
  it('reads our tables', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pckit-dmi-'));
    try {
      // Its dump format is an anchor whose structures lie at 20H of the file: tables built for address 0.
      writeFileSync(join(directory, 'dmi.bin'), buildSmbios({ uuid: Uint8Array.from({ length: 16 }, (_, i) => i + 1) }, 0).bytes);
      const { output } = run(directory, 'dmidecode', '--from-dump', 'dmi.bin');
      expect(output).toContain('SMBIOS 2.8 present.');
      expect(output).toMatch(/System Information\n\tManufacturer: pckit\n\tProduct Name: pckit PC/);
      expect(output).toContain('System is a virtual machine');
      expect(output).not.toMatch(/broken|invalid|wrong|truncated|<BAD|OUT OF SPEC/i);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
