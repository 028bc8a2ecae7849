import type { AccessSize, Clock, Device, IoRegion, IrqLine, Timer } from '@pckit/interfaces';
import { expectVersion } from '../state-version.js';

/**
 * ACPI fixed hardware as the 82371AB (PIIX4) has it: Intel 82371AB datasheet, section 7.2, and ACPI 6.5, section 4.8. PM1 status, enable and control,
 * the PM timer, an empty GPE0 block, and the SMI command port with the handshake that hands the SCI to the operating system.
 *
 * Deviations: no SMM; the command port acts at once. No processor throttling (PCNTRL stores), no P_LVL2/3, no global, device or GPIO
 * registers (read zero). Sleep states other than S5 do nothing.
 */

/** The PIIX4's block of 64 ports. */
const PM1_STATUS = 0x00;
const PM1_ENABLE = 0x02;
const PM1_CONTROL = 0x04;
const PM_TIMER = 0x08;
const GPE0_STATUS = 0x0c;
const GPE0_ENABLE = 0x0e;
const PROCESSOR_CONTROL = 0x10;
const BLOCK_LENGTH = 0x40;

/** PM1 status and enable. */
const TMR = 1 << 0;
const GBL = 1 << 5;
const PWRBTN = 1 << 8;
const RTC = 1 << 10;
const WAK = 1 << 15;
const STATUS_CLEARABLE = TMR | (1 << 4) | GBL | PWRBTN | RTC | WAK;
const ENABLES = TMR | GBL | PWRBTN | RTC;

/** PM1 control. */
const SCI_EN = 1 << 0;
const CONTROL_STORED = (1 << 1) | (7 << 10);
const SLP_TYP_SHIFT = 10;
const SLP_TYP_MASK = 7;
const SLP_EN = 1 << 13;
/** PIIX4 PMCNTRL bits 12:10: 000b is soft off (S5). */
const SLP_TYP_SOFT_OFF = 0;

/** APMC and APMS, ports B2H and B3H. */
const SMI_COMMAND = 0;
const SMI_STATUS = 1;
/** What FADT's ACPI_ENABLE and ACPI_DISABLE say. */
export const ACPI_ENABLE = 0xf1;
export const ACPI_DISABLE = 0xf0;

export const PM_TIMER_HZ = 3_579_545;
const NS_PER_SECOND = 1_000_000_000;

export interface AcpiPmWires {
  readonly clock: Clock;
  /** IRQ9, level. */
  readonly sci: IrqLine;
  /** The guest wrote SLP_EN with the type of S5. */
  readonly powerOff: () => void;
}

export interface AcpiPmOptions {
  readonly name?: string;
  /** TMR_VAL_EXT in FADT must agree. PIIX4 has 24. */
  readonly timerBits?: 24 | 32;
  /** The firmware has already switched to ACPI mode: SCI_EN reads one. FADT then has no SMI command port. */
  readonly acpiEnabled?: boolean;
}

export interface AcpiPmState {
  readonly [field: string]: number;
  readonly version: 1;
  readonly pm1Status: number;
  readonly pm1Enable: number;
  readonly pm1Control: number;
  readonly gpe0Enable: number;
  readonly processorControl: number;
  readonly smiCommand: number;
  readonly smiStatus: number;
  /** Timer count (unwrapped, since power-on) at which the timer's status is set next. */
  readonly nextOverflow: number;
}

export class AcpiPm implements Device<AcpiPmState> {
  readonly name: string;
  /** `pm`: 64 ports at the PM base, see the PIIX4 function or FADT; `smi`: ports B2H and B3H. */
  readonly regions: { readonly pm: IoRegion; readonly smi: IoRegion };
  readonly timerBits: 24 | 32;

