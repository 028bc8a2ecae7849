import { disconnected, pulse } from '@pckit/interfaces';
import type {
  Clock,
  Device,
  InterruptAcknowledge,
  IoRegion,
  IrqLine,
  LocalApicPort,
  ProcessorPins,
} from '@pckit/interfaces';
import {
  BROADCAST,
  DELIVERY_EXT_INT,
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST_PRIORITY,
  DELIVERY_NMI,
  DELIVERY_START_UP,
  widenDestination,
} from './apic-bus.js';
import type { ApicBus } from './apic-bus.js';
import { ApicTimer } from './apic-timer.js';
import type { ApicTimerState } from './apic-timer.js';
import { ChipsetError } from './chipset-error.js';
import { expectVersion } from './state-version.js';
import { NONE, VectorSet } from './vector-set.js';

/*
 * Local APIC of one processor, xAPIC and x2APIC: Intel SDM vol. 3, chapter 11. It has six LVT entries (no CMCI) and can suppress
 * EOI broadcasts.
 *
 * - SMIs are dropped: the processor has no system management mode.
 * - The APIC ID register is read-only, as on processors with x2APIC.
 * - IPIs arrive as they are sent, so delivery status always reads idle; a de-asserted INIT does nothing (P6 and older only).
 * - With both a fixed interrupt and ExtINT waiting, the fixed one is acknowledged first (the SDM leaves it open).
 */

// Registers by number: offset / 16 on the memory bus, MSR 800h + number in x2APIC mode.
const ID = 0x02;
const VERSION = 0x03;
const TPR = 0x08;
const APR = 0x09;
const PPR = 0x0a;
const EOI = 0x0b;
const RRD = 0x0c;
const LDR = 0x0d;
const DFR = 0x0e;
const SVR = 0x0f;
const ISR = 0x10;
const TMR = 0x18;
const IRR = 0x20;
const IRR_END = 0x28;
const ESR = 0x28;
const ICR_LOW = 0x30;
const ICR_HIGH = 0x31;
const LVT_TIMER = 0x32;
const LVT_THERMAL = 0x33;
const LVT_PERFORMANCE = 0x34;
const LVT_LINT0 = 0x35;
const LVT_LINT1 = 0x36;
const LVT_ERROR = 0x37;
const TIMER_INITIAL_COUNT = 0x38;
const TIMER_CURRENT_COUNT = 0x39;
const TIMER_DIVIDE = 0x3e;
const SELF_IPI = 0x3f;

/** Version 14h, LVT entries 0..5, EOI broadcast suppression. */
const VERSION_VALUE = 0x0105_0014;

const SVR_ENABLE = 0x100;
const SVR_SUPPRESS_EOI_BROADCAST = 0x1000;
/** Bit 9, focus processor checking, only reads back. */
const SVR_WRITABLE = 0x13ff;
const SVR_AT_RESET = 0xff;

const LVT_MODE_SHIFT = 8;
const LVT_REMOTE_IRR = 0x4000;
const LVT_LEVEL = 0x8000;
const LVT_MASKED = 0x1_0000;
const LVT_TIMER_MODE_SHIFT = 17;
/** Writable bits of each LVT entry, from LVT_TIMER on (figure "Local Vector Table"). */
const LVT_WRITABLE = [0x7_00ff, 0x1_07ff, 0x1_07ff, 0x1_a7ff, 0x1_a7ff, 0x1_00ff] as const;
/** Delivery status and remote IRR: written, they are ignored, not reserved. */
const LVT_READ_ONLY = 0x5000;

const ICR_LOGICAL = 0x800;
const ICR_ASSERT = 0x4000;
const ICR_LEVEL = 0x8000;
const ICR_SHORTHAND_SHIFT = 18;
const ICR_WRITABLE = 0xc_cfff;
const SHORTHAND_SELF = 1;
const SHORTHAND_ALL = 2;
const SHORTHAND_OTHERS = 3;

