import { decode, Instruction, Mnemonic, OperandKind, Register } from '@pckit/x86-decoder';
import type { DeviceState, Plain, ProcessorPins, RunExit, Vcpu } from '@pckit/interfaces';
import { GuestFault, type CpuState } from './cpu/cpu-state.js';
import { deliver, type EventSource } from './cpu/interrupts.js';
import type { ProcessorSystem } from './cpu/processor-system.js';
import { Execution, type Implementations } from './cpu/execution.js';
import { TaskFault } from './cpu/task-switch.js';
import type { DebugPoints, WatchHit } from './debug/debug-points.js';
import type { StepOptions } from './debug/processor-debug.js';
import type { Predecoder } from './interpreter/predecoder.js';
import { Access } from './mmu/page-walk.js';
import type { RegionCache } from './region/region-cache.js';
import { Completion } from './semantics/context.js';
import { X87State } from './x87/index.js';
import { Attribute, Cr0, DebugHook, Eflags, Fault, LoopExit, ModeKey, NO_ADDRESS, NON_CANONICAL, Pending, Record, SegmentIndex, State, Vector } from './state-layout.js';

/** A segment register with its hidden part; `limit` in bytes, attributes as VMX access rights. */
export interface SegmentSetup {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

/** Where a processor starts, as a boot loader leaves it. */
export interface RegisterSetup {
  readonly rip: number;
  readonly rflags: number;
  readonly general: Readonly<Record_<'rax' | 'rcx' | 'rdx' | 'rbx' | 'rsp' | 'rbp' | 'rsi' | 'rdi' | 'r8' | 'r9' | 'r10' | 'r11' | 'r12' | 'r13' | 'r14' | 'r15', number>>;
  readonly segments: Readonly<Record_<'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs', SegmentSetup>>;
  readonly ldtr: SegmentSetup;
  readonly tr: SegmentSetup;
  readonly gdt: { readonly base: number; readonly limit: number };
  readonly idt: { readonly base: number; readonly limit: number };
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
}
type Record_<K extends string, V> = { [key in K]: V };

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const;
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const;
const CONTROLS = ['cr0', 'cr2', 'cr3', 'cr4', 'efer', 'gdtBase', 'idtBase', 'star', 'lstar', 'cstar', 'fmask', 'kernelGsBase', 'sysenterCs', 'sysenterEsp', 'sysenterEip', 'tscAux', 'pat', 'xcr0', 'miscEnable', 'mtrrDefType', 'pdpte0', 'pdpte1', 'pdpte2', 'pdpte3'] as const;

/** VMX access rights mark an unusable segment with bit 16, as we do. */
const RIGHTS_MASK = 0x1f0ff;

/** Instructions that may have both a memory operand and an implicit one on the stack. */
const STACK_AND_MEMORY = new Set<number>([Mnemonic.Push, Mnemonic.Pop, Mnemonic.Call]);

/** After these a single-step trap follows when TF is set then, whatever it was before: the interrupt's entry has cleared it, SYSRET brings it along. */
const ENTERS_OR_LEAVES = new Set<number>([Mnemonic.Int, Mnemonic.Int3, Mnemonic.Int1, Mnemonic.Into, Mnemonic.Sysret]);

/** So many exceptions without an instruction in between, and a processor is taken for shut down: nothing will come of it. */
const FRUITLESS = 10_000;

/** Exceptions that make a double fault of each other. SDM vol. 3, table 6-5. */
const CONTRIBUTORY = new Set<number>([Vector.DE, Vector.TS, Vector.NP, Vector.SS, Vector.GP]);

export interface VcpuWires {
  readonly cpu: CpuState;
  readonly predecoder: Predecoder;
  readonly system: ProcessorSystem;
  readonly implementations: Implementations<ProcessorSystem>;
  readonly debugPoints: DebugPoints;
  readonly regions: RegionCache | undefined;
  /** Receives the wish for a look at `State.pending`, which `ProcessorSystem.attention` expresses too. */
  readonly bootstrap: boolean;
}

/** One vCPU: the loop around the WebAssembly interpreter. */
export class X86Vcpu implements Vcpu {
  readonly name: string;
  readonly index: number;
  readonly pins: ProcessorPins;
  readonly cpu: CpuState;
  readonly #predecoder: Predecoder;
  readonly #system: ProcessorSystem;
  readonly #implementations: Implementations<ProcessorSystem>;
  readonly #execution: Execution<ProcessorSystem>;
  readonly #debugPoints: DebugPoints;
  readonly #bootstrap: boolean;
  readonly #regions: RegionCache | undefined;
  /** Instructions until the next sample of what the interpreter executes. */
  #untilSample: number;
  #period: number;
  #compiled = 0n;