  readonly #timer: Timer;
  readonly #acpiEnabled: boolean;
  /** Ticks between changes of the timer's top bit. */
  readonly #halfPeriod: number;
  #pm1Status = 0;
  #pm1Enable = 0;
  #pm1Control = 0;
  #gpe0Enable = 0;
  #processorControl = 0;
  #smiCommand = 0;
  #smiStatus = 0;
  #nextOverflow: number;

  constructor(
    private readonly wires: AcpiPmWires,
    options: AcpiPmOptions = {},
  ) {
    this.name = options.name ?? 'acpi-pm';
    this.timerBits = options.timerBits ?? 24;
    this.#acpiEnabled = options.acpiEnabled ?? false;
    this.#halfPeriod = 2 ** (this.timerBits - 1);
    this.#nextOverflow = this.#overflowAfter(this.#ticks());
    this.#timer = wires.clock.timer(`${this.name}-timer`, () => this.#update());
    this.regions = {
      pm: {
        name: `${this.name}-block`,
        length: BLOCK_LENGTH,
        handler: { read: (offset, size) => this.#read(offset, size), write: (offset, value, size) => this.#write(offset, value, size) },
      },
      smi: {
        name: `${this.name}-smi`,
        length: 2,
        accepts: [1],
        handler: { read: (offset) => (offset === SMI_COMMAND ? this.#smiCommand : this.#smiStatus), write: (offset, value) => this.#writeSmi(offset, value) },
      },
    };
    this.#pm1Control = this.#acpiEnabled ? SCI_EN : 0;
  }

  /** Somebody pressed the power button. */
  pressPowerButton(): void {
    this.#pm1Status |= PWRBTN;
    this.#update();
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.#pm1Status = 0;
    this.#pm1Enable = 0;
    this.#pm1Control = this.#acpiEnabled ? SCI_EN : 0;
    this.#gpe0Enable = 0;
    this.#processorControl = 0;
    this.#smiCommand = 0;
    this.#smiStatus = 0;
    this.#nextOverflow = this.#overflowAfter(this.#ticks());
    this.#update();
  }

  save(): AcpiPmState {
    this.#catchUp();
    return {
      version: 1,
      pm1Status: this.#pm1Status,
      pm1Enable: this.#pm1Enable,
      pm1Control: this.#pm1Control,
      gpe0Enable: this.#gpe0Enable,
      processorControl: this.#processorControl,
      smiCommand: this.#smiCommand,
      smiStatus: this.#smiStatus,
      nextOverflow: this.#nextOverflow,
    };
  }

  restore(state: AcpiPmState): void {
    expectVersion(this.name, state, 1);
    this.#pm1Status = state.pm1Status;
    this.#pm1Enable = state.pm1Enable;
    this.#pm1Control = state.pm1Control;
    this.#gpe0Enable = state.gpe0Enable;
    this.#processorControl = state.processorControl;
    this.#smiCommand = state.smiCommand;
    this.#smiStatus = state.smiStatus;
    this.#nextOverflow = state.nextOverflow;
    this.#armTimer();
  }

  #read(offset: number, size: AccessSize): number {
    if (offset === PM_TIMER && size === 4) return this.#readTimer();
    let value = 0;
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      value += ((this.#readRegister(at & ~1) >>> ((at & 1) * 8)) & 0xff) * 2 ** (8 * i);
    }
    return value;
  }

  /** A 16-bit register, the unit of the block. */
  #readRegister(offset: number): number {
    switch (offset) {
      case PM1_STATUS:
        this.#catchUp();
        return this.#pm1Status;
      case PM1_ENABLE:
        return this.#pm1Enable;
      case PM1_CONTROL:
        return this.#pm1Control;
      case PM_TIMER:
        return this.#readTimer() & 0xffff;
      case PM_TIMER + 2:
        return this.#readTimer() >>> 16;
      case GPE0_ENABLE:
        return this.#gpe0Enable;
      case PROCESSOR_CONTROL:
        return this.#processorControl;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number, size: AccessSize): void {
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const shift = (at & 1) * 8;
      const byte = Math.floor(value / 2 ** (8 * i)) & 0xff;
      // Bytes that a word or dword write brings together take effect together: SLP_TYP before SLP_EN is in the same byte anyway.
      this.#writeRegister(at & ~1, byte << shift, 0xff << shift);
    }
    this.#update();
  }

  #writeRegister(offset: number, value: number, mask: number): void {
    switch (offset) {
      case PM1_STATUS:
        this.#catchUp();
        this.#pm1Status &= ~(value & STATUS_CLEARABLE);
        return;
      case PM1_ENABLE:
        this.#pm1Enable = (this.#pm1Enable & ~mask) | (value & ENABLES);
        return;
      case PM1_CONTROL:
        this.#pm1Control = (this.#pm1Control & ~(mask & CONTROL_STORED)) | (value & CONTROL_STORED);
        if ((value & SLP_EN) !== 0) this.#sleep();
        return;
      case GPE0_STATUS:
        return;
      case GPE0_ENABLE:
        this.#gpe0Enable = (this.#gpe0Enable & ~mask) | value;
        return;
      case PROCESSOR_CONTROL:
        this.#processorControl = (this.#processorControl & ~mask) | value;
        return;
    }
  }

  #writeSmi(offset: number, value: number): void {
    if (offset === SMI_STATUS) {
      this.#smiStatus = value;
      return;
    }
    this.#smiCommand = value;
    if (value === ACPI_ENABLE) this.#pm1Control |= SCI_EN;
    else if (value === ACPI_DISABLE) this.#pm1Control &= ~SCI_EN;
    this.#update();
  }

