import type { MachineStop } from '../events.js';
import type { Machine } from '../machine.js';
import type { Snapshot } from '../snapshot.js';
import { MachineError } from '../machine-error.js';

/** One of the two: how to make a machine of its kind, deterministic and switched off. The same every time. */
export interface LockstepSide {
  readonly name: string;
  make(): Machine | Promise<Machine>;
}

export interface LockstepOptions {
  /** The one that is believed: snapshots are of it. */
  readonly left: LockstepSide;
  readonly right: LockstepSide;
  /** Instructions between two comparisons. Default 10 million. */
  readonly interval?: number;
  /** Compare up to here. Default: until the guest ends the run. */
  readonly until?: number;
  /** Comparisons between two snapshots. Default 10. */
  readonly snapshotEvery?: number;
  /** After every comparison that found no difference. */
  readonly onEqual?: (instructions: number, hash: string) => void;
  /** While the first difference is searched: it lies behind `equal` and not behind `different`. */
  readonly onSearch?: (equal: number, different: number, from: 'snapshot' | 'power-on') => void;
}

export type LockstepResult =
  | { readonly kind: 'equal'; readonly instructions: number; readonly hash: string; readonly stop: MachineStop['reason'] }
  | {
      readonly kind: 'different';
      /** The last count at which the states are equal, the first at which they differ: one apart, unless the difference can't be repeated. */
      readonly equalAt: number;
      readonly differentAt: number;
      /** From where the right machine had to be run for the difference to show; `never`: it showed once, and not again. */
      readonly repeats: 'snapshot' | 'power-on' | 'never';
      /** Both at `differentAt`. */
      readonly left: Machine;
      readonly right: Machine;
      /** A machine of the left kind at a count from the last snapshot before the difference on. The same one each time. */
      readonly leftAt: (instructions: number) => Promise<Machine>;
      /** The count of that snapshot. */
      readonly snapshotAt: number;
    };

/**
 * Runs two deterministic machines side by side and compares their state hashes; where they differ, searches by bisection for the first instruction
 * after which they do.
 *
 * A snapshot doesn't hold what a machine has compiled. So the right machine is run through from the last snapshot for every probe, and when the difference
 * doesn't show that way, from power-on. A stop cuts a compiled region short (what is left of a budget is interpreted): a wrong instruction within a
 * region may show only where the region ends.
 */
export async function lockstep(options: LockstepOptions): Promise<LockstepResult> {
  const { left, right, interval = 10_000_000, until = Infinity, snapshotEvery = 10, onEqual } = options;
  if (!Number.isInteger(interval) || interval < 1) throw new MachineError('configuration', `lockstep: an interval of ${interval} instructions`);
  const one = await make(left);
  const two = await make(right);
  let kept: Snapshot = one.snapshot();
  let keptAt = 0;
  let equalAt = 0;
  for (let turn = 1; ; turn++) {
    const target = Math.min(equalAt + interval, until);
    const [a, b] = [await runTo(one, target), await runTo(two, target)];
    const hash = one.stateHash();
    if (!same(a, b) || hash !== two.stateHash()) {
      const search = new Search(options, one, two, kept, keptAt);
      return search.between(equalAt, Math.max(a.instructions, b.instructions));
    }
    onEqual?.(a.instructions, hash);
    if (a.reason !== 'instructions' || a.instructions >= until) return { kind: 'equal', instructions: a.instructions, hash, stop: a.reason };
    equalAt = a.instructions;
    if (turn % snapshotEvery === 0) {
      kept = one.snapshot();
      keptAt = equalAt;
    }
  }
}

async function make(side: LockstepSide): Promise<Machine> {
  const machine = await side.make();
  if (!machine.deterministic) throw new MachineError('configuration', `lockstep: the machine ${side.name} is not deterministic`);
  if (!machine.powered) machine.powerOn();
  return machine;
}

function runTo(machine: Machine, instructions: number): Promise<MachineStop> {
  return machine.run({ untilInstructions: instructions });
}

function same(a: MachineStop, b: MachineStop): boolean {
  return a.reason === b.reason && a.instructions === b.instructions;
}

class Search {
  readonly #options: LockstepOptions;
  readonly #left: Machine;
  #right: Machine;
  /** Of the left machine, between which and a difference everything happens. */
  #snapshot: Snapshot;
  #snapshotAt: number;
  /** Where the right machine starts. */
  readonly #origin: Snapshot;
  readonly #originAt: number;
  #from: 'snapshot' | 'power-on' = 'snapshot';

  constructor(options: LockstepOptions, left: Machine, right: Machine, snapshot: Snapshot, at: number) {
    this.#options = options;
    this.#left = left;
    this.#right = right;
    this.#snapshot = this.#origin = snapshot;
    this.#snapshotAt = this.#originAt = at;
  }

  async between(equalAt: number, differentAt: number): Promise<LockstepResult> {
    let repeats: 'snapshot' | 'power-on' | 'never' = 'snapshot';
    if (await this.#equal(differentAt)) {
      this.#from = repeats = 'power-on';
      if (await this.#equal(differentAt)) repeats = 'never';
    }
    let [low, high] = [equalAt, differentAt];
    while (repeats !== 'never' && high - low > 1) {
      this.#options.onSearch?.(low, high, this.#from);
      const middle = low + Math.floor((high - low) / 2);
      if (await this.#equal(middle)) {
        low = middle;
        // The left machine stands there.
        this.#snapshot = this.#left.snapshot();
        this.#snapshotAt = middle;
      } else {
        high = middle;
      }
    }
    await this.#equal(high);
    return {
      kind: 'different',
      equalAt: low,
      differentAt: high,
      repeats,
      left: this.#left,
      right: this.#right,
      leftAt: async (instructions) => {
        this.#left.restore(this.#origin);
        await runTo(this.#left, instructions);
        return this.#left;
      },
      snapshotAt: this.#originAt,
    };
  }

  /** Brings both to a count, and compares. */
  async #equal(instructions: number): Promise<boolean> {
    if (this.#left.instructions !== this.#snapshotAt || this.#left.instructions > instructions) this.#left.restore(this.#snapshot);
    const a = await runTo(this.#left, instructions);
    if (this.#from === 'power-on') this.#right = await make(this.#options.right);
    else this.#right.restore(this.#origin);
    const b = await runTo(this.#right, instructions);
    return same(a, b) && this.#left.stateHash() === this.#right.stateHash();
  }
}
