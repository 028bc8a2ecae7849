import type { AccessSize, ProcessorBus, ProcessorPins, RunExit } from '@pckit/interfaces';
import type {
  InitialRegisters,
  MachineVcpu,
  ProcessorFactory,
  ProcessorPorts,
  ProcessorSet,
  ProcessorWiring,
} from '../processor-factory.js';

/** One instruction of a scripted processor. */
export type ScriptedInstruction = (cpu: ScriptedVcpu) => void;

export interface ScriptedProgram {
  readonly code: readonly ScriptedInstruction[];
  /** Where interrupt vectors lead, as indices into `code`. */
  readonly vectors?: Readonly<Record<number, number>>;
  /** Where a start-up IPI with this vector leads. */
  readonly startUp?: Readonly<Record<number, number>>;
}

export type ScriptedState = {
  readonly version: 1;
  readonly instructions: bigint;
  readonly pc: number;
  readonly accumulator: number;
  readonly counter: number;
  readonly interruptsEnabled: boolean;
  readonly halted: boolean;
  readonly waiting: boolean;
  readonly intr: boolean;
  readonly nmiPending: boolean;
  readonly stack: readonly number[];
};

/** Makes processors that run a script instead of machine code: for tests of boards, and as the smallest example of what a processor is to a board. */
export function scriptedProcessor(
  program: ScriptedProgram,
): ProcessorFactory & { vcpus: ScriptedVcpu[]; invalidated: { address: number; length: number }[] } {
  const factory = {
    vcpus: [] as ScriptedVcpu[],
    invalidated: [] as { address: number; length: number }[],
    memoryBytes: () => 65536,
    create: ({ ports, yieldOnPause }: ProcessorWiring): ProcessorSet => {
      factory.vcpus = ports.map((port, index) => new ScriptedVcpu(index, port, program, yieldOnPause));
      return {
        vcpus: factory.vcpus,
        invalidate: (address, length) => void factory.invalidated.push({ address, length }),
        interruptible: (vcpu) => factory.vcpus[vcpu].interruptsEnabled,
      };
    },
  };
  return factory;
}

export class ScriptedVcpu implements MachineVcpu {
  readonly name: string;
  readonly pins: ProcessorPins;
  executed = 0;
  pc = 0;
  /** What `in` and `load` read. */
  accumulator = 0;
  /** For loops. */
  counter = 0;
  interruptsEnabled = false;
  #instructionsBefore = 0n;
  #halted = false;
  #waiting = false;
  #intr = false;
  #nmiLevel = false;
  #nmiPending = false;
  #stack: number[] = [];
  #exit: RunExit | undefined;
  readonly bus: ProcessorBus;

