import type { RunExit, Vcpu } from '@pckit/interfaces';
import type { Door } from './door.js';
import type { TimeSource } from './time-source.js';
import type { VirtualClock } from './virtual-clock.js';

/** How `RunLoop.slice` ended. `idle`: nobody has anything to do for `sleep` milliseconds (`Infinity`: until an input). */
export type SliceEnd =
  | { readonly kind: 'slice' }
  | { readonly kind: 'idle'; readonly sleep: number }
  /** A completion is due that the host has not finished. */
  | { readonly kind: 'blocked' }
  /** `interrupted` was set. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'limit' }
  /** `stepping` says that its step is done. */
  | { readonly kind: 'stepped'; readonly vcpu: number }
  /** Every processor is halted in a way that nothing on the board can end. */
  | { readonly kind: 'stuck' }
  | { readonly kind: 'processor'; readonly vcpu: number; readonly exit: 'breakpoint' | 'watchpoint' | 'shutdown' };

export interface RunLoopWires {
  readonly clock: VirtualClock;
  readonly door: Door;
  readonly time: TimeSource;
  /** The host's clock in milliseconds: decides only when the event loop gets its turn. */
  readonly hostNow: () => number;
  /** Whether a halted processor could be woken by an interrupt. Absent: always. */
  readonly interruptible?: ((vcpu: number) => boolean) | undefined;
}

export interface RunLoopOptions {
  /** Instructions that a processor executes before the next one's turn, when there are several. */
  readonly quantum: number;
  /** Host milliseconds after which `slice` returns. */
  readonly sliceMilliseconds: number;
}

/** A debugger's step. */
export interface Stepping {
  /** Its instructions are run one at a time, whoever's turn it is; the others run while it is halted or spins. */
  readonly vcpu: number;
  /** Asked after each: whether that was the last. */
  readonly done: () => boolean;
}

export type RunLoopState = {
  readonly version: 1;
  readonly instructions: number;
  /** Whose turn it is, and how many instructions are left of it. */
  readonly current: number;
  readonly remaining: number;
  /** Processors that wait for a start-up IPI. */
  readonly parked: readonly boolean[];
};

/** Largest budget of one run: keeps budgets small integers. */
const LONGEST_RUN = 1 << 24;
const SHORTEST_STRIDE = 20_000;
const SLICE_END: SliceEnd = { kind: 'slice' };

/**
 * Lets the processors take turns on one thread.
 *
 * Each turn is at most a quantum of instructions; a processor that halts, spins (PAUSE) or waits for its start-up IPI gives up the rest. Whose turn it
 * is depends on instruction counts only: where a run is cut for a timer, a completion, the end of a slice or a limit, the same processor goes on with
 * the rest of its quantum. So the order of all instructions of all processors is a function of the guest and its inputs.
 *
 * Between two runs lies the safe point: due timers fire first (in advancing the clock), then completions and inputs enter.
 */
export class RunLoop {
  readonly vcpus: readonly Vcpu[];
  /** Set, with a preemption, by whoever needs the loop to stop at the next safe point: reset, power-off, stop. Cleared by its reader. */
  interrupted = false;
  /** How often runs of processors ended, by reason. */
  readonly exits: Record<RunExit, number> = {
    budget: 0,
    halted: 0,
    waiting: 0,
    preempted: 0,
    pause: 0,
    breakpoint: 0,
    watchpoint: 0,
    shutdown: 0,
  };
  /** Set by a debugger. */
  stepping: Stepping | undefined;
  /** Processors that a debugger holds: they don't run. */
  readonly held = new Set<number>();
  /** Instructions that the others run before the next step, because the stepped processor spins. */
  #others = 0;
  #instructions = 0;
  #current = 0;
  #remaining: number;
  readonly #parked: boolean[];
  /** Budget limit that lets slices end in time on this host. Where a run is cut makes no difference to the guest. */
  #stride = 200_000;
  /** Instructions that the time source has not been told of. */
  #unsynced = 0;

  constructor(private readonly wires: RunLoopWires, vcpus: readonly Vcpu[], private readonly options: RunLoopOptions) {
    this.vcpus = vcpus;
    this.#remaining = options.quantum;
    this.#parked = vcpus.map(() => false);
  }

  /** Executed by all processors since power-on. */
  get instructions(): number {
    return this.#instructions + (this.#running === undefined ? 0 : this.#running.executed);
  }

  #running: Vcpu | undefined;

  /** Whose turn it is. */
  get current(): number {
    return this.#current;
  }

  /** The processor whose run is under way: who made the bus access that a device is handling. */
  get running(): Vcpu | undefined {
    return this.#running;
  }

  /** INIT or a start-up IPI came: worth a look. */
  unpark(vcpu: number): void {
    this.#parked[vcpu] = false;
  }

  /** Asks for a stop at the next safe point, right after the present instruction. */
  interrupt(): void {
    this.interrupted = true;
    this.wires.clock.preempt();
  }

