import type { Names } from './code-listing.js';

/** What is looked at between two slices of a run. */
export interface ProfiledMachine {
  /** Where processors are that don't halt. */
  positions(): readonly { readonly rip: bigint; readonly user: boolean }[];
  /** Instructions so far, by what executed them. */
  tiers(): Readonly<Record<string, number>>;
}

interface Spot {
  milliseconds: number;
  samples: number;
  readonly tiers: Map<string, number>;
}

const PAGE = 0x1000n;
/** More places than that are counted together. */
const MOST_PLACES = 1_000_000;

/**
 * Where a guest spends its time: between slices of a few milliseconds the processors' RIPs are noted, with the host's time since the last look, and which tiers executed
 * the instructions in between. A slice ends where it ends, so short functions are only seen by their luck: many samples tell the truth, few do not.
 */
export class Profile {
  readonly #machine: ProfiledMachine;
  readonly #now: () => number;
  readonly #spots = new Map<string, Spot>();
  #last: number;
  #tiers: Readonly<Record<string, number>>;
  #idle = 0;

  constructor(machine: ProfiledMachine, now: () => number = () => performance.now()) {
    this.#machine = machine;
    this.#now = now;
    this.#last = now();
    this.#tiers = machine.tiers();
  }

  sample(): void {
    const now = this.#now();
    const elapsed = now - this.#last;
    this.#last = now;
    const tiers = this.#machine.tiers();
    const executed = Object.entries(tiers).map(([tier, count]) => [tier, Math.max(count - (this.#tiers[tier] ?? 0), 0)] as const);
    this.#tiers = tiers;
    const positions = this.#machine.positions();
    if (positions.length === 0) this.#idle += elapsed;
    for (const { rip, user } of positions) {
      const share = elapsed / positions.length;
      const spot = this.#spot(`${user ? 'u' : 'k'}${rip.toString(16)}`);
      spot.milliseconds += share;
      spot.samples++;
      const total = executed.reduce((sum, [, count]) => sum + count, 0);
      if (total > 0) for (const [tier, count] of executed) spot.tiers.set(tier, (spot.tiers.get(tier) ?? 0) + (share * count) / total);
    }
  }

  /** By function, where the kernel has a name for it; by page elsewhere. The most time first. */
  table(names?: Names, rows = 40): string {
    const merged = new Map<string, Spot>();
    for (const [place, spot] of this.#spots) {
      const name = place === 'others' ? place : nameOf(place, names);
      const into = merged.get(name);
      if (into === undefined) {
        merged.set(name, { ...spot, tiers: new Map(spot.tiers) });
        continue;
      }
      into.milliseconds += spot.milliseconds;
      into.samples += spot.samples;
      for (const [tier, share] of spot.tiers) into.tiers.set(tier, (into.tiers.get(tier) ?? 0) + share);
    }
    const all = [...merged].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
    const busy = all.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
    const samples = all.reduce((sum, [, spot]) => sum + spot.samples, 0);
    const lines = all.slice(0, rows).map(([name, spot]) => {
      const percent = ((100 * spot.milliseconds) / busy).toFixed(1);
      return `${spot.milliseconds.toFixed(0).padStart(8)} ms ${percent.padStart(5)} % ${String(spot.samples).padStart(6)}  ${tiersOf(spot).padEnd(24)} ${name}\n`;
    });
    const head = `profile: ${samples} samples, ${busy.toFixed(0)} ms busy, ${this.#idle.toFixed(0)} ms idle\n`;
    return `${head}${'time'.padStart(11)} ${'share'.padStart(7)} ${'times'.padStart(6)}  ${'tier'.padEnd(24)} where\n${lines.join('')}`;
  }

  #spot(place: string): Spot {
    const found = this.#spots.get(place);
    if (found !== undefined) return found;
    if (this.#spots.size >= MOST_PLACES && place !== 'others') return this.#spot('others');
    const spot: Spot = { milliseconds: 0, samples: 0, tiers: new Map() };
    this.#spots.set(place, spot);
    return spot;
  }
}

function nameOf(place: string, names: Names | undefined): string {
  const rip = BigInt(`0x${place.slice(1)}`);
  const page = `0x${(rip - (rip % PAGE)).toString(16)}`;
  if (place.startsWith('u')) return `user page ${page}`;
  return names?.nearest(rip)?.name ?? `kernel page ${page}`;
}

function tiersOf({ tiers, milliseconds }: Spot): string {
  return [...tiers]
    .filter(([, share]) => share >= 0.005 * milliseconds && share > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([tier, share]) => `${tier} ${((100 * share) / milliseconds).toFixed(0)} %`)
    .join(', ');
}
