import type { Ingress, Plain, Settled } from '@pckit/interfaces';
import { MachineError } from './machine-error.js';
import type { VirtualClock } from './virtual-clock.js';

/** Something entered the machine. What record and replay will keep. */
export type DoorEntry =
  | {
      readonly kind: 'input';
      readonly name: string;
      readonly instructions: number;
      readonly time: number;
      readonly event: unknown;
    }
  | {
      readonly kind: 'completion';
      readonly name: string;
      readonly instructions: number;
      readonly time: number;
      readonly ok: boolean;
    };

export interface DoorOptions {
  readonly clock: VirtualClock;
  /** Instructions executed so far, by all processors. */
  readonly instructions: () => number;
  /**
   * Virtual nanoseconds from a request to its completion; the run loop waits at that point for a host that takes longer. `undefined`:
   * a completion enters when the host is done (real time).
   */
  readonly completionLatency: number | undefined;
  readonly onEntry?: ((entry: DoorEntry) => void) | undefined;
}

interface Completion {
  readonly name: string;
  readonly deadline: number;
  /** Counts requests; of two with one deadline the earlier enters first. */
  readonly order: number;
  settle: (() => void) | undefined;
  ok: boolean;
}

interface Input {
  readonly name: string;
  readonly event: unknown;
  readonly deliver: (event: never) => void;
}

interface ScheduledInput {
  readonly at: number;
  readonly name: string;
  readonly event: unknown;
}

export type DoorState = {
  readonly version: 1;
  /** Requests without a completion, in the order in which they enter. The devices issue them again on restore. */
  readonly pending: readonly { readonly name: string; readonly deadline: number }[];
  /** Inputs that were posted and have not entered. */
  readonly inputs: readonly { readonly name: string; readonly event: Plain }[];
};

/**
 * The one door from the host into the guest. Inputs and completions wait here until the run loop calls `deliver` at its safe point, where no
 * processor runs; nothing is ever delivered from within `post` or `completion`.
 *
 * With a completion latency (deterministic) a completion enters at exactly request time + latency, in order of request, and `deliver` stops
 * before one whose host work has not ended. Without, completions enter in the order in which the host finished.
 */
export class Door implements Ingress {
  /** Called when something became ready while the loop may be asleep. */
  onReady: () => void = () => undefined;