  #sleep(): void {
    if (((this.#pm1Control >>> SLP_TYP_SHIFT) & SLP_TYP_MASK) === SLP_TYP_SOFT_OFF) this.wires.powerOff();
    // Any other state: nothing sleeps, so the wake is immediate.
    else this.#pm1Status |= WAK;
  }

  #ticks(): number {
    return ticksAt(this.wires.clock.now());
  }

  #readTimer(): number {
    return this.#ticks() % 2 ** this.timerBits;
  }

  #overflowAfter(ticks: number): number {
    return (Math.floor(ticks / this.#halfPeriod) + 1) * this.#halfPeriod;
  }

  /** Sets the timer's status if its top bit changed since it was last looked at. */
  #catchUp(): void {
    const ticks = this.#ticks();
    if (ticks < this.#nextOverflow) return;
    this.#pm1Status |= TMR;
    this.#nextOverflow = this.#overflowAfter(ticks);
  }

  /** The SCI and the timer follow the registers. */
  #update(): void {
    this.#catchUp();
    this.wires.sci.set((this.#pm1Control & SCI_EN) !== 0 && (this.#pm1Status & this.#pm1Enable & ENABLES) !== 0);
    this.#armTimer();
  }

  /** Nobody needs to be woken unless an overflow would raise the SCI. */
  #armTimer(): void {
    const wanted = (this.#pm1Enable & TMR) !== 0 && (this.#pm1Status & TMR) === 0;
    if (wanted) this.#timer.arm(timeOf(this.#nextOverflow));
    else this.#timer.cancel();
  }
}

/** Whole timer ticks in `now` nanoseconds. Split into seconds and rest, every product is below 2^53. */
export function ticksAt(now: number): number {
  const seconds = Math.floor(now / NS_PER_SECOND);
  return seconds * PM_TIMER_HZ + Math.floor(((now - seconds * NS_PER_SECOND) * PM_TIMER_HZ) / NS_PER_SECOND);
}

/** The first nanosecond at which `ticksAt` gives `ticks`. */
export function timeOf(ticks: number): number {
  const seconds = Math.floor(ticks / PM_TIMER_HZ);
  return seconds * NS_PER_SECOND + Math.ceil(((ticks - seconds * PM_TIMER_HZ) * NS_PER_SECOND) / PM_TIMER_HZ);
}
