import { describe, expect, it } from 'vitest';
import { FULL, LoadedTables } from '../testing/loaded-tables.js';
import type { AcpiConfig } from './acpi-config.js';
import { buildAcpiTables } from './build-acpi-tables.js';

const sum = (bytes: Uint8Array): number => bytes.reduce((a, b) => (a + b) & 0xff, 0);

describe('buildAcpiTables', () => {
  it('makes the same bytes from the same configuration', () => {
    expect(buildAcpiTables(FULL)).toEqual(buildAcpiTables(FULL));
  });

  it('has an RSDP of revision 2, right in both checksums, where it is searched for', () => {
    const loaded = new LoadedTables(FULL);
    const { rsdp } = loaded.tables;
    expect(rsdp % 16 === 0 && rsdp >= 0xe_0000 && rsdp < 0x10_0000).toBe(true);
    expect(loaded.text(rsdp, 8)).toBe('RSD PTR ');
    expect(loaded.bytes(rsdp + 15, 1)[0]).toBe(2);
    expect([sum(loaded.bytes(rsdp, 20)), sum(loaded.bytes(rsdp, 36))]).toEqual([0, 0]);
  });

  it('leads to every table through both roots, each with its checksum', () => {
    const loaded = new LoadedTables(FULL);
    const tables = loaded.find();
    expect([...tables.keys()].sort()).toEqual(['APIC', 'DSDT', 'FACP', 'FACS', 'HPET', 'WAET', 'XSDT']);
    const { XSDT: _, ...shared } = Object.fromEntries(tables);
    const { RSDT: __, ...viaRsdt } = Object.fromEntries(loaded.find('rsdt'));
    expect(viaRsdt).toEqual(shared);
    for (const signature of tables.keys()) if (signature !== 'FACS') expect(sum(loaded.table(signature)), signature).toBe(0);
    expect((tables.get('FACS') ?? 0) % 64).toBe(0);
  });

  it('keeps its segments apart, and says what the memory map should call them', () => {
    const { segments } = buildAcpiTables(FULL);
    const sorted = [...segments].sort((a, b) => a.address - b.address);
    for (let i = 1; i < sorted.length; i++) expect(sorted[i - 1].address + sorted[i - 1].bytes.length).toBeLessThanOrEqual(sorted[i].address);
    expect(segments.map((s) => [s.name, s.memoryType])).toEqual([
      ['acpi-rsdp', 'reserved'],
      ['acpi-facs', 'nvs'],
      ['acpi-tables', 'acpi'],
    ]);
  });

  it('leaves out what the machine lacks', () => {
    const loaded = new LoadedTables({ placement: { tables: 0x10_0000 }, apicIds: [0], pci: null, keyboard: false, mouse: false, rtc: false });
    expect(loaded.find().has('HPET')).toBe(false);
    const fadt = loaded.table('FACP');
    // IAPC_BOOT_ARCH: legacy devices, no 8042, no VGA, no CMOS RTC.
    expect(fadt[109]).toBe(0x25);
    expect(fadt[108]).toBe(0);
  });

  it('says in the FADT what AcpiPm and the reset control register do', () => {
    const loaded = new LoadedTables(FULL);
    const fadt = loaded.find().get('FACP') ?? 0;
    expect(loaded.bytes(fadt + 46, 1)[0]).toBe(9);
    expect(loaded.u32(fadt + 48)).toBe(0xb2);
    expect([...loaded.bytes(fadt + 52, 2)]).toEqual([0xf1, 0xf0]);
    expect([56, 64, 76, 80].map((offset) => loaded.u32(fadt + offset))).toEqual([0x600, 0x604, 0x608, 0x60c]);
    expect([...loaded.bytes(fadt + 116, 12)]).toEqual([1, 8, 0, 1, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0]);
    // VGA is there in this configuration.
    expect(loaded.bytes(fadt + 109, 1)[0]).toBe(0x03);
    const enabled = new LoadedTables({ ...FULL, pm: { acpiEnabled: true, timerBits: 32 } });
    const other = enabled.find().get('FACP') ?? 0;
    expect([enabled.u32(other + 48), enabled.u32(other + 112) & 0x100]).toEqual([0, 0x100]);
  });

  it.each<[Partial<AcpiConfig>, RegExp]>([
    [{ apicIds: [] }, /1 to 255 of them/],
    [{ apicIds: [255] }, /each 0 to 254/],
    [{ placement: { tables: 0x1234 } }, /tables at 0x1234/],
    [{ placement: { tables: 0x1000, rsdp: 0xd_0000 } }, /an RSDP at 0xd0000/],
    [{ placement: { tables: 0xffff_f000 } }, /above 4 GiB/],
    [{ serialPorts: [{ ioBase: 0x3f8, irq: 40 }] }, /IRQ/],
  ])('refuses what it can\'t say: %j', (wrong, message) => {
    expect(() => buildAcpiTables({ ...FULL, ...wrong })).toThrow(message);
  });
});