  readonly #clock: VirtualClock;
  readonly #options: DoorOptions;
  readonly #inputs = new Map<string, (event: never) => void>();
  #posted: Input[] = [];
  readonly #scheduled: ScheduledInput[] = [];
  /** Requests in order of deadline (with a latency) or of request (without). */
  #completions: Completion[] = [];
  /** Finished work, in the order of finishing (without a latency). */
  #finished: Completion[] = [];
  /** While a snapshot is being restored: what it had pending, by name, for devices to claim. */
  #claims: { name: string; deadline: number; order: number }[] | undefined;
  /** Finished work that waits for more of its kind (without a latency), and until when. */
  #patient: Completion[] = [];
  #patientUntil = Infinity;
  #order = 0;
  /** Host work in guest memory. */
  readonly #beside = new Set<Promise<unknown>>();
  /** Works that processors wait for. */
  #holds = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    if (options.completionLatency !== undefined) return;
    this.completionWithin = (name, nanoseconds, settle) => {
      const completion: Completion = { name, deadline: 0, order: this.#order++, settle, ok: true };
      this.#completions.push(completion);
      this.#patient.push(completion);
      const until = this.#clock.now() + nanoseconds;
      if (until >= this.#patientUntil) return;
      this.#patientUntil = until;
      this.#clock.preemptBefore(until);
    };
    this.beside = (work) => {
      const over = (): void => void this.#beside.delete(work);
      this.#beside.add(work);
      work.then(over, over);
    };
    this.hold = (work) => {
      const over = (): void => {
        if (--this.#holds === 0) this.onReady();
      };
      this.#holds++;
      this.#clock.preempt();
      work.then(over, over);
    };
  }

  /** Somebody is given every event that enters, and may keep it: then whoever posted it must not change it afterwards. */
  get logged(): boolean {
    return this.#options.onEntry !== undefined;
  }

  input<T>(name: string, deliver: (event: T) => void): { post(event: T): void } {
    if (this.#inputs.has(name)) throw new MachineError('configuration', `there is an input ${name} already`);
    this.#inputs.set(name, deliver as (event: never) => void);
    return { post: (event) => this.post(name, event) };
  }

  /** Posts to an input by name. */
  post(name: string, event: unknown): void {
    this.#posted.push({ name, event, deliver: this.#inputNamed(name) });
    this.#clock.preempt();
    this.onReady();
  }

  /**
   * Has an event enter when exactly `instructions` have been executed: scripted runs, and replay. The script is the host's; a snapshot doesn't
   * hold it.
   */
  postAt(instructions: number, name: string, event: unknown): void {
    this.#inputNamed(name);
    if (instructions < this.#options.instructions()) {
      throw new MachineError(
        'state',
        `input ${name} at ${instructions} instructions, but ${this.#options.instructions()} have been executed`,
      );
    }
    let at = this.#scheduled.length;
    while (at > 0 && this.#scheduled[at - 1].at > instructions) at--;
    this.#scheduled.splice(at, 0, { at: instructions, name, event });
    this.#clock.preempt();
    this.onReady();
  }

  completion<T>(name: string, work: Promise<T> | T, settle: (result: Settled<T>) => void): void {
    const { completionLatency } = this.#options;
    const claim = this.#claim(name);
    const completion: Completion = {
      name,
      deadline: claim?.deadline ?? (completionLatency === undefined ? 0 : this.#clock.now() + completionLatency),
      order: claim?.order ?? this.#order++,
      settle: undefined,
      ok: true,
    };
    let at = this.#completions.length;
    while (at > 0 && isBefore(completion, this.#completions[at - 1])) at--;
    this.#completions.splice(at, 0, completion);

    const finish = (result: Settled<T>): void => {
      completion.settle = () => settle(result);
      completion.ok = result.ok;
      if (completionLatency === undefined) {
        this.#finished.push(completion);
        this.#clock.preempt();
      }
      this.onReady();
    };
    if (isPromise(work)) {
      work.then(
        (value) => finish({ ok: true, value }),
        (error: unknown) => finish({ ok: false, error }),
      );
    } else {
      finish({ ok: true, value: work });
    }
    if (completionLatency !== undefined) this.#clock.preemptBefore(completion.deadline);
  }

  /** Only in real time; see `Ingress`. */
  readonly completionWithin: ((name: string, nanoseconds: number, settle: () => void) => void) | undefined;
  readonly beside: ((work: Promise<unknown>) => void) | undefined;
  readonly hold: ((work: Promise<unknown>) => void) | undefined;

  /** Host work uses guest memory beside the guest. */
  get usesMemory(): boolean {
    return this.#beside.size > 0;
  }

  /** Resolves when no host work uses guest memory beside the guest. */
  async quiet(): Promise<void> {
    while (this.#beside.size > 0) await Promise.allSettled(this.#beside);
  }

  /** The next virtual time at which something enters: the run loop's budgets end there. */
  get nextDeadline(): number {
    if (this.#options.completionLatency === undefined) return this.#patientUntil;
    return this.#completions.length > 0 ? this.#completions[0].deadline : Infinity;
  }

  /** No processor has anything to do: what waits for more of its kind waits no longer. @returns whether there is some */
  hasten(): boolean {
    if (this.#patient.length === 0) return false;
    for (const completion of this.#patient) this.#finished.push(completion);
    this.#patient = [];
    this.#patientUntil = Infinity;
    return true;
  }

  /** The instruction count at which the next scheduled input enters. */
  get nextScheduled(): number {
    return this.#scheduled.length > 0 ? this.#scheduled[0].at : Infinity;
  }

  /** How many inputs and completions wait to enter. */
  get waiting(): number {
    return this.#posted.length + this.#finished.length;
  }

  /** Something could enter now. */
  get ready(): boolean {
    return (
      this.#posted.length > 0 ||
      this.#finished.length > 0 ||
      this.nextScheduled <= this.#options.instructions() ||
      (this.nextDeadline <= this.#clock.now() && (this.#patient.length > 0 || this.#completions[0].settle !== undefined))
    );
  }

  /** A completion is due, but its host work has not ended, or a device holds the processors: time must not pass. */
  get blocked(): boolean {
    return this.#holds > 0 || (this.#options.completionLatency !== undefined && this.nextDeadline <= this.#clock.now() && this.#completions[0].settle === undefined);
  }

  /** Host work that was asked for and has not entered. */
  get outstanding(): number {
    return this.#completions.length;
  }

  /** The safe point: lets in what may enter now. @returns how many entries */
  deliver(): number {
    let count = 0;
    const instructions = this.#options.instructions();
    while (this.nextScheduled <= instructions) {
      const { name, event } = this.#scheduled.shift() as ScheduledInput;
      this.#enter({ name, event, deliver: this.#inputNamed(name) });
      count++;
    }
    if (this.#posted.length > 0) {
      const posted = this.#posted;
      this.#posted = [];
      for (const input of posted) this.#enter(input);
      count += posted.length;
    }
    if (this.#options.completionLatency === undefined) {
      // Only what is finished now: a synchronous backend whose completion starts the next request must not hold the loop.
      this.hasten();
      const finished = this.#finished;
      this.#finished = [];
      for (const completion of finished) this.#settle(completion);
      count += finished.length;
    } else {
      while (this.nextDeadline <= this.#clock.now() && this.#completions[0].settle !== undefined) {
        this.#settle(this.#completions[0]);
        count++;
      }
    }
    return count;
  }

  save(): DoorState {
    return {
      version: 1,
      pending: this.#completions.map(({ name, deadline }) => ({ name, deadline })),
      inputs: this.#posted.map(({ name, event }) => ({ name, event: event as Plain })),
    };
  }

  /** Forgets everything; until `endRestore` the devices ask again for the work that `state` had in flight. */
  beginRestore(state: DoorState): void {
    if (state.version !== 1) throw new MachineError('snapshot', `door: unknown version ${String(state.version)}`);
    for (const completion of this.#completions) completion.settle = undefined;
    this.#completions = [];
    this.#finished = [];
    this.#patient = [];
    this.#patientUntil = Infinity;
    this.#posted = state.inputs.map(({ name, event }) => ({ name, event, deliver: this.#inputNamed(name) }));
    this.#claims = state.pending.map(({ name, deadline }, order) => ({ name, deadline, order }));
    this.#order = state.pending.length;
  }

  endRestore(): void {
    const unclaimed = this.#claims ?? [];
    this.#claims = undefined;
    if (unclaimed.length > 0) {
      throw new MachineError(
        'snapshot',
        `nobody asked again for work that was in flight: ${unclaimed.map(({ name }) => name).join(', ')}`,
      );
    }
  }

  #claim(name: string): { deadline: number; order: number } | undefined {
    if (this.#claims === undefined) return undefined;
    const index = this.#claims.findIndex((claim) => claim.name === name);
    if (index < 0) throw new MachineError('snapshot', `${name} asks for work on restore that was not in flight`);
    return this.#claims.splice(index, 1)[0];
  }

  #enter(input: Input): void {
    this.#options.onEntry?.({
      kind: 'input',
      name: input.name,
      instructions: this.#options.instructions(),
      time: this.#clock.now(),
      event: input.event,
    });
    input.deliver(input.event as never);
  }

  #settle(completion: Completion): void {
    const index = this.#completions.indexOf(completion);
    // Not there: a restore forgot it while the host was at work.
    if (index < 0) return;
    this.#completions.splice(index, 1);
    this.#options.onEntry?.({
      kind: 'completion',
      name: completion.name,
      instructions: this.#options.instructions(),
      time: this.#clock.now(),
      ok: completion.ok,
    });
    completion.settle?.();
  }

  #inputNamed(name: string): (event: never) => void {
    const deliver = this.#inputs.get(name);
    if (deliver === undefined) {
      throw new MachineError(
        'configuration',
        `there is no input ${name}; there are ${[...this.#inputs.keys()].join(', ') || 'none'}`,
      );
    }
    return deliver;
  }
}

function isBefore(a: Completion, b: Completion): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

function isPromise<T>(work: Promise<T> | T): work is Promise<T> {
  return typeof work === 'object' && work !== null && typeof (work as { then?: unknown }).then === 'function';
}
