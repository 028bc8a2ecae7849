import type { Clock, Device, IoRegion, IrqLine, Timer } from '@pckit/interfaces';
import { ticksAt, timeOfTick } from './frequency.js';
import { expectVersion } from './state-version.js';
import { restoreTimer, saveTimer } from './timer-state.js';

/*
 * Motorola MC146818A real-time clock with 128 bytes of CMOS RAM, as PCs have it (PIIX3/PIIX4 datasheet, "Real Time Clock").
 *
 * - The time is computed from the virtual clock, not counted; an update takes no time, so UIP shows the 244 us before it.
 * - Daylight saving (DSE) and the square wave (SQWE) only read back.
 * - Byte 32h, which firmware keeps as the century, is kept here.
 */

const SECONDS = 0x00;
const SECONDS_ALARM = 0x01;
const MINUTES = 0x02;
const MINUTES_ALARM = 0x03;
const HOURS = 0x04;
const HOURS_ALARM = 0x05;
const DAY_OF_WEEK = 0x06;
const DAY_OF_MONTH = 0x07;
const MONTH = 0x08;
const YEAR = 0x09;
const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
const FIRST_RAM = 0x0e;
const CENTURY = 0x32;
const REGISTERS = 128;

const A_UIP = 0x80;
const A_DIVIDER_RESET = 0x60; // DV 11x holds the divider chain
const A_RATE = 0x0f;
const A_AT_POWER_ON = 0x26; // 32.768 kHz time base, 1024 Hz
const B_SET = 0x80;
const B_PIE = 0x40;
const B_AIE = 0x20;
const B_UIE = 0x10;
const B_SQWE = 0x08;
const B_BINARY = 0x04;
const B_24_HOURS = 0x02;
const C_IRQF = 0x80;
const C_PF = 0x40;
const C_AF = 0x20;
const C_UF = 0x10;
const D_VRT = 0x80;
const HOUR_PM = 0x80;
/** "Alarm bytes with their two upper bits set match anything." */
const ALARM_ANY = 0xc0;

const SECOND_NS = 1e9;
const UIP_NS = 244_000;
const TIME_BASE_HZ = 32_768;
const DAY = 86_400;

export type Mc146818RtcState = {
  readonly version: 1;
  readonly index: number;
  /** All registers as they were last written or computed; time registers are current only while the clock is stopped. */
  readonly registers: Uint8Array;
  /** The second that began at virtual time `epochStart`, since 1970. */
  readonly epochSeconds: number;
  readonly epochStart: number;
  readonly dayOfWeekOffset: number;
  /** Flags up to this virtual time are in register C. */
  readonly flagsUntil: number;
  readonly deadline: number | null;
};

export interface Mc146818RtcWires {
  /** IRQ 8 */
  readonly irq: IrqLine;
  readonly clock: Clock;
}

export interface Mc146818RtcOptions {
  /** The date and time at power-on, in milliseconds since 1970 UTC (as `Date.now()`); the chip shows UTC. */
  readonly epoch: number;
  /** Default `rtc`. */
  readonly name?: string;
  /** Initial contents of CMOS registers 0Eh-7Fh (memory size, boot order ...), by register number. */
  readonly cmos?: Readonly<Record<number, number>>;
}

export class Mc146818Rtc implements Device<Mc146818RtcState> {
  readonly name: string;
  /** 70h-71h */
  readonly regions: { readonly ports: IoRegion };
  private readonly irq: IrqLine;
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly options: Mc146818RtcOptions;
  private index = 0;
  private readonly registers = new Uint8Array(REGISTERS);
  private epochSeconds = 0;
  private epochStart = 0;
  /** What the guest's day of the week is off from the calendar's; the chip doesn't know the calendar of weekdays. */
  private dayOfWeekOffset = 0;
  private flagsUntil = 0;