const ESR_SEND_ILLEGAL_VECTOR = 0x20;
const ESR_RECEIVED_ILLEGAL_VECTOR = 0x40;
const ESR_ILLEGAL_REGISTER = 0x80;

const DFR_FLAT = 0xffff_ffff;
const DFR_RESERVED = 0x0fff_ffff;

const MSR_APIC_BASE = 0x1b;
const MSR_TSC_DEADLINE = 0x6e0;
const MSR_X2APIC = 0x800;
const MSR_X2APIC_END = 0x900;
const APIC_BASE_BSP = 0x100;
const APIC_BASE_EXTD = 0x400;
const APIC_BASE_EN = 0x800;
const APIC_BASE_RESERVED = 0x2ff; // bits 0-7 and 9
const APIC_BASE_DEFAULT = 0xfee0_0000;
const PHYSICAL_ADDRESS_LIMIT = 1n << 52n;

export type LocalApicState = {
  readonly version: 1;
  readonly base: number;
  readonly enabled: boolean;
  readonly x2apic: boolean;
  readonly tpr: number;
  readonly ldr: number;
  readonly dfr: number;
  readonly svr: number;
  readonly isr: readonly number[];
  readonly tmr: readonly number[];
  readonly irr: readonly number[];
  readonly esr: number;
  readonly errors: number;
  readonly icrLow: number;
  readonly icrHigh: number;
  readonly lvt: readonly number[];
  readonly externalInterrupt: boolean;
  /** Levels of LINT0 and LINT1. Not the chip's own: a reset leaves them. */
  readonly lint: readonly boolean[];
  readonly timer: ApicTimerState;
};

export interface LocalApicWires {
  readonly bus: ApicBus;
  readonly clock: Clock;
  /**
   * When the processor's time stamp counter (with its offset) reaches `tsc`, in virtual nanoseconds, rounded up; for TSC-deadline
   * mode. Call `tscChanged` when the guest writes the counter.
   */
  readonly tsc: { toNanoseconds(tsc: bigint): number };
  /** Who answers INTA for ExtINT: the PIC. Without it ExtINT yields the spurious vector. */
  readonly pic?: InterruptAcknowledge;
}

export interface LocalApicOptions {
  /** Initial APIC ID, 0..254 (x2APIC ID too). */
  readonly id: number;
  /** IA32_APIC_BASE.BSP; default `id === 0`. */
  readonly bootstrap?: boolean;
  /** Nanoseconds per tick of the timer's input clock before the divider; default 1 (1 GHz). */
  readonly timerPeriod?: number;
  /**
   * Reset leaves the APIC enabled, LINT0 as ExtINT and LINT1 as NMI, as firmware does for the bootstrap processor (MP specification,
   * "Virtual Wire Mode"); default `bootstrap`. INIT leaves what the SDM says.
   */
  readonly virtualWire?: boolean;
  /** Default `lapic${id}`. */
  readonly name?: string;
}

const UNCONNECTED: ProcessorPins = {
  intr: disconnected,
  nmi: disconnected,
  init: () => undefined,
  startUp: () => undefined,
};

export class LocalApic implements Device<LocalApicState>, LocalApicPort {
  readonly name: string;
  readonly id: number;
  /** 4 KiB, per vCPU, at `base` while `mapped`. */
  readonly regions: { readonly registers: IoRegion };
  /** The PIC's INTR. */
  readonly lint0: IrqLine;
  /** NMI from the board. */
  readonly lint1: IrqLine;
  /** Called when `base` or `mapped` changes. */
  onRelocate: (() => void) | undefined;

  private readonly bus: ApicBus;
  private readonly pic: InterruptAcknowledge | undefined;
  private readonly timer: ApicTimer;
  private readonly bootstrap: boolean;
  private readonly virtualWire: boolean;
  private pins: ProcessorPins = UNCONNECTED;

