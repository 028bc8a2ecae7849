import type { Device, IoRegion } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/* Reset control register, CF9h (PIIX3 datasheet, "RC: Reset Control Register"; bit 3 as in the ICH datasheets). */

const SYSTEM_RESET = 0x02; // hard, not soft
const RESET_CPU = 0x04; // 0 to 1 resets
const FULL_RESET = 0x08; // a hard reset cycles power
const WRITABLE = SYSTEM_RESET | RESET_CPU | FULL_RESET;

export type ResetControlState = { readonly version: 1; readonly value: number };

export interface ResetControlWires {
  /** `soft`: INIT to the processors; `hard`: RESET# to everything; `full`: power cycle. */
  readonly reset: (type: 'soft' | 'hard' | 'full') => void;
}

export interface ResetControlOptions {
  /** Default `reset-control`. */
  readonly name?: string;
}

export class ResetControl implements Device<ResetControlState> {
  readonly name: string;
  /** CF9h, one byte; it lies inside the PCI configuration address port, which takes 32-bit accesses only. */
  readonly regions: { readonly port: IoRegion };
  private readonly wires: ResetControlWires;
  private value = 0;

  constructor(wires: ResetControlWires, options: ResetControlOptions = {}) {
    this.name = options.name ?? 'reset-control';
    this.wires = wires;
    this.regions = {
      port: {
        name: this.name,
        length: 1,
        accepts: [1],
        handler: { read: () => this.value, write: (_offset, value) => this.write(value) },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.value = 0;
  }

  save(): ResetControlState {
    return { version: 1, value: this.value };
  }

  restore(state: ResetControlState): void {
    expectVersion(this.name, state, 1);
    this.value = state.value;
  }

  private write(value: number): void {
    const triggered = (value & ~this.value & RESET_CPU) !== 0;
    this.value = value & WRITABLE;
    if (!triggered) return;
    if ((value & SYSTEM_RESET) === 0) this.wires.reset('soft');
    else this.wires.reset((value & FULL_RESET) === 0 ? 'hard' : 'full');
  }
}