  /** Runs until the slice is over or there is something for the caller to do. @param limit stops when exactly so many instructions are executed */
  slice(limit: number): SliceEnd {
    const { clock, door, time, hostNow } = this.wires;
    const until = hostNow() + this.options.sliceMilliseconds;
    for (;;) {
      time.sync(clock, this.#unsynced);
      this.#unsynced = 0;
      // Until nothing is due any more: a timer armed here for the present fires here, and not after one more instruction or, when a slice
      // happens to end here, none.
      while (clock.nextDeadline <= clock.now() || door.ready) {
        clock.advanceTo(clock.now());
        door.deliver();
      }
      if (this.interrupted) {
        this.interrupted = false;
        return { kind: 'interrupted' };
      }
      if (door.blocked) return { kind: 'blocked' };
      if (this.#instructions >= limit) return { kind: 'limit' };

      const { stepping } = this;
      const next = stepping === undefined ? this.#pick() : this.#pickForStep(stepping.vcpu);
      if (next < 0) {
        if (door.hasten()) continue;
        if (this.#stuck()) return { kind: 'stuck' };
        const sleep = time.idle(clock, Math.min(clock.nextDeadline, door.nextDeadline));
        if (sleep > 0) return { kind: 'idle', sleep };
      } else {
        const exit = stepping?.vcpu === next ? this.#step(next) : this.#run(next, limit);
        if (exit === 'breakpoint' || exit === 'watchpoint' || exit === 'shutdown')
          return { kind: 'processor', vcpu: next, exit };
        if (stepping?.vcpu === next && (this.vcpus[next].executed > 0 || exit === 'preempted') && stepping.done())
          return { kind: 'stepped', vcpu: next };
      }
      if (hostNow() >= until) return SLICE_END;
    }
  }

  /** RESET#: the bootstrap processor's turn. */
  reset(): void {
    this.#current = 0;
    this.#remaining = this.options.quantum;
    this.#parked.fill(false);
  }

  save(): RunLoopState {
    return {
      version: 1,
      instructions: this.#instructions,
      current: this.#current,
      remaining: this.#remaining,
      parked: [...this.#parked],
    };
  }

  restore(state: RunLoopState): void {
    this.#instructions = state.instructions;
    this.#current = state.current;
    this.#remaining = state.remaining;
    for (let i = 0; i < this.#parked.length; i++) this.#parked[i] = state.parked[i] ?? false;
    this.#unsynced = 0;
    this.interrupted = false;
  }

  /** The processor to run: the present one while it has a turn, else the next that can. -1 when none can. */
  #pick(): number {
    const { vcpus } = this;
    const count = vcpus.length;
    if (this.#remaining > 0 && this.#runnable(this.#current)) return this.#current;
    for (let i = 1; i <= count; i++) {
      const candidate = (this.#current + i) % count;
      if (!this.#runnable(candidate)) continue;
      this.#current = candidate;
      this.#remaining = this.options.quantum;
      return candidate;
    }
    return -1;
  }

  /** The processor that is stepped, unless it waits for another's work. */
  #pickForStep(vcpu: number): number {
    const others = this.#others > 0 || !this.#runnable(vcpu);
    if (!others) return vcpu;
    const before = this.held.has(vcpu);
    this.held.add(vcpu);
    const next = this.#pick();
    if (!before) this.held.delete(vcpu);
    if (next >= 0) return next;
    this.#others = 0;
    return this.#runnable(vcpu) ? vcpu : -1;
  }

  #step(vcpu: number): RunExit {
    this.#current = vcpu;
    this.#remaining = Math.max(1, this.#remaining);
    const exit = this.#run(vcpu, this.#instructions + 1);
    if (exit === 'pause' && this.vcpus.length > 1) this.#others = this.options.quantum;
    return exit;
  }

  #stuck(): boolean {
    const { interruptible } = this.wires;
    // Processors that a debugger holds go on some time.
    return interruptible !== undefined && this.held.size === 0 && this.vcpus.every((_, index) => this.#parked[index] || !interruptible(index));
  }

  #runnable(vcpu: number): boolean {
    return !this.#parked[vcpu] && !this.held.has(vcpu) && !this.vcpus[vcpu].halted;
  }

  #run(index: number, limit: number): RunExit {
    const { clock, door, time, hostNow } = this.wires;
    const vcpu = this.vcpus[index];
    const rate = time.nanosecondsPerInstruction;
    const deadline = Math.min(clock.nextDeadline, door.nextDeadline);
    // With one processor a quantum means nothing.
    const turn = this.vcpus.length === 1 ? Infinity : this.#remaining;
    let budget = Math.min(turn, this.#stride, limit - this.#instructions, door.nextScheduled - this.#instructions);
    if (deadline !== Infinity) budget = Math.min(budget, Math.max(1, Math.ceil((deadline - clock.now()) / rate)));

    clock.beginRun(vcpu, budget, rate);
    this.#running = vcpu;
    const before = hostNow();
    let end: number;
    let exit: RunExit;
    try {
      exit = vcpu.run(budget);
    } finally {
      this.#running = undefined;
      end = clock.endRun();
    }
    this.exits[exit]++;
    const { executed } = vcpu;
    if (executed > this.#stride / 2) this.#adaptStride(executed, hostNow() - before);
    this.#instructions += executed;
    this.#unsynced += executed;
    // Its budgets end where the host's time says so, which must not show in the state.
    if (this.vcpus.length > 1) this.#remaining -= executed;
    if (this.#others > 0 && index !== this.stepping?.vcpu) this.#others -= executed;
    clock.advanceTo(end);
    if (exit === 'pause' || exit === 'halted') this.#remaining = 0;
    else if (exit === 'waiting') {
      this.#remaining = 0;
      this.#parked[index] = true;
    }
    return exit;
  }

  /** Half a slice's worth of instructions. */
  #adaptStride(executed: number, milliseconds: number): void {
    const wanted = (executed * this.options.sliceMilliseconds) / 2 / Math.max(milliseconds, 0.001);
    this.#stride = Math.min(LONGEST_RUN, Math.max(SHORTEST_STRIDE, Math.floor((this.#stride + wanted) / 2)));
  }
}