  private apicBase = APIC_BASE_DEFAULT;
  private hardwareEnabled = true;
  private x2apic = false;
  private tpr = 0;
  private ldr = 0;
  private dfr = DFR_FLAT;
  private svr = SVR_AT_RESET;
  private readonly isr = new VectorSet();
  private readonly tmr = new VectorSet();
  private readonly irr = new VectorSet();
  private esr = 0;
  /** Errors since the last write to ESR. */
  private errors = 0;
  private icrLow = 0;
  private icrHigh = 0;
  private readonly lvt = new Int32Array(6);
  /** An ExtINT message came and was not acknowledged. */
  private externalInterrupt = false;
  private readonly lint: [boolean, boolean] = [false, false];

  constructor(wires: LocalApicWires, options: LocalApicOptions) {
    const { id } = options;
    if (!Number.isInteger(id) || id < 0 || id > 254) {
      throw new ChipsetError('chip-options', `local APIC ID ${id}, it must be 0 to 254`);
    }
    const period = options.timerPeriod ?? 1;
    if (!Number.isInteger(period) || period < 1) {
      throw new ChipsetError('chip-options', `local APIC ${id}: timer period of ${period} ns, it must be a positive integer`);
    }
    this.name = options.name ?? `lapic${id}`;
    this.id = id;
    this.bus = wires.bus;
    this.pic = wires.pic;
    this.bootstrap = options.bootstrap ?? id === 0;
    this.virtualWire = options.virtualWire ?? this.bootstrap;
    this.timer = new ApicTimer(
      { clock: wires.clock, tsc: wires.tsc, expire: () => this.interruptFromLvt(LVT_TIMER) },
      `${this.name}.timer`,
      period,
    );
    this.lint0 = { set: (level) => this.setLint(0, level) };
    this.lint1 = { set: (level) => this.setLint(1, level) };
    this.regions = {
      registers: {
        name: this.name,
        length: 0x1000,
        accepts: [4],
        handler: {
          read: (offset) => this.readMemory(offset),
          write: (offset, value) => this.writeMemory(offset, value),
        },
      },
    };
    this.reset('cold');
    this.bus.attachLocalApic(this);
  }

  /** The processor is made with this APIC as its port, so its pins come after construction. */
  connect(pins: ProcessorPins): void {
    this.pins = pins;
    this.update();
  }

  /** Where IA32_APIC_BASE puts the registers (FEE00000h at reset). */
  get base(): number {
    return this.apicBase;
  }

  /** Whether the registers answer on the memory bus: enabled and not in x2APIC mode. */
  get mapped(): boolean {
    return this.hardwareEnabled && !this.x2apic;
  }

  /** IA32_APIC_BASE.EN */
  get enabled(): boolean {
    return this.hardwareEnabled;
  }

  /** Whether fixed interrupts are accepted: enabled by software too. */
  get acceptsFixed(): boolean {
    return this.hardwareEnabled && (this.svr & SVR_ENABLE) !== 0;
  }

  /** Whether what the 8259 asks for comes as an NMI, by LINT0: the old NMI watchdog. */
  get lint0IsNmi(): boolean {
    const entry = this.lvt[LVT_LINT0 - LVT_TIMER];
    return this.hardwareEnabled && (entry & LVT_MASKED) === 0 && modeOf(entry) === DELIVERY_NMI;
  }

  /** PPR: SDM "Task and Processor Priorities". */
  get processorPriority(): number {
    const inService = Math.max(this.isr.highest, 0) & 0xf0;
    return (this.tpr & 0xf0) >= inService ? this.tpr : inService;
  }

