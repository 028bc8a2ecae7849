import { cString } from './bytes.js';
import { buildE820, usableRam } from './e820.js';
import { Layout } from './layout.js';
import { BootError } from './boot-error.js';
import { GDT_LENGTH, buildGdt, buildIdentityMap, identityMapLength } from './processor-state.js';
import type { BootKind, BootOptions, BootPlan, BootRegisters, E820Entry, PlanTables } from './types.js';

/** Tables lie between the first 64 KiB (which Linux may reserve as BIOS-corrupted) and the extended BIOS data area. */
export const LOW_TABLES = 0x1_0000;
export const LOW_TABLES_END = 0x9_fc00;
export const FOUR_GIB = 0x1_0000_0000;

/** What every kind of kernel needs while its plan is made. */
export class BootContext {
  readonly e820: readonly E820Entry[];
  readonly layout: Layout;
  readonly notes: string[] = [];
  readonly tables: { -readonly [Name in keyof PlanTables]: PlanTables[Name] } = {};

  constructor(readonly options: BootOptions) {
    this.e820 = buildE820(options.memory, options.reserved);
    this.layout = new Layout(usableRam(this.e820));
    if ((options.cpus ?? 1) > 1 && options.acpi === undefined) {
      this.notes.push(`${options.cpus} processors but no ACPI tables: the kernel finds only the first, unless the board has an MP table`);
    }
  }

  /** Puts a table of ours into low memory. */
  low(name: string, bytes: Uint8Array, align: number, why: string): number {
    const address = this.layout.place(name, bytes.length, { align, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
    this.layout.put({ name, address, bytes, why });
    return address;
  }

  gdt(mode: 'long64' | 'protected32'): number {
    const address = this.layout.place('GDT', GDT_LENGTH, { align: 16, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
    this.layout.put({ name: 'GDT', address, bytes: buildGdt(mode), why: 'flat segments: __BOOT_CS 0x10, __BOOT_DS 0x18' });
    this.tables.gdt = address;
    return address;
  }

  /** Identity map of everything placed so far, and of the first 4 GiB in any case. */
  identityMap(): number {
    let top = FOUR_GIB;
    for (const segment of this.layout.segments) {
      top = Math.max(top, segment.address + segment.bytes.length + (segment.zeroFill ?? 0));
    }
    for (const part of this.layout.reservations) top = Math.max(top, part.address + part.length);
    const length = identityMapLength(top);
    const address = this.layout.place('page tables', length, { align: 0x1000, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
    this.layout.put({
      name: 'page tables',
      address,
      bytes: buildIdentityMap(address, top),
      why: `identity map of the first ${top / 0x4000_0000 > 4 ? Math.ceil(top / 0x4000_0000) : 4} GiB, 2 MiB pages`,
    });
    this.tables.pageTables = address;
    return address;
  }

  /** @param limit longest length without the NUL, and whose limit it is */
  commandLine(limit: { readonly length: number; readonly whose: string }): number {
    const text = this.options.commandLine ?? '';
    const bytes = cString(text);
    if (bytes.length - 1 > limit.length) {
      throw new BootError('command-line', `the command line has ${bytes.length - 1} bytes, ${limit.whose} takes ${limit.length}`);
    }
    const address = this.low('command line', bytes, 16, `${bytes.length - 1} of at most ${limit.length} bytes`);
    this.tables.commandLine = address;
    return address;
  }

  finish(kind: BootKind, registers: BootRegisters): BootPlan {
    const byAddress = (a: { readonly address: number }, b: { readonly address: number }): number => a.address - b.address;
    return {
      kind,
      segments: this.layout.segments.sort(byAddress),
      reservations: this.layout.reservations.sort(byAddress),
      registers,
      e820: this.e820,
      tables: this.tables,
      notes: this.notes,
    };
  }
}