  constructor(wires: Mc146818RtcWires, options: Mc146818RtcOptions) {
    this.name = options.name ?? 'rtc';
    this.irq = wires.irq;
    this.clock = wires.clock;
    this.options = options;
    this.timer = wires.clock.timer(`${this.name}.interrupt`, () => this.service());
    this.regions = {
      ports: {
        name: this.name,
        length: 2,
        accepts: [1],
        handler: {
          read: (offset) => (offset === 0 ? 0xff : this.read(this.index)), // the index is write-only
          write: (offset, value) => {
            // Bit 7 of the index port masks NMI in the chipset; nothing here raises one.
            if (offset === 0) this.index = value & 0x7f;
            else this.write(this.index, value);
          },
        },
      },
    };
    this.reset('cold');
  }

  reset(kind: 'cold' | 'warm'): void {
    const now = this.clock.now();
    if (kind === 'cold') {
      this.index = 0;
      this.registers.fill(0);
      this.registers[REGISTER_A] = A_AT_POWER_ON;
      this.registers[REGISTER_B] = B_24_HOURS;
      for (const [register, value] of Object.entries(this.options.cmos ?? {})) {
        if (Number(register) >= FIRST_RAM) this.registers[Number(register)] = value;
      }
      this.epochSeconds = Math.floor(this.options.epoch / 1000);
      this.epochStart = -Math.round((this.options.epoch - this.epochSeconds * 1000) * 1e6);
      this.dayOfWeekOffset = 0;
    } else {
      this.updateFlags(now);
    }
    // MC146818A, "RESET": the interrupt enables and flags are cleared, time and RAM are not.
    this.registers[REGISTER_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    this.registers[REGISTER_C] = 0;
    this.flagsUntil = now;
    this.update(now);
  }

  save(): Mc146818RtcState {
    return {
      version: 1,
      index: this.index,
      registers: this.registers.slice(),
      epochSeconds: this.epochSeconds,
      epochStart: this.epochStart,
      dayOfWeekOffset: this.dayOfWeekOffset,
      flagsUntil: this.flagsUntil,
      deadline: saveTimer(this.timer),
    };
  }

  restore(state: Mc146818RtcState): void {
    expectVersion(this.name, state, 1);
    this.index = state.index;
    this.registers.set(state.registers);
    this.epochSeconds = state.epochSeconds;
    this.epochStart = state.epochStart;
    this.dayOfWeekOffset = state.dayOfWeekOffset;
    this.flagsUntil = state.flagsUntil;
    restoreTimer(this.timer, state.deadline);
  }

  private read(register: number): number {
    const now = this.clock.now();
    switch (register) {
      case SECONDS:
      case MINUTES:
      case HOURS:
      case DAY_OF_WEEK:
      case DAY_OF_MONTH:
      case MONTH:
      case YEAR:
      case CENTURY:
        if (this.ticking) this.showTime(now);
        return this.registers[register];
      case REGISTER_A: {
        const intoSecond = (((now - this.epochStart) % SECOND_NS) + SECOND_NS) % SECOND_NS;
        const updating = this.ticking && intoSecond >= SECOND_NS - UIP_NS;
        return this.registers[REGISTER_A] | (updating ? A_UIP : 0);
      }
      case REGISTER_C: {
        this.updateFlags(now);
        const flags = this.registers[REGISTER_C] | (this.requested ? C_IRQF : 0);
        this.registers[REGISTER_C] = 0;
        this.update(now);
        return flags;
      }
      case REGISTER_D:
        return D_VRT;
      default:
        return this.registers[register];
    }
  }

  private write(register: number, value: number): void {
    const now = this.clock.now();
    this.updateFlags(now);
    switch (register) {
      case SECONDS:
      case MINUTES:
      case HOURS:
      case DAY_OF_WEEK:
      case DAY_OF_MONTH:
      case MONTH:
      case YEAR:
      case CENTURY:
        if (this.ticking) {
          this.showTime(now);
          this.registers[register] = value;
          this.takeTime(this.epochSecondBegin(now));
        } else {
          this.registers[register] = value;
        }
        break;
      case REGISTER_A:
        this.writeA(value & ~A_UIP, now);
        break;
      case REGISTER_B:
        this.writeB(value, now);
        break;
      case REGISTER_C:
      case REGISTER_D:
        return; // read-only
      default:
        this.registers[register] = value;
    }
    this.update(now);
  }

  /** Time advances: not held by SET, nor by a divider chain in reset. */
  private get ticking(): boolean {
    return (this.registers[REGISTER_B] & B_SET) === 0 && !this.dividerReset;
  }

  private get dividerReset(): boolean {
    return (this.registers[REGISTER_A] & A_DIVIDER_RESET) === A_DIVIDER_RESET;
  }

  private writeA(value: number, now: number): void {
    const wasTicking = this.ticking;
    const wasReset = this.dividerReset;
    if (wasTicking) this.showTime(now);
    this.registers[REGISTER_A] = value;
    // "When the divider reset is removed the first update cycle begins one-half second later."
    if (wasReset && !this.dividerReset) this.epochStart = now - SECOND_NS / 2;
    if (!wasTicking && this.ticking) this.takeTime(this.epochSecondBegin(now));
  }

  private writeB(value: number, now: number): void {
    const wasTicking = this.ticking;
    if (wasTicking) this.showTime(now);
    if ((value & B_SET) !== 0) value &= ~B_UIE; // "SET clears UIE"
    this.registers[REGISTER_B] = value;
    if (!wasTicking && this.ticking) this.takeTime(this.epochSecondBegin(now));
  }

  /** Virtual time at which the present second of the divider chain began. */
  private epochSecondBegin(now: number): number {
    return now - ((((now - this.epochStart) % SECOND_NS) + SECOND_NS) % SECOND_NS);
  }

  private secondsAt(now: number): number {
    return this.epochSeconds + Math.floor((now - this.epochStart) / SECOND_NS);
  }

  /** Puts the time into the registers, in the format that register B asks for. */
  private showTime(now: number): void {
    const date = new Date(this.secondsAt(now) * 1000);
    const r = this.registers;
    const hour = date.getUTCHours();
    r[SECONDS] = this.encode(date.getUTCSeconds());
    r[MINUTES] = this.encode(date.getUTCMinutes());
    r[HOURS] =
      (r[REGISTER_B] & B_24_HOURS) !== 0
        ? this.encode(hour)
        : this.encode(hour % 12 === 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
    r[DAY_OF_WEEK] = this.encode(((date.getUTCDay() + this.dayOfWeekOffset) % 7) + 1);
    r[DAY_OF_MONTH] = this.encode(date.getUTCDate());
    r[MONTH] = this.encode(date.getUTCMonth() + 1);
    const year = date.getUTCFullYear();
    r[YEAR] = this.encode(year % 100);
    const century = Math.floor(year / 100) % 100;
    r[CENTURY] = ((Math.floor(century / 10) << 4) | century % 10) & 0xff; // BCD always: RAM, not part of the chip
  }

  /** The registers are the time of the second that began at `start`. Impossible dates become the next possible ones. */
  private takeTime(start: number): void {
    const r = this.registers;
    const century = (r[CENTURY] >> 4) * 10 + (r[CENTURY] & 15);
    const year = century * 100 + this.decode(r[YEAR]);
    const date = new Date(0);
    date.setUTCFullYear(year, this.decode(r[MONTH]) - 1, this.decode(r[DAY_OF_MONTH]));
    date.setUTCHours(this.decodeHour(r[HOURS]), this.decode(r[MINUTES]), this.decode(r[SECONDS]));
    this.epochSeconds = Math.floor(date.getTime() / 1000);
    this.epochStart = start;
    this.dayOfWeekOffset = (this.decode(r[DAY_OF_WEEK]) + 6 + 7 - date.getUTCDay()) % 7;
  }

  private encode(value: number): number {
    return (this.registers[REGISTER_B] & B_BINARY) !== 0 ? value : (Math.floor(value / 10) << 4) | value % 10;
  }

  private decode(value: number): number {
    return (this.registers[REGISTER_B] & B_BINARY) !== 0 ? value : (value >> 4) * 10 + (value & 15);
  }

  private decodeHour(value: number): number {
    if ((this.registers[REGISTER_B] & B_24_HOURS) !== 0) return this.decode(value);
    return (this.decode(value & ~HOUR_PM) % 12) + ((value & HOUR_PM) !== 0 ? 12 : 0);
  }

  private get requested(): boolean {
    // The flags and their enables have the same bits in C and B.
    return (this.registers[REGISTER_C] & this.registers[REGISTER_B] & (C_PF | C_AF | C_UF)) !== 0;
  }

  /** Sets the flags of what happened since they were last looked at. */
  private updateFlags(now: number): void {
    const since = this.flagsUntil;
    this.flagsUntil = now;
    let flags = 0;
    if (this.nextPeriodic(since) <= now) flags |= C_PF;
    if (this.nextUpdate(since) <= now) flags |= C_UF;
    if ((this.registers[REGISTER_C] & C_AF) === 0 && this.nextAlarm(since) <= now) flags |= C_AF;
    this.registers[REGISTER_C] |= flags;
  }

  /** Drives the line and waits for the next flag that would raise it. */
  private update(now: number): void {
    this.irq.set(this.requested);
    const enabled = this.registers[REGISTER_B];
    let next = Infinity;
    if (!this.requested) {
      if ((enabled & B_PIE) !== 0) next = Math.min(next, this.nextPeriodic(now));
      if ((enabled & B_UIE) !== 0) next = Math.min(next, this.nextUpdate(now));
      if ((enabled & B_AIE) !== 0) next = Math.min(next, this.nextAlarm(now));
    }
    if (next === Infinity) this.timer.cancel();
    else this.timer.arm(next);
  }

  private service(): void {
    const now = this.clock.now();
    this.updateFlags(now);
    this.update(now);
  }

  /** The first tick of the periodic rate after `now`. Table "Periodic Interrupt Rate" for a 32.768 kHz time base. */
  private nextPeriodic(now: number): number {
    const rate = this.registers[REGISTER_A] & A_RATE;
    if (rate === 0 || this.dividerReset) return Infinity;
    const cycles = 1 << (rate < 3 ? rate + 6 : rate - 1);
    const since = now - this.epochStart;
    const ticks = ticksAt(since, TIME_BASE_HZ);
    return this.epochStart + timeOfTick((Math.floor(ticks / cycles) + 1) * cycles, TIME_BASE_HZ);
  }

  private nextUpdate(now: number): number {
    return this.ticking ? this.epochSecondBegin(now) + SECOND_NS : Infinity;
  }

  private nextAlarm(now: number): number {
    if (!this.ticking) return Infinity;
    const wanted = {
      hour: this.alarmField(HOURS_ALARM),
      minute: this.alarmField(MINUTES_ALARM),
      second: this.alarmField(SECONDS_ALARM),
    };
    const present = this.secondsAt(now);
    // At most one step for each hour, minute and second of a day.
    let second = present + 1;
    while (second <= present + DAY) {
      const ofDay = ((second % DAY) + DAY) % DAY;
      if (wanted.hour !== undefined && Math.floor(ofDay / 3600) !== wanted.hour) second += 3600 - (ofDay % 3600);
      else if (wanted.minute !== undefined && Math.floor(ofDay / 60) % 60 !== wanted.minute) second += 60 - (ofDay % 60);
      else if (wanted.second !== undefined && ofDay % 60 !== wanted.second) second += 1;
      else return this.epochStart + (second - this.epochSeconds) * SECOND_NS;
    }
    return Infinity; // no time looks like that
  }

  /** undefined: any */
  private alarmField(register: number): number | undefined {
    const value = this.registers[register];
    if ((value & ALARM_ANY) === ALARM_ANY) return undefined;
    return register === HOURS_ALARM ? this.decodeHour(value) : this.decode(value);
  }
}