  /** Whether a message is for this APIC. @param destination 32 bits, `BROADCAST` for all */
  matches(destination: number, logical: boolean): boolean {
    if (!this.hardwareEnabled) return false;
    if (destination === BROADCAST) return true;
    if (!logical) return destination === this.id;
    if (this.x2apic) {
      const mine = this.x2apicLogicalId;
      return destination >>> 16 === mine >>> 16 && (destination & mine & 0xffff) !== 0;
    }
    if (destination > 0xff) return false;
    const mine = this.ldr >>> 24;
    if (this.dfr >>> 28 === 0xf) return (destination & mine) !== 0; // flat model
    return destination >> 4 === mine >> 4 && (destination & mine & 0xf) !== 0; // cluster model
  }

  /** A message from the APIC bus. @returns whether it was accepted */
  receive(mode: number, vector: number, levelTriggered: boolean): boolean {
    switch (mode) {
      case DELIVERY_FIXED:
      case DELIVERY_LOWEST_PRIORITY:
        return this.acceptsFixed && this.accept(vector, levelTriggered);
      case DELIVERY_NMI:
        pulse(this.pins.nmi);
        return true;
      case DELIVERY_INIT:
        this.resetRegisters();
        this.update();
        this.pins.init();
        return true;
      case DELIVERY_START_UP:
        this.pins.startUp(vector);
        return true;
      case DELIVERY_EXT_INT:
        this.externalInterrupt = true;
        this.update();
        return true;
      default:
        return false; // SMI and the reserved mode
    }
  }

  acknowledge(): number {
    const vector = this.deliverable();
    if (vector !== NONE) {
      this.irr.delete(vector);
      this.isr.add(vector);
      this.update();
      return vector;
    }
    if (this.pic !== undefined && this.externalRequest()) {
      this.externalInterrupt = false;
      const external = this.pic.acknowledge();
      this.update();
      return external;
    }
    this.externalInterrupt = false;
    this.update();
    return this.svr & 0xff; // "Spurious Interrupt"
  }

  readTaskPriority(): number {
    return this.tpr >> 4;
  }

  writeTaskPriority(priority: number): void {
    this.tpr = (priority & 15) << 4;
    this.update();
  }

  /** The guest wrote the time stamp counter or its adjustment. */
  tscChanged(): void {
    this.timer.tscChanged();
  }

  readMsr(index: number): bigint | undefined {
    if (index === MSR_APIC_BASE) {
      const flags =
        (this.bootstrap ? APIC_BASE_BSP : 0) | (this.x2apic ? APIC_BASE_EXTD : 0) | (this.hardwareEnabled ? APIC_BASE_EN : 0);
      return BigInt(this.apicBase) | BigInt(flags);
    }
    if (index === MSR_TSC_DEADLINE) return this.timer.deadline;
    if (index < MSR_X2APIC || index >= MSR_X2APIC_END || !this.x2apic) return undefined;
    const register = index - MSR_X2APIC;
    switch (register) {
      case ID:
        return BigInt(this.id);
      case LDR:
        return BigInt(this.x2apicLogicalId);
      case ICR_LOW:
        return (BigInt(this.icrHigh) << 32n) | BigInt(this.icrLow);
      // Write-only, or not in x2APIC mode (table "Local APIC Register Address Map Supported by x2APIC")
      case APR:
      case EOI:
      case RRD:
      case DFR:
      case ICR_HIGH:
      case SELF_IPI:
        return undefined;
    }
    const value = this.readRegister(register);
    return value === undefined ? undefined : BigInt(value);
  }

