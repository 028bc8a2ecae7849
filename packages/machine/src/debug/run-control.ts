import type { RunLoop, SliceEnd } from '../run-loop.js';
import type { ProcessorDebugPort } from './processor-debug-port.js';

/** Why a debugger has the machine. */
export type ControlStop =
  | { readonly reason: 'step' | 'breakpoint' | 'watchpoint' | 'interrupt' | 'triple-fault'; readonly vcpu: number }
  | { readonly reason: 'power-off' };

/** What a processor does when the machine goes on. */
export type ControlAction =
  | { readonly kind: 'continue' }
  | { readonly kind: 'step' }
  /** Steps while RIP is in [start, end). */
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint };

export interface RunControlWires {
  readonly loop: () => RunLoop | undefined;
  readonly debug: () => ProcessorDebugPort | undefined;
  /** `run` of the machine is under way. */
  readonly running: () => boolean;
  /** Ends a sleep of the machine. */
  readonly wake: () => void;
}

/**
 * A debugger's hand on a machine: `run` of the machine stands still while the debugger holds it, and so does virtual time; whoever runs the machine need not
 * know. All calls come from between instructions, never from within one.
 */
export class RunControl {
  readonly #wires: RunControlWires;
  #holding = false;
  #wanted = false;
  #report: ((stop: ControlStop) => void) | undefined;
  /** Processors stop and go on one by one: the others are in `RunLoop.held`. */
  #apart = false;
  /** Steps that wait for the one at hand: `RunLoop` does one at a time. */
  #steps: (readonly [vcpu: number, action: Exclude<ControlAction, { kind: 'continue' }>])[] = [];
  /** Steps take no interrupt, unless this is set. */
  stepsTakeInterrupts = false;
  /** A triple fault that the debugger has been shown: it takes its course when the machine goes on. */
  #tripleFault = false;
  onTripleFault: () => void = () => undefined;

  constructor(wires: RunControlWires) {
    this.#wires = wires;
  }

  get holding(): boolean {
    return this.#holding;
  }

  /** Stops the machine at the next safe point; at once when it doesn't run. */
  hold(report: (stop: ControlStop) => void): void {
    this.#report = report;
    if (this.#holding || !this.#wires.running()) {
      this.#stop({ reason: 'interrupt', vcpu: this.#current });
      return;
    }
    this.interrupt();
  }

