import { disconnected } from '@pckit/interfaces';
import type { Clock, Device, IoRegion, IrqLine } from '@pckit/interfaces';
import { ticksAt } from './frequency.js';
import { PIT_FREQUENCY_HZ } from './i8254-pit.js';
import { expectVersion } from './state-version.js';

/*
 * System control port B, 61h (PIIX3 datasheet, "NMISC: NMI Status and Control Register"). The NMI sources behind bits 6 and 7
 * (system error, I/O channel check) don't exist here and read 0.
 */

const TIMER2_GATE = 0x01;
const SPEAKER_DATA = 0x02;
const REFRESH_TOGGLE = 0x10;
const TIMER2_OUT = 0x20;
/** Bits 2 and 3 mask the NMI sources and only read back. */
const WRITABLE = 0x0f;
/** Channel 1 of the 8254, at its customary count of 18, toggles the refresh bit every 15 us. */
const REFRESH_TICKS = 18;

export type Port61State = { readonly version: 1; readonly control: number };

export interface Port61Wires {
  readonly clock: Clock;
  /** `pit.gate(2)` */
  readonly gate2: IrqLine;
  /** `() => pit.output(2)` */
  readonly out2: () => boolean;
  /** Speaker data enable, for who wants to hear channel 2. */
  readonly speaker?: IrqLine;
}

export interface Port61Options {
  /** Default `port61`. */
  readonly name?: string;
}

/** System control port B. */
export class Port61 implements Device<Port61State> {
  readonly name: string;
  /** 61h */
  readonly regions: { readonly port: IoRegion };
  private readonly wires: Port61Wires;
  private readonly speaker: IrqLine;
  private control = 0;

  constructor(wires: Port61Wires, options: Port61Options = {}) {
    this.name = options.name ?? 'port61';
    this.wires = wires;
    this.speaker = wires.speaker ?? disconnected;
    this.regions = {
      port: {
        name: this.name,
        length: 1,
        accepts: [1],
        handler: { read: () => this.read(), write: (_offset, value) => this.write(value) },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.write(0);
  }

  save(): Port61State {
    return { version: 1, control: this.control };
  }

  restore(state: Port61State): void {
    expectVersion(this.name, state, 1);
    this.control = state.control;
  }

  private read(): number {
    const refreshes = Math.floor(ticksAt(this.wires.clock.now(), PIT_FREQUENCY_HZ) / REFRESH_TICKS);
    return (
      this.control | (refreshes % 2 === 1 ? REFRESH_TOGGLE : 0) | (this.wires.out2() ? TIMER2_OUT : 0)
    );
  }

  private write(value: number): void {
    this.control = value & WRITABLE;
    this.wires.gate2.set((value & TIMER2_GATE) !== 0);
    this.speaker.set((value & SPEAKER_DATA) !== 0);
  }
}