  writeMsr(index: number, value: bigint): boolean {
    if (index === MSR_APIC_BASE) return this.writeBase(value);
    if (index === MSR_TSC_DEADLINE) {
      this.timer.deadline = value;
      return true;
    }
    if (index < MSR_X2APIC || index >= MSR_X2APIC_END || !this.x2apic) return false;
    const register = index - MSR_X2APIC;
    const low = Number(value & 0xffff_ffffn);
    const high = Number(value >> 32n);
    if (register === ICR_LOW) {
      if ((low & ~ICR_WRITABLE) !== 0) return false;
      this.icrHigh = high;
      this.icrLow = low;
      this.sendIpi(low, high);
      return true;
    }
    if (high !== 0) return false;
    switch (register) {
      case TPR:
        if (low > 0xff) return false;
        break;
      case EOI:
      case ESR:
        if (low !== 0) return false;
        break;
      case SVR:
        if ((low & ~SVR_WRITABLE) !== 0) return false;
        break;
      case LVT_TIMER:
      case LVT_THERMAL:
      case LVT_PERFORMANCE:
      case LVT_LINT0:
      case LVT_LINT1:
      case LVT_ERROR:
        if ((low & ~(LVT_WRITABLE[register - LVT_TIMER] | LVT_READ_ONLY)) !== 0) return false;
        break;
      case TIMER_INITIAL_COUNT:
        break;
      case TIMER_DIVIDE:
        if ((low & ~0xb) !== 0) return false;
        break;
      case SELF_IPI:
        if (low > 0xff) return false;
        this.sendIpi(low | (SHORTHAND_SELF << ICR_SHORTHAND_SHIFT), 0);
        return true;
      default:
        return false; // read-only or not there
    }
    return this.writeRegister(register, low);
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.apicBase = APIC_BASE_DEFAULT;
    this.hardwareEnabled = true;
    this.x2apic = false;
    this.resetRegisters();
    if (this.virtualWire) {
      this.svr = SVR_ENABLE | 0xff;
      this.lvt[LVT_LINT0 - LVT_TIMER] = DELIVERY_EXT_INT << LVT_MODE_SHIFT;
      this.lvt[LVT_LINT1 - LVT_TIMER] = DELIVERY_NMI << LVT_MODE_SHIFT;
    }
    this.update();
    this.onRelocate?.();
  }

  save(): LocalApicState {
    return {
      version: 1,
      base: this.apicBase,
      enabled: this.hardwareEnabled,
      x2apic: this.x2apic,
      tpr: this.tpr,
      ldr: this.ldr,
      dfr: this.dfr,
      svr: this.svr,
      isr: [...this.isr.words],
      tmr: [...this.tmr.words],
      irr: [...this.irr.words],
      esr: this.esr,
      errors: this.errors,
      icrLow: this.icrLow,
      icrHigh: this.icrHigh,
      lvt: [...this.lvt],
      externalInterrupt: this.externalInterrupt,
      lint: [...this.lint],
      timer: this.timer.save(),
    };
  }

  /** The board reads `base` and `mapped` afterwards; `onRelocate` is not called. */
  restore(state: LocalApicState): void {
    expectVersion(this.name, state, 1);
    this.apicBase = state.base;
    this.hardwareEnabled = state.enabled;
    this.x2apic = state.x2apic;
    this.tpr = state.tpr;
    this.ldr = state.ldr;
    this.dfr = state.dfr;
    this.svr = state.svr;
    this.isr.words.set(state.isr);
    this.tmr.words.set(state.tmr);
    this.irr.words.set(state.irr);
    this.esr = state.esr;
    this.errors = state.errors;
    this.icrLow = state.icrLow;
    this.icrHigh = state.icrHigh;
    this.lvt.set(state.lvt);
    this.externalInterrupt = state.externalInterrupt;
    this.lint[0] = state.lint[0];
    this.lint[1] = state.lint[1];
    this.timer.restore(state.timer);
  }

  /** "Local APIC State After Power-Up or Reset", which INIT also gives but for the ID and IA32_APIC_BASE. */
  private resetRegisters(): void {
    this.tpr = 0;
    this.ldr = 0;
    this.dfr = DFR_FLAT;
    this.svr = SVR_AT_RESET;
    this.isr.clear();
    this.tmr.clear();
    this.irr.clear();
    this.esr = 0;
    this.errors = 0;
    this.icrLow = 0;
    this.icrHigh = 0;
    this.lvt.fill(LVT_MASKED);
    this.externalInterrupt = false;
    this.timer.reset();
  }