  #base = 0n;
  #budget = 0;
  #executed = 0;
  #running = false;
  #halted = false;
  #waiting = false;
  #preempted = false;
  #intr = false;
  #nmiLevel = false;
  #sipiVector = -1;
  /** A task switch ended in one, amid an instruction. */
  #shutdown = false;
  /** Exceptions since an instruction was executed, and when that was. */
  #fruitless = 0;
  #raisedAfter = -1n;
  /** A debugger's: runs are steps. */
  #step: StepOptions | undefined;
  /** The instruction at hand touched what is watched. */
  #watchHit: WatchHit | undefined;
  #lastWatchHit: WatchHit | undefined;
  tscOffset = 0n;

  constructor(wires: VcpuWires) {
    this.cpu = wires.cpu;
    this.#predecoder = wires.predecoder;
    this.#system = wires.system;
    this.#implementations = wires.implementations;
    this.#debugPoints = wires.debugPoints;
    this.#bootstrap = wires.bootstrap;
    this.#regions = wires.regions;
    this.#period = wires.regions?.options.samplePeriod ?? 0;
    this.#untilSample = this.#period;
    this.index = wires.system.index;
    this.name = `cpu${this.index}`;
    this.#execution = new Execution(this.cpu, this.#system);
    this.pins = {
      intr: {
        set: (level) => {
          if (level === this.#intr) return;
          this.#intr = level;
          this.#setPending(Pending.intr, level);
        },
      },
      nmi: {
        set: (level) => {
          if (level && !this.#nmiLevel) this.#setPending(Pending.nmi, true);
          this.#nmiLevel = level;
        },
      },
      init: () => this.#setPending(Pending.init, true),
      startUp: (vector) => {
        this.#sipiVector = vector;
        this.#setPending(Pending.sipi, true);
      },
    };
    this.reset('cold');
  }

  // --- counts -------------------------------------------------------------------------------------------------------------------

  get executed(): number {
    return this.#running ? this.#budget - this.cpu.i32(State.budget) - this.cpu.i32(State.stash) : this.#executed;
  }
  get instructions(): bigint {
    return this.#base + BigInt(this.#running ? this.executed : 0);
  }
  /** How many of them compiled code executed. */
  get compiledInstructions(): bigint {
    return this.#compiled;
  }
  get halted(): boolean {
    return this.#halted && !this.#wakes();
  }

  preempt(): void {
    if (!this.#running) return;
    this.#preempted = true;
    this.attention();
  }

  /** Makes the interpreter return after the present instruction. */
  attention(): void {
    if (!this.#running) return;
    const { cpu } = this;
    cpu.setI32(State.stash, cpu.i32(State.stash) + cpu.i32(State.budget));
    cpu.setI32(State.budget, 0);
  }

  #setPending(bit: number, on: boolean): void {
    const pending = this.cpu.i32(State.pending);
    this.cpu.setI32(State.pending, on ? pending | bit : pending & ~bit);
    if (on) this.attention();
  }

  #wakes(): boolean {
    const pending = this.cpu.i32(State.pending);
    if (pending & (Pending.init | Pending.sipi)) return true;
    if (pending & Pending.nmi && this.cpu.i32(State.nmiBlocked) === 0) return true;
    return (pending & Pending.intr) !== 0 && (this.cpu.systemFlags & Eflags.IF) !== 0;
  }

  // --- the run loop ---------------------------------------------------------------------------------------------------------------

  run(budget: number): RunExit {
    const { cpu } = this;
    this.#debugPoints.prepare();
    // An interrupt shadow that the last instruction of the previous run cast.
    const shadowed = cpu.i32(State.shadow) === 0 && this.#executed > 0;
    cpu.setI32(State.shadow, shadowed ? budget : -1);
    cpu.setI32(State.budget, budget);
    cpu.setI32(State.stash, 0);
    cpu.setI32(State.raisedAt, -1);
    this.#budget = budget;
    this.#running = true;
    this.#preempted = false;
    cpu.setI32(State.compiled, 0);
    try {
      return this.#loop();
    } finally {
      this.#executed = this.executed;
      this.#running = false;
      this.#base += BigInt(this.#executed);
      this.#compiled += BigInt(cpu.u32(State.compiled));
      cpu.setI32(State.stash, 0);
      // The instruction there has not been executed yet, or this was for one that had no breakpoint.
      if (cpu.u64(State.passBreakpoint) !== cpu.u64(State.rip)) cpu.setU64(State.passBreakpoint, NO_ADDRESS);
    }
  }

  #unstash(): void {
    const { cpu } = this;
    const stash = cpu.i32(State.stash);
    if (stash > 0) {
      cpu.setI32(State.budget, cpu.i32(State.budget) + stash);
      cpu.setI32(State.stash, 0);
    }
  }

  #loop(): RunExit {
    const { cpu } = this;
    for (;;) {
      this.#unstash();
      // GDB's rule for x86: the instruction is complete, and nothing else has happened yet.
      if (this.#watchHit !== undefined && this.#watched()) return 'watchpoint';
      if (cpu.i32(State.pending) !== 0) {
        const exit = this.#events();
        if (exit) return exit;
      }
      // After the events of this boundary, so that a stop between instructions changes nothing.
      if (this.#preempted) return 'preempted';
      if (this.#waiting) return 'waiting';
      if (this.#halted) return 'halted';
      const left = cpu.i32(State.budget);
      if (left <= 0) return 'budget';
      const flagsBefore = cpu.systemFlags;
      const trap = (flagsBefore & Eflags.TF) !== 0;
      // One instruction at a time: for TF, and when something waits for the end of an interrupt shadow.
      if (left > 1 && (trap || this.#shadowWaits())) {
        cpu.setI32(State.stash, left - 1);
        cpu.setI32(State.budget, 1);
      } else if (this.#regions && left > this.#untilSample) {
        cpu.setI32(State.stash, left - this.#untilSample);
        cpu.setI32(State.budget, this.#untilSample);
      }
      const before = this.executed;
      cpu.setI32(State.budgetShort, 0);
      const code = cpu.code.run(cpu.base);
      if (this.#regions) this.#sample(this.#regions, this.executed - before, code);
      if (this.#shutdown) {
        this.#shutdown = false;
        return 'shutdown';
      }
      switch (code) {
        case LoopExit.budget:
        case LoopExit.attention:
        case LoopExit.stepped:
        case LoopExit.pause:
          break;
        case LoopExit.fault: {
          cpu.setI32(State.fault, Fault.none);
          if (!this.#raise(cpu.u32(State.faultVector), 'exception', cpu.u32(State.faultCode))) return 'shutdown';
          if (this.#step !== undefined) return 'preempted';
          break;
        }
        case LoopExit.miss:
          if (!this.#decode()) return 'shutdown';
          break;
        case LoopExit.breakpoint:
          if (this.#breaks()) return 'breakpoint';
          break;
        case LoopExit.hot:
          this.#regions?.lookedUp(cpu, cpu.u32(State.hostPage) + (cpu.u32(State.rip) & 0xfff), cpu.u32(State.modeKey));
          break;
        case LoopExit.halt:
          this.#halted = true;
          break;
        default:
          throw new Error(`interpreter returned ${code}`);
      }
      const flags = cpu.systemFlags;
      const due = code === LoopExit.stepped ? (flags & Eflags.TF) !== 0 : trap && code !== LoopExit.fault && this.executed > before;
      // MOV SS and POP SS hold the trap off for an instruction; STI, which casts the same shadow on interrupts, doesn't.
      if (due && !(this.#inShadow() && (flags & ~flagsBefore & Eflags.IF) === 0)) {
        // DR6.BS, then the trap: RIP is the next instruction's.
        this.#halted = false;
        cpu.setU64(State.dr + 48, cpu.u64(State.dr + 48) | 0x4000n);
        if (!this.#raise(Vector.DB, 'trap', undefined)) return 'shutdown';
      }
      if (code === LoopExit.pause) {
        this.#unstash();
        return 'pause';
      }
    }
  }

  /** Looks at what is executing, every so many instructions. */
  #sample(regions: RegionCache, executed: number, code: number): void {
    this.#untilSample -= executed;
    if (this.#untilSample > 0) return;
    regions.passed(this.#period);
    // Not where a region left the last instructions of a budget to the interpreter.
    if (this.cpu.i32(State.budgetShort) === 0) {
      this.#period = regions.options.samplePeriod;
      if (code === LoopExit.budget) regions.sample(this.cpu, this.cpu.u32(State.record));
    } else this.#period = Math.min(2 * this.#period, regions.options.longestPeriod);
    this.#untilSample = this.#period;
  }

  // --- the debugger's ------------------------------------------------------------------------------------------------------------

  /** The interpreter's import: an access on the slow path, while something is watched. */
  accessed(linear: bigint, size: number, write: boolean): void {
    if (!this.#running || this.#watchHit !== undefined) return;
    this.#watchHit = this.#debugPoints.accessed(linear, size, write);
    if (this.#watchHit !== undefined) this.attention();
  }

  get lastWatchHit(): WatchHit | undefined {
    return this.#lastWatchHit;
  }

  /** See `ProcessorDebug.step`. */
  step(options: StepOptions | undefined): void {
    this.#step = options;
    const hooks = this.cpu.u32(State.debugHooks) & ~DebugHook.steps;
    this.cpu.setU32(State.debugHooks, options === undefined ? hooks : hooks | DebugHook.steps);
    if (options !== undefined) this.passBreakpoint();
  }

  passBreakpoint(): void {
    this.cpu.setU64(State.passBreakpoint, this.cpu.u64(State.rip));
  }

  leaveHalt(): void {
    this.#halted = false;
  }

  get activity(): 'running' | 'halted' | 'waiting' {
    return this.#waiting ? 'waiting' : this.#halted ? 'halted' : 'running';
  }

  #watched(): boolean {
    const hit = this.#watchHit as WatchHit;
    this.#watchHit = undefined;
    this.#lastWatchHit = hit;
    return hit.watchpoint.stops(this.index);
  }

  /** At a breakpoint. @returns false to go on with the instruction */
  #breaks(): boolean {
    const { cpu } = this;
    if (this.#debugPoints.stopsAt(this.index, cpu.u64(State.rip), cpu.u32(State.hostPage))) return true;
    this.passBreakpoint();
    return false;
  }

  /** The instruction just executed blocks interrupts for one more. */
  #inShadow(): boolean {
    return this.cpu.i32(State.shadow) === this.cpu.i32(State.budget) + this.cpu.i32(State.stash);
  }
  #shadowWaits(): boolean {
    return this.cpu.i32(State.pending) !== 0 && this.#inShadow();
  }

  #events(): RunExit | undefined {
    const { cpu } = this;
    const pending = cpu.i32(State.pending);
    if (pending & Pending.init) {
      cpu.setI32(State.pending, cpu.i32(State.pending) & ~(Pending.init | Pending.sipi | Pending.nmi));
      this.#init();
      this.#waiting = !this.#bootstrap;
    }
    if (pending & Pending.sipi) {
      cpu.setI32(State.pending, cpu.i32(State.pending) & ~Pending.sipi);
      if (this.#waiting) {
        this.#waiting = false;
        cpu.setSegment(SegmentIndex.CS, { ...cpu.segment(SegmentIndex.CS), selector: this.#sipiVector << 8, base: BigInt(this.#sipiVector << 12) });
        cpu.setU64(State.rip, BigInt(this.#sipiVector << 12));
        cpu.updateMode();
      }
    }
    if (this.#waiting) return undefined;
    if (this.#inShadow() && !this.#halted) return undefined;
    if (this.#step?.holdInterrupts === true && !this.#halted) return undefined;
    if (cpu.i32(State.pending) & Pending.nmi && cpu.i32(State.nmiBlocked) === 0) {
      cpu.setI32(State.pending, cpu.i32(State.pending) & ~Pending.nmi);
      this.#halted = false;
      cpu.setI32(State.nmiBlocked, 1);
      if (!this.#raise(Vector.NMI, 'external', undefined)) return 'shutdown';
    } else if (cpu.i32(State.pending) & Pending.intr && cpu.systemFlags & Eflags.IF) {
      this.#halted = false;
      const vector = this.#system.apic?.acknowledge() ?? 0;
      if (!this.#raise(vector, 'external', undefined)) return 'shutdown';
    }
    return undefined;
  }

  /** Delivers an event; a fault on the way makes a double fault, and one on that a shutdown. @returns false for shutdown */
  #raise(vector: number, source: EventSource, code: number | undefined): boolean {
    const { cpu } = this;
    let first = vector === NON_CANONICAL ? this.#nonCanonical() : vector;
    let from = source;
    let errorCode = code;
    // The handler may reach the same breakpoint; back here it is asked again.
    cpu.setU64(State.passBreakpoint, NO_ADDRESS);
    const { instructions } = this;
    this.#fruitless = instructions === this.#raisedAfter ? this.#fruitless + 1 : 0;
    this.#raisedAfter = instructions;
    if (this.#fruitless > FRUITLESS) return false;
    for (;;) {
      if (first === Vector.PF && from === 'exception') cpu.setU64(State.cr2, cpu.u64(State.faultAddress));
      try {
        deliver(cpu, first, from, errorCode);
        return true;
      } catch (fault) {
        if (!(fault instanceof GuestFault)) throw fault;
        if (first === Vector.DF && from === 'exception') return false;
        // Of what delivery touches, only the handler's stack may lie anywhere.
        const next = fault.vector === NON_CANONICAL ? Vector.SS : fault.vector;
        const wasPageFault = first === Vector.PF && from === 'exception';
        const wasContributory = CONTRIBUTORY.has(first) && from === 'exception';
        const becomesDouble = (wasPageFault && (next === Vector.PF || CONTRIBUTORY.has(next))) || (wasContributory && CONTRIBUTORY.has(next));
        if (next === Vector.PF) cpu.setU64(State.cr2, cpu.u64(State.faultAddress));
        first = becomesDouble ? Vector.DF : next;
        errorCode = becomesDouble ? 0 : fault.code;
        from = 'exception';
      }
    }
  }

  /**
   * An address that isn't canonical is #SS when it goes by the stack segment, #GP otherwise (SDM vol. 1, 3.3.7.1). What translates
   * doesn't know the segment; the instruction does.
   */
  #nonCanonical(): number {
    const { cpu } = this;
    const rip = cpu.u64(State.rip);
    const address = cpu.u64(State.faultAddress);
    const bytes = new Uint8Array(15);
    let length = 0;
    for (; length < 15; length++) {
      const page = cpu.code.translate(cpu.base, BigInt.asIntN(64, rip + BigInt(length)), Access.execute | Access.probe) >>> 0;
      cpu.setI32(State.fault, Fault.none);
      if (page === 0) break;
      bytes[length] = cpu.host.u8[page + Number((rip + BigInt(length)) & 0xfffn)] as number;
    }
    const instruction = new Instruction();
    if (decode(bytes, 0, length, 64, instruction) === 0) return Vector.GP;
    const near = (register: number): boolean => BigInt.asUintN(64, address - cpu.gpr(register) + 0x10000n) < 0x20000n;
    for (let k = 0; k < instruction.operandCount; k++) {
      const kind = instruction.operandKind[k];
      if (kind === OperandKind.StringSource || kind === OperandKind.StringDestination) return Vector.GP;
      if (kind !== OperandKind.Memory) continue;
      const bySegment = instruction.segment === Register.SS ? Vector.SS : Vector.GP;
      // Only these have a memory operand and the stack. A bit test's may lie far from its effective address.
      if (!STACK_AND_MEMORY.has(instruction.mnemonic)) return bySegment;
      // POP reads the stack first.
      if (instruction.mnemonic === Mnemonic.Pop && BigInt.asUintN(64, address - cpu.gpr(4)) < 8n) return Vector.SS;
      this.#execution.instruction = instruction;
      const from = this.#execution.effectiveLinear();
      if (BigInt.asUintN(64, address - from) < 16n) return bySegment;
    }
    // Otherwise an implicit operand: PUSH, POP, CALL, LEAVE.
    return near(4) || near(5) ? Vector.SS : Vector.GP;
  }

  /** Bytes from RIP to CS's limit. */
  #codeRoom(rip: bigint): number {
    const { cpu } = this;
    if ((cpu.u32(State.modeKey) & ModeKey.limited) === 0) return Infinity;
    const { base, limit } = cpu.segment(SegmentIndex.CS);
    return limit + 1 - Number(BigInt.asUintN(32, rip - base));
  }

  /** Decodes at RIP. */
  #decode(): boolean {
    const { cpu } = this;
    const rip = cpu.u64(State.rip);
    const hostPage = cpu.u32(State.hostPage);
    if (hostPage === 0) {
      // Code outside RAM: reads as all-ones, FFH FFH is no instruction.
      return this.#raise(Vector.UD, 'exception', undefined);
    }
    const result = this.#predecoder.decodeBlock(rip, hostPage, cpu.u32(State.modeKey), () => {
      let next = (rip & ~0xfffn) + 4096n;
      if (!cpu.code64) next &= 0xffffffffn;
      return cpu.translate(next, Access.execute);
    }, this.#codeRoom(rip));
    switch (result) {
      case 'decoded':
        return true;
      case 'invalid':
        return this.#raise(Vector.UD, 'exception', undefined);
      case 'limit':
      case 'toolong':
        return this.#raise(Vector.GP, 'exception', 0);
      case 'fault':
        if (cpu.i32(State.fault)) {
          cpu.setI32(State.fault, Fault.none);
          return this.#raise(cpu.u32(State.faultVector), 'exception', cpu.u32(State.faultCode));
        }
        return this.#raise(Vector.UD, 'exception', undefined);
    }
  }

  /** The interpreter's import: an instruction whose implementation is TypeScript. */
  execute(record: number): number {
    const { cpu } = this;
    const instruction = this.#predecoder.instructionOf(record);
    const implementation = this.#implementations.get(instruction.mnemonic);
    const x = this.#execution;
    x.instruction = instruction;
    x.record = record;
    cpu.setU64(State.rip, cpu.u64(State.pageBase) + BigInt(cpu.host.u16[(record + Record.next) >> 1] as number));
    try {
      if (!implementation) throw new GuestFault(Vector.UD);
      implementation(x);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      if (fault instanceof TaskFault) {
        // The task has been switched: there is no instruction to go back to.
        if (!this.#raise(fault.vector, 'exception', fault.code)) this.#shutdown = true;
        return Completion.exit + LoopExit.attention;
      }
      cpu.setI32(State.fault, Fault.exception);
      cpu.setU32(State.faultVector, fault.vector);
      cpu.setU32(State.faultCode, fault.code);
      return Completion.fault;
    }
    const flags = cpu.systemFlags;
    if (ENTERS_OR_LEAVES.has(instruction.mnemonic)) return Completion.exit + LoopExit.stepped;
    if (flags & Eflags.TF || (flags & Eflags.IF && cpu.i32(State.pending) !== 0)) return Completion.exit + LoopExit.attention;
    return Completion.jump;
  }

  /** When the time stamp counter reaches `tsc`, in virtual nanoseconds, rounded up. */
  tscToNanoseconds(tsc: bigint): number {
    const ticks = BigInt.asUintN(64, tsc - this.tscOffset);
    return Number((ticks * 1_000_000_000n + BigInt(this.#system.tscHz) - 1n) / BigInt(this.#system.tscHz));
  }

  // --- reset ----------------------------------------------------------------------------------------------------------------------

  reset(kind: 'cold' | 'warm'): void {
    const { cpu } = this;
    this.#init();
    cpu.setI32(State.pending, this.#intr ? Pending.intr : 0);
    cpu.setI32(State.nmiBlocked, 0);
    this.#waiting = !this.#bootstrap;
    this.#sipiVector = -1;
    this.#raisedAfter = -1n;
    cpu.setU64(State.efer, 0n);
    for (const field of [State.star, State.lstar, State.cstar, State.fmask, State.kernelGsBase, State.sysenterCs, State.sysenterEsp, State.sysenterEip, State.tscAux] as const) cpu.setU64(field, 0n);
    cpu.setU64(State.pat, 0x0007040600070406n);
    cpu.setU64(State.xcr0, 1n);
    cpu.setU64(State.miscEnable, 1n);
    // Write-back by default, as firmware leaves it.
    cpu.setU64(State.mtrrDefType, 0xc06n);
    this.#system.mtrr.clear();
    this.tscOffset = 0n;
    cpu.host.u8.fill(0, cpu.base + State.ymm, cpu.base + State.ymm + 512);
    cpu.host.u8.fill(0, cpu.base + State.x87, cpu.base + State.x87 + 272);
    cpu.setU32(State.mxcsr, 0x1f80);
    new X87State(cpu.host.view, cpu.base + State.x87).powerUp();
    cpu.updateMode();
    if (kind === 'cold') this.#base = 0n;
  }

  /** INIT: architectural state as after power-up, but for what SDM vol. 3, table 9-1 keeps (x87, SSE, MSRs, TSC). */
  #init(): void {
    const { cpu } = this;
    for (let n = 0; n < 16; n++) cpu.setGpr(n, 0n);
    // EDX: the processor's signature.
    cpu.setGpr32(2, 0x600);
    cpu.eflags = 2;
    const data = { selector: 0, base: 0n, limit: 0xffff, attributes: Attribute.present | Attribute.system | Attribute.writable | Attribute.accessed };
    for (const index of [SegmentIndex.ES, SegmentIndex.SS, SegmentIndex.DS, SegmentIndex.FS, SegmentIndex.GS]) cpu.setSegment(index, data);
    cpu.setSegment(SegmentIndex.CS, { ...data, selector: 0xf000, base: 0xffff0000n });
    cpu.setSegment(SegmentIndex.LDTR, { selector: 0, base: 0n, limit: 0xffff, attributes: Attribute.present | 2 });
    cpu.setSegment(SegmentIndex.TR, { selector: 0, base: 0n, limit: 0xffff, attributes: Attribute.present | 0xb });
    cpu.setU64(State.cr0, BigInt(Cr0.ET | Cr0.CD | Cr0.NW));
    for (const field of [State.cr2, State.cr3, State.cr4, State.efer, State.gdtBase, State.idtBase] as const) cpu.setU64(field, 0n);
    cpu.setU32(State.gdtLimit, 0xffff);
    cpu.setU32(State.idtLimit, 0xffff);
    for (let n = 0; n < 8; n++) cpu.setU64(State.dr + n * 8, n === 6 ? 0xffff0ff0n : n === 7 ? 0x400n : 0n);
    cpu.setU64(State.zero, 0n);
    cpu.setU64(State.rip, 0xfffffff0n);
    cpu.setI32(State.fault, 0);
    cpu.setI32(State.shadow, -1);
    cpu.setU64(State.passBreakpoint, NO_ADDRESS);
    cpu.setCpl(0);
    cpu.flushTlb();
    cpu.updateMode();
    this.#halted = false;
  }

  /** Starts in real mode at `selector`:`offset`, with everything else as it is after a reset. */
  start(selector: number, offset: number): void {
    const { cpu } = this;
    const base = selector << 4;
    cpu.setSegment(SegmentIndex.CS, { ...cpu.segment(SegmentIndex.CS), selector, base: BigInt(base) });
    cpu.updateMode();
    cpu.setU64(State.rip, BigInt(base + offset));
    this.#waiting = false;
    this.#halted = false;
  }

  setRegisters(r: RegisterSetup): void {
    const { cpu } = this;
    GENERAL.forEach((name, n) => cpu.setGpr(n, BigInt(r.general[name])));
    const set = (index: number, s: SegmentSetup): void => cpu.setSegment(index, { selector: s.selector, base: BigInt(s.base), limit: s.limit, attributes: s.attributes & RIGHTS_MASK });
    (['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const).forEach((name, index) => set(index, r.segments[name]));
    set(SegmentIndex.LDTR, r.ldtr);
    set(SegmentIndex.TR, r.tr);
    cpu.setU64(State.gdtBase, BigInt(r.gdt.base));
    cpu.setU32(State.gdtLimit, r.gdt.limit);
    cpu.setU64(State.idtBase, BigInt(r.idt.base));
    cpu.setU32(State.idtLimit, r.idt.limit);
    cpu.setU64(State.cr0, BigInt(r.cr0));
    cpu.setU64(State.cr3, BigInt(r.cr3));
    cpu.setU64(State.cr4, BigInt(r.cr4));
    cpu.setU64(State.efer, BigInt(r.efer));
    cpu.eflags = r.rflags;
    cpu.setCpl((r.segments.ss.attributes >> Attribute.dplShift) & 3);
    cpu.updateMode();
    cpu.flushTlb();
    cpu.setU64(State.rip, BigInt(r.rip) + (cpu.code64 ? 0n : BigInt(r.segments.cs.base)));
    this.#waiting = false;
    this.#halted = false;
  }

  // --- save and restore -------------------------------------------------------------------------------------------------------------

  save(): DeviceState {
    const { cpu } = this;
    const segments: { [name: string]: Plain } = {};
    SEGMENTS.forEach((name, index) => {
      const { selector, base, limit, attributes } = cpu.segment(index);
      segments[name] = { selector, base, limit, attributes };
    });
    const controls: { [name: string]: Plain } = {};
    for (const name of CONTROLS) controls[name] = cpu.u64(State[name]);
    const bytes = (at: number, length: number): Uint8Array => cpu.host.u8.slice(cpu.base + at, cpu.base + at + length);
    return {
      version: 1,
      general: GENERAL.map((_, n) => cpu.gpr(n)),
      rip: cpu.u64(State.rip),
      eflags: cpu.eflags,
      cpl: cpu.cpl,
      segments,
      controls,
      gdtLimit: cpu.u32(State.gdtLimit),
      idtLimit: cpu.u32(State.idtLimit),
      debug: Array.from({ length: 8 }, (_, n) => cpu.u64(State.dr + n * 8)),
      vectors: bytes(State.ymm, 512),
      mxcsr: cpu.u32(State.mxcsr),
      // The memory operand's scratch at the block's end is no state.
      x87: bytes(State.x87, 160),
      mtrr: [...this.#system.mtrr].sort(([a], [b]) => a - b).map(([index, value]) => ({ index, value })),
      instructions: this.#base,
      tscOffset: this.tscOffset,
      halted: this.#halted,
      waiting: this.#waiting,
      intr: this.#intr,
      nmi: this.#nmiLevel,
      nmiBlocked: cpu.i32(State.nmiBlocked) !== 0,
      pending: cpu.i32(State.pending) & (Pending.nmi | Pending.init | Pending.sipi),
      startUpVector: this.#sipiVector,
      shadow: cpu.i32(State.shadow) === 0,
    };
  }

  restore(state: DeviceState): void {
    if (state.version !== 1) throw new RangeError(`${this.name}: state version ${state.version} is not known; this is version 1`);
    const { cpu } = this;
    const s = state as unknown as {
      general: bigint[]; rip: bigint; eflags: number; cpl: number; segments: { [name: string]: { selector: number; base: bigint; limit: number; attributes: number } };
      controls: { [name: string]: bigint }; gdtLimit: number; idtLimit: number; debug: bigint[]; vectors: Uint8Array; mxcsr: number; x87: Uint8Array;
      mtrr: { index: number; value: bigint }[]; instructions: bigint; tscOffset: bigint; halted: boolean; waiting: boolean; intr: boolean; nmi: boolean; nmiBlocked: boolean; pending: number; startUpVector: number; shadow: boolean;
    };
    s.general.forEach((value, n) => cpu.setGpr(n, value));
    SEGMENTS.forEach((name, index) => cpu.setSegment(index, s.segments[name] as { selector: number; base: bigint; limit: number; attributes: number }));
    for (const name of CONTROLS) cpu.setU64(State[name], s.controls[name] as bigint);
    cpu.setU32(State.gdtLimit, s.gdtLimit);
    cpu.setU32(State.idtLimit, s.idtLimit);
    s.debug.forEach((value, n) => cpu.setU64(State.dr + n * 8, value));
    cpu.host.u8.set(s.vectors, cpu.base + State.ymm);
    cpu.setU32(State.mxcsr, s.mxcsr);
    cpu.host.u8.set(s.x87, cpu.base + State.x87);
    this.#system.mtrr.clear();
    for (const { index, value } of s.mtrr) this.#system.mtrr.set(index, value);
    cpu.eflags = s.eflags;
    cpu.setCpl(s.cpl);
    cpu.setU64(State.rip, s.rip);
    cpu.updateMode();
    cpu.flushTlb();
    this.#base = s.instructions;
    this.#executed = s.shadow ? 1 : 0;
    cpu.setI32(State.shadow, s.shadow ? 0 : -1);
    this.tscOffset = s.tscOffset;
    this.#halted = s.halted;
    this.#waiting = s.waiting;
    this.#intr = s.intr;
    this.#nmiLevel = s.nmi;
    cpu.setI32(State.nmiBlocked, s.nmiBlocked ? 1 : 0);
    this.#sipiVector = s.startUpVector;
    cpu.setI32(State.fault, 0);
    cpu.setI32(State.budget, 0);
    cpu.setI32(State.stash, 0);
    cpu.setI32(State.pending, s.pending | (s.intr ? Pending.intr : 0));
  }
}