  constructor(
    readonly index: number,
    private readonly ports: ProcessorPorts,
    private readonly program: ScriptedProgram,
    private readonly yieldOnPause: boolean,
  ) {
    this.name = `cpu${index}`;
    this.bus = ports.bus;
    this.#waiting = index > 0;
    this.pins = {
      intr: { set: (level) => void (this.#intr = level) },
      nmi: {
        set: (level) => {
          if (level && !this.#nmiLevel) this.#nmiPending = true;
          this.#nmiLevel = level;
        },
      },
      init: () => {
        this.#clear();
        this.#waiting = true;
      },
      startUp: (vector) => {
        if (!this.#waiting) return;
        this.#waiting = false;
        this.pc = this.program.startUp?.[vector] ?? 0;
      },
    };
  }

  get instructions(): bigint {
    return this.#instructionsBefore + BigInt(this.executed);
  }

  get halted(): boolean {
    return this.#halted && !this.#nmiPending && !(this.#intr && this.interruptsEnabled);
  }

  run(budget: number): RunExit {
    this.#instructionsBefore += BigInt(this.executed);
    this.executed = 0;
    this.#exit = undefined;
    if (this.#waiting) return 'waiting';
    while (this.executed < budget) {
      this.#deliver();
      if (this.#halted) return 'halted';
      const instruction = this.program.code[this.pc];
      if (instruction === undefined) return 'shutdown';
      this.pc++;
      instruction(this);
      this.executed++;
      if (this.#exit !== undefined) return this.#exit;
    }
    return 'budget';
  }

  preempt(): void {
    this.#exit ??= 'preempted';
  }

  setRegisters(registers: InitialRegisters): void {
    this.pc = registers.rip;
  }

  // What instructions do:

  halt(): void {
    this.#halted = true;
    if (this.halted) this.#exit = 'halted';
  }

  pause(): void {
    if (this.yieldOnPause) this.#exit = 'pause';
  }

  jump(to: number): void {
    this.pc = to;
  }

  returnFromInterrupt(): void {
    this.pc = this.#stack.pop() ?? -1;
    this.interruptsEnabled = true;
  }

  breakpoint(): void {
    this.#exit = 'breakpoint';
  }

  tripleFault(): void {
    this.#exit = 'shutdown';
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#clear();
    this.#waiting = this.index > 0;
  }

  save(): ScriptedState {
    return {
      version: 1,
      instructions: this.instructions,
      pc: this.pc,
      accumulator: this.accumulator,
      counter: this.counter,
      interruptsEnabled: this.interruptsEnabled,
      halted: this.#halted,
      waiting: this.#waiting,
      intr: this.#intr,
      nmiPending: this.#nmiPending,
      stack: [...this.#stack],
    };
  }

  restore(state: ScriptedState): void {
    if (state.version !== 1) throw new Error(`${this.name}: unknown version ${String(state.version)}`);
    this.executed = 0;
    this.#instructionsBefore = state.instructions;
    this.pc = state.pc;
    this.accumulator = state.accumulator;
    this.counter = state.counter;
    this.interruptsEnabled = state.interruptsEnabled;
    this.#halted = state.halted;
    this.#waiting = state.waiting;
    this.#intr = state.intr;
    this.#nmiPending = state.nmiPending;
    this.#stack = [...state.stack];
  }

  #deliver(): void {
    let vector: number;
    if (this.#nmiPending) {
      this.#nmiPending = false;
      vector = 2;
    } else if (this.#intr && this.interruptsEnabled) {
      vector = this.ports.apic?.acknowledge() ?? 0;
    } else {
      return;
    }
    this.#halted = false;
    this.#stack.push(this.pc);
    this.interruptsEnabled = false;
    this.pc = this.program.vectors?.[vector] ?? -1;
  }

  #clear(): void {
    this.pc = 0;
    this.accumulator = 0;
    this.counter = 0;
    this.interruptsEnabled = false;
    this.#halted = false;
    this.#waiting = false;
    this.#nmiPending = false;
    this.#stack = [];
  }
}

/** Instructions for scripts. */
export const script = {
  nop: (): ScriptedInstruction => () => undefined,
  out:
    (port: number, value: number, size: AccessSize = 1): ScriptedInstruction =>
    (cpu) =>
      cpu.bus.writePort(port, value, size),
  in:
    (port: number, size: AccessSize = 1): ScriptedInstruction =>
    (cpu) => {
      cpu.accumulator = cpu.bus.readPort(port, size);
    },
  store:
    (address: number, value: number, size: AccessSize = 4): ScriptedInstruction =>
    (cpu) =>
      cpu.bus.writeMemory(address, value, size),
  load:
    (address: number, size: AccessSize = 4): ScriptedInstruction =>
    (cpu) => {
      cpu.accumulator = cpu.bus.readMemory(address, size);
    },
  set:
    (counter: number): ScriptedInstruction =>
    (cpu) => {
      cpu.counter = counter;
    },
  /** Decrements the counter and jumps while it isn't zero. */
  loop:
    (to: number): ScriptedInstruction =>
    (cpu) => {
      if (--cpu.counter > 0) cpu.jump(to);
    },
  jump:
    (to: number): ScriptedInstruction =>
    (cpu) =>
      cpu.jump(to),
  halt: (): ScriptedInstruction => (cpu) => cpu.halt(),
  pause: (): ScriptedInstruction => (cpu) => cpu.pause(),
  enableInterrupts: (): ScriptedInstruction => (cpu) => {
    cpu.interruptsEnabled = true;
  },
  returnFromInterrupt: (): ScriptedInstruction => (cpu) => cpu.returnFromInterrupt(),
  breakpoint: (): ScriptedInstruction => (cpu) => cpu.breakpoint(),
  tripleFault: (): ScriptedInstruction => (cpu) => cpu.tripleFault(),
} as const;