  private readMemory(offset: number): number {
    if ((offset & 15) !== 0) return 0; // only the first word of each 16 bytes is a register
    const value = this.readRegister(offset >> 4);
    if (value !== undefined) return value;
    this.error(ESR_ILLEGAL_REGISTER);
    return 0;
  }

  private writeMemory(offset: number, value: number): void {
    if ((offset & 15) !== 0) return;
    if (!this.writeRegister(offset >> 4, value)) this.error(ESR_ILLEGAL_REGISTER);
  }

  /** @returns undefined when there is no such register */
  private readRegister(register: number): number | undefined {
    if (register >= ISR && register < IRR_END) {
      const set = register < TMR ? this.isr : register < IRR ? this.tmr : this.irr;
      return set.words[register & 7] >>> 0;
    }
    switch (register) {
      case ID:
        return (this.id << 24) >>> 0;
      case VERSION:
        return VERSION_VALUE;
      case TPR:
        return this.tpr;
      case APR:
        return this.arbitrationPriority();
      case PPR:
        return this.processorPriority;
      case EOI:
      case RRD:
        return 0;
      case LDR:
        return this.ldr;
      case DFR:
        return this.dfr;
      case SVR:
        return this.svr;
      case ESR:
        return this.esr;
      case ICR_LOW:
        return this.icrLow;
      case ICR_HIGH:
        return this.icrHigh;
      case LVT_TIMER:
      case LVT_THERMAL:
      case LVT_PERFORMANCE:
      case LVT_LINT0:
      case LVT_LINT1:
      case LVT_ERROR:
        return this.lvt[register - LVT_TIMER];
      case TIMER_INITIAL_COUNT:
        return this.timer.initialCount;
      case TIMER_CURRENT_COUNT:
        return this.timer.currentCount;
      case TIMER_DIVIDE:
        return this.timer.divideConfiguration;
      default:
        return undefined;
    }
  }

  /** @returns false when there is no such register; writes to read-only ones do nothing */
  private writeRegister(register: number, value: number): boolean {
    switch (register) {
      case TPR:
        this.tpr = value & 0xff;
        this.update();
        return true;
      case EOI:
        this.endOfInterrupt();
        return true;
      case LDR:
        this.ldr = (value & 0xff00_0000) >>> 0;
        return true;
      case DFR:
        this.dfr = (value | DFR_RESERVED) >>> 0;
        return true;
      case SVR:
        this.writeSpuriousVector(value);
        return true;
      case ESR:
        this.esr = this.errors;
        this.errors = 0;
        return true;
      case ICR_LOW:
        this.icrLow = value & ICR_WRITABLE;
        this.sendIpi(this.icrLow, widenDestination(this.icrHigh >>> 24));
        return true;
      case ICR_HIGH:
        this.icrHigh = (value & 0xff00_0000) >>> 0;
        return true;
      case LVT_TIMER:
      case LVT_THERMAL:
      case LVT_PERFORMANCE:
      case LVT_LINT0:
      case LVT_LINT1:
      case LVT_ERROR:
        this.writeLvt(register, value);
        return true;
      case TIMER_INITIAL_COUNT:
        this.timer.initialCount = value;
        return true;
      case TIMER_DIVIDE:
        this.timer.divideConfiguration = value & 0xb;
        return true;
      case ID:
      case VERSION:
      case APR:
      case PPR:
      case RRD:
      case TIMER_CURRENT_COUNT:
        return true;
      default:
        return register >= ISR && register < IRR_END;
    }
  }

  private get x2apicLogicalId(): number {
    return ((this.id >> 4) << 16) | (1 << (this.id & 15));
  }

