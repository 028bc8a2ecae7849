import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/*
 * System control port A, 92h (PS/2 hardware reference; PIIX3 datasheet, "Port 92 Register"): fast A20 and fast reset. The board comes
 * up with A20 enabled, as firmware would leave it.
 */

const FAST_INIT = 0x01;
const FAST_A20 = 0x02;

export type Port92State = { readonly version: 1; readonly value: number };

export interface Port92Wires {
  /** Bit 1: A20 enabled. */
  readonly a20: IrqLine;
  /** Bit 0 went from 0 to 1. */
  readonly reset: () => void;
}

export interface Port92Options {
  /** Default `port92`. */
  readonly name?: string;
}

export class Port92 implements Device<Port92State> {
  readonly name: string;
  /** 92h */
  readonly regions: { readonly port: IoRegion };
  private readonly wires: Port92Wires;
  private value = FAST_A20;

  constructor(wires: Port92Wires, options: Port92Options = {}) {
    this.name = options.name ?? 'port92';
    this.wires = wires;
    this.regions = {
      port: {
        name: this.name,
        length: 1,
        accepts: [1],
        handler: { read: () => this.value, write: (_offset, value) => this.write(value) },
      },
    };
    this.reset('cold');
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.value = FAST_A20;
    this.wires.a20.set(true);
  }

  save(): Port92State {
    return { version: 1, value: this.value };
  }

  restore(state: Port92State): void {
    expectVersion(this.name, state, 1);
    this.value = state.value;
  }

  private write(value: number): void {
    const pulsed = (value & ~this.value & FAST_INIT) !== 0;
    this.value = value & (FAST_INIT | FAST_A20);
    this.wires.a20.set((value & FAST_A20) !== 0);
    if (pulsed) this.wires.reset();
  }
}
