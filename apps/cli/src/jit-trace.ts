import type { RegionEvent, RegionTrace, TracedRegion } from '@pckit/x86-jit';
import type { Names } from './code-listing.js';

/** Regions that were dropped are shown in the table while so many did more than others. */
const DROPPED_KEPT = 2000;

interface Done {
  readonly region: TracedRegion;
  readonly entries: number;
  readonly instructions: number;
  readonly interrupted: number;
  readonly fate: string;
}

/** `--trace-jit`: a line for each thing that happens to a compiled region, and which of them did the work. */
export class JitTrace implements RegionTrace {
  readonly #live = new Map<number, TracedRegion>();
  #dropped: Done[] = [];
  #dropCount = 0;

  constructor(private readonly write: (line: string) => void) {}

  event(event: RegionEvent): void {
    switch (event.kind) {
      case 'compiled': {
        const { region, why, milliseconds } = event;
        this.#live.set(region.number, region);
        this.write(`compiled ${shown(region)} for its ${why}, ${milliseconds.toFixed(2)} ms`);
        break;
      }
      case 'module':
        this.write(`module of ${event.regions.length} regions (${event.regions.map((number) => `#${number}`).join(' ')}), ${event.bytes} bytes, ${event.milliseconds.toFixed(2)} ms`);
        break;
      case 'dropped': {
        const { region, why } = event;
        this.#live.delete(region.number);
        const { entries, instructions, interrupted } = region.use();
        this.#dropCount++;
        this.#dropped.push({ region, entries, instructions, interrupted, fate: why });
        if (this.#dropped.length > 2 * DROPPED_KEPT) this.#dropped = mostFirst(this.#dropped).slice(0, DROPPED_KEPT);
        this.write(`dropped ${shown(region)}: ${why}; entered ${entries} times, ${instructions} instructions`);
      }
    }
  }

  /** The regions that executed most. */
  table(names?: Names, rows = 40): string {
    const all = mostFirst([...[...this.#live.values()].map((region) => ({ region, ...region.use(), fate: '' })), ...this.#dropped]);
    const total = all.reduce((sum, { instructions }) => sum + instructions, 0);
    const entries = all.reduce((sum, each) => sum + each.entries, 0);
    const lines = all.slice(0, rows).map((each) => {
      const { region, fate } = each;
      const name = names?.nearest(region.address)?.name;
      return (
        `${percent(each.instructions, total)} ${String(each.instructions).padStart(12)} ${String(each.entries).padStart(10)} ${perEntry(each)} ${String(each.interrupted).padStart(9)} ` +
        `${String(region.blocks).padStart(6)} ${String(region.instructions).padStart(5)} ${String(region.bytes).padStart(6)}  #${region.number} ${hex(region.address)}${name === undefined ? '' : ` ${name}`}${fate === '' ? '' : ` (${fate})`}\n`
      );
    });
    const head = `regions: ${this.#live.size} live, ${this.#dropCount} dropped; entered ${entries} times, ${total} instructions, ${perEntry({ entries, instructions: total }).trim()} an entry, cut short ${all.reduce((sum, each) => sum + each.interrupted, 0)} times\n`;
    return `${head}  share instructions    entries  an entry cut short blocks  code  bytes  where\n${lines.join('')}`;
  }
}

const mostFirst = (all: readonly Done[]): Done[] => [...all].sort((a, b) => b.instructions - a.instructions);
const hex = (address: bigint): string => BigInt.asUintN(64, address).toString(16);
const shown = (region: TracedRegion): string => `#${region.number} at ${hex(region.address)}: ${region.blocks} blocks, ${region.instructions} instructions, ${region.bytes} bytes`;
const percent = (part: number, whole: number): string => `${whole === 0 ? '0.0' : ((100 * part) / whole).toFixed(1)} %`.padStart(7);
const perEntry = ({ entries, instructions }: { readonly entries: number; readonly instructions: number }): string => (entries === 0 ? '-' : (instructions / entries).toFixed(1)).padStart(9);