  /** Ends a `resume` soon. */
  interrupt(): void {
    if (this.#holding) return;
    this.#wanted = true;
    this.#wires.loop()?.interrupt();
    this.#wires.wake();
    // Nobody runs it: there is nothing to wait for.
    if (!this.#wires.running()) this.poll();
  }

  /** Goes on, and reports the next stop. Processors without an action stand still. */
  resume(actions: ReadonlyMap<number, ControlAction>, report: (stop: ControlStop) => void): void {
    const loop = this.#wires.loop();
    if (loop === undefined) return;
    this.#apart = false;
    this.#report = report;
    this.#hold(loop, (vcpu) => !actions.has(vcpu));
    // The first stop stops all, so one step is all that can come of it.
    this.#steps = [];
    for (const [vcpu, action] of actions) if (action.kind !== 'continue') this.#steps.push([vcpu, action]);
    this.#nextStep();
    this.#go();
  }

  /** Steps one processor, however long, until `done`. Interrupts are taken as they come. */
  stepUntil(vcpu: number, done: () => boolean, report: (stop: ControlStop) => void): void {
    const loop = this.#wires.loop();
    if (loop === undefined) return;
    this.#apart = false;
    this.#steps = [];
    this.#report = report;
    loop.held.clear();
    loop.stepping = { vcpu, done };
    this.#go();
  }

  /** Processors in `actions` go on, and each stop of one is reported; the others stay as they are. */
  resumeApart(actions: ReadonlyMap<number, ControlAction>, report: (stop: ControlStop) => void): void {
    const loop = this.#wires.loop();
    if (loop === undefined) return;
    const all = !this.#apart;
    this.#apart = true;
    this.#report = report;
    this.#hold(loop, (vcpu) => !actions.has(vcpu) && (all || loop.held.has(vcpu)));
    for (const [vcpu, action] of actions) if (action.kind !== 'continue') this.#steps.push([vcpu, action]);
    if (loop.stepping === undefined) this.#nextStep();
    this.#go();
  }

  /** Stops one processor of those that `resumeApart` let go. */
  interruptApart(vcpu: number): void {
    if (this.#apart && this.#wires.loop()?.held.has(vcpu) === false) this.#stop({ reason: 'interrupt', vcpu });
  }

  #hold(loop: RunLoop, holds: (vcpu: number) => boolean): void {
    const held = loop.vcpus.map((_, vcpu) => vcpu).filter(holds);
    loop.held.clear();
    for (const vcpu of held) loop.held.add(vcpu);
  }

  #nextStep(): void {
    const loop = this.#wires.loop();
    const debug = this.#wires.debug();
    const next = this.#steps.shift();
    if (loop === undefined || debug === undefined || next === undefined) return;
    const [vcpu, action] = next;
    debug.step(vcpu, { holdInterrupts: !this.stepsTakeInterrupts });
    loop.stepping = { vcpu, done: () => action.kind === 'step' || !within(debug.readRegister(vcpu, 'rip') ?? 0n, action) };
  }

  /** The debugger lets go. */
  release(): void {
    this.#report = undefined;
    this.#apart = false;
    this.#steps = [];
    this.#wires.loop()?.held.clear();
    this.#endStep();
    this.#go();
  }

  #go(): void {
    this.#wanted = false;
    this.#holding = false;
    if (this.#tripleFault) {
      this.#tripleFault = false;
      this.onTripleFault();
    }
    this.#wires.wake();
  }

  // --- for the machine -----------------------------------------------------------------------------------------------------------

  /** Asked between slices. @returns whether the machine stands still */
  poll(): boolean {
    if (this.#wanted && !this.#holding) this.#stop({ reason: 'interrupt', vcpu: this.#current });
    return this.#holding;
  }

  /** @returns whether the end of a slice was the debugger's */
  takes(end: SliceEnd): boolean {
    if (this.#report === undefined) return false;
    if (end.kind === 'stepped') this.#stop({ reason: 'step', vcpu: end.vcpu });
    else if (end.kind === 'processor') {
      this.#tripleFault = end.exit === 'shutdown';
      this.#stop({ reason: end.exit === 'shutdown' ? 'triple-fault' : end.exit, vcpu: end.vcpu });
    } else if (end.kind === 'stuck') this.#stop({ reason: 'interrupt', vcpu: this.#current });
    else return false;
    return true;
  }

  /** Power went off. */
  ended(): void {
    this.#stop({ reason: 'power-off' });
    this.#holding = false;
  }

  get #current(): number {
    return this.#wires.loop()?.current ?? 0;
  }

  #endStep(): void {
    const loop = this.#wires.loop();
    if (loop?.stepping === undefined) return;
    this.#wires.debug()?.step(loop.stepping.vcpu, undefined);
    loop.stepping = undefined;
  }

  #stop(stop: ControlStop): void {
    const loop = this.#wires.loop();
    const report = this.#report;
    this.#wanted = false;
    if (this.#apart && loop !== undefined && stop.reason !== 'power-off') {
      if (loop.stepping?.vcpu === stop.vcpu) {
        this.#endStep();
        this.#nextStep();
      }
      this.#steps = this.#steps.filter(([vcpu]) => vcpu !== stop.vcpu);
      loop.held.add(stop.vcpu);
      this.#holding = loop.held.size === loop.vcpus.length;
      if (this.#holding) loop.interrupt();
    } else {
      this.#steps = [];
      this.#endStep();
      this.#holding = true;
      // Once for each resume.
      this.#report = undefined;
    }
    report?.(stop);
  }
}

function within(rip: bigint, { start, end }: { readonly start: bigint; readonly end: bigint }): boolean {
  return rip >= start && rip < end;
}