  /** SDM "IA32_APIC_BASE": the legal transitions between disabled, xAPIC and x2APIC (figure of x2APIC states). */
  private writeBase(value: bigint): boolean {
    if (value >= PHYSICAL_ADDRESS_LIMIT) return false;
    const flags = Number(value & 0xfffn);
    if ((flags & APIC_BASE_RESERVED) !== 0) return false;
    const enabled = (flags & APIC_BASE_EN) !== 0;
    const x2apic = (flags & APIC_BASE_EXTD) !== 0;
    if (x2apic && !enabled) return false;
    if (this.x2apic && enabled && !x2apic) return false; // only by way of disabled
    if (!this.hardwareEnabled && x2apic) return false; // only by way of xAPIC mode
    if (this.hardwareEnabled && !enabled) this.resetRegisters();
    this.apicBase = Number(value - BigInt(flags));
    this.hardwareEnabled = enabled;
    this.x2apic = x2apic;
    this.update();
    this.onRelocate?.();
    return true;
  }

  private writeSpuriousVector(value: number): void {
    this.svr = value & SVR_WRITABLE;
    if ((this.svr & SVR_ENABLE) === 0) {
      // "Local APIC State After It Has Been Software Disabled": all LVT entries are masked. What is pending stays.
      for (let register = LVT_TIMER; register <= LVT_ERROR; register++) this.writeLvt(register, this.lvt[register - LVT_TIMER]);
    }
    this.update();
  }

  private writeLvt(register: number, value: number): void {
    const index = register - LVT_TIMER;
    const forced = (this.svr & SVR_ENABLE) === 0 ? LVT_MASKED : 0;
    let entry = (value & LVT_WRITABLE[index]) | forced;
    if ((entry & LVT_LEVEL) !== 0) entry |= this.lvt[index] & LVT_REMOTE_IRR;
    this.lvt[index] = entry;
    switch (register) {
      case LVT_TIMER: {
        const mode = entry >> LVT_TIMER_MODE_SHIFT;
        this.timer.configure(mode === 3 ? 0 : mode, (entry & LVT_MASKED) !== 0);
        break;
      }
      case LVT_LINT0:
      case LVT_LINT1:
        this.serviceLint(register - LVT_LINT0);
        this.update();
        break;
    }
  }

  private setLint(input: number, level: boolean): void {
    if (this.lint[input] === level) return;
    this.lint[input] = level;
    if (!this.hardwareEnabled) {
      // "LINT0 and LINT1 pins are INTR and NMI when the local APIC is disabled."
      if (input === 1 && level) pulse(this.pins.nmi);
    } else if (level) {
      const register = LVT_LINT0 + input;
      const entry = this.lvt[register - LVT_TIMER];
      if ((entry & LVT_LEVEL) !== 0 && modeOf(entry) === DELIVERY_FIXED) this.serviceLint(input);
      else this.interruptFromLvt(register);
    }
    this.update();
  }

  /** Level-triggered fixed interrupts of a LINT pin: one at a time, again after EOI while the pin is asserted. */
  private serviceLint(input: number): void {
    const index = LVT_LINT0 - LVT_TIMER + input;
    const entry = this.lvt[index];
    if (!this.lint[input] || (entry & LVT_LEVEL) === 0 || (entry & (LVT_MASKED | LVT_REMOTE_IRR)) !== 0) return;
    if (modeOf(entry) !== DELIVERY_FIXED) return;
    this.lvt[index] = entry | LVT_REMOTE_IRR;
    this.accept(entry & 0xff, true);
  }

  private interruptFromLvt(register: number): void {
    const entry = this.lvt[register - LVT_TIMER];
    if ((entry & LVT_MASKED) !== 0) return;
    const mode = modeOf(entry);
    // ExtINT follows the level of the pin, see externalRequest.
    if (mode === DELIVERY_FIXED) this.accept(entry & 0xff, false);
    else if (mode === DELIVERY_NMI || mode === DELIVERY_INIT) this.receive(mode, entry & 0xff, false);
  }

  private accept(vector: number, levelTriggered: boolean): boolean {
    if (vector < 16) {
      this.error(ESR_RECEIVED_ILLEGAL_VECTOR);
      return false;
    }
    this.irr.add(vector);
    if (levelTriggered) this.tmr.add(vector);
    else this.tmr.delete(vector);
    this.update();
    return true;
  }

  private endOfInterrupt(): void {
    const vector = this.isr.highest;
    if (vector === NONE) return;
    this.isr.delete(vector);
    this.update();
    if (!this.tmr.has(vector)) return;
    for (let input = 0; input < 2; input++) {
      const index = LVT_LINT0 - LVT_TIMER + input;
      if ((this.lvt[index] & (LVT_REMOTE_IRR | 0xff)) !== (LVT_REMOTE_IRR | vector)) continue;
      this.lvt[index] &= ~LVT_REMOTE_IRR;
      this.serviceLint(input);
    }
    if ((this.svr & SVR_SUPPRESS_EOI_BROADCAST) === 0) this.bus.endOfInterrupt(vector);
  }

  private sendIpi(command: number, destination: number): void {
    const mode = (command >> LVT_MODE_SHIFT) & 7;
    const vector = command & 0xff;
    if (mode === DELIVERY_INIT && (command & (ICR_LEVEL | ICR_ASSERT)) === ICR_LEVEL) return; // INIT level de-assert
    if (mode === DELIVERY_EXT_INT) return; // reserved in the ICR
    if ((mode === DELIVERY_FIXED || mode === DELIVERY_LOWEST_PRIORITY) && vector < 16) {
      this.error(ESR_SEND_ILLEGAL_VECTOR);
      return;
    }
    switch (command >>> ICR_SHORTHAND_SHIFT) {
      case SHORTHAND_SELF:
        if (mode === DELIVERY_FIXED) this.receive(mode, vector, false); // the only mode that goes to oneself
        break;
      case SHORTHAND_ALL:
        this.bus.deliverToAll(mode, vector, undefined);
        break;
      case SHORTHAND_OTHERS:
        this.bus.deliverToAll(mode, vector, this);
        break;
      default:
        this.bus.deliver(mode, vector, destination, (command & ICR_LOGICAL) !== 0, false);
    }
  }

  /** "Error Handling": one interrupt until software rearms by writing ESR. */
  private error(bit: number): void {
    const armed = this.errors === 0;
    this.errors |= bit;
    if (armed) this.interruptFromLvt(LVT_ERROR);
  }

  /** APR: SDM "Arbitration Priority Register". */
  private arbitrationPriority(): number {
    const request = Math.max(this.irr.highest, 0) & 0xf0;
    const inService = Math.max(this.isr.highest, 0) & 0xf0;
    const task = this.tpr & 0xf0;
    if (task >= request && task > inService) return this.tpr;
    return Math.max(task, request, inService);
  }

  /** The vector that an acknowledge would yield, or NONE. */
  private deliverable(): number {
    if (!this.hardwareEnabled) return NONE;
    const vector = this.irr.highest;
    return vector !== NONE && (vector & 0xf0) > (this.processorPriority & 0xf0) ? vector : NONE;
  }

  /** Whether the PIC asks: through LINT0 as ExtINT, by message, or directly while the APIC is disabled. */
  private externalRequest(): boolean {
    if (!this.hardwareEnabled) return this.lint[0];
    if (this.externalInterrupt) return true;
    const entry = this.lvt[LVT_LINT0 - LVT_TIMER];
    return this.lint[0] && (entry & LVT_MASKED) === 0 && modeOf(entry) === DELIVERY_EXT_INT;
  }

  private update(): void {
    this.pins.intr.set(this.deliverable() !== NONE || this.externalRequest());
  }
}

function modeOf(lvtEntry: number): number {
  return (lvtEntry >> LVT_MODE_SHIFT) & 7;
}
