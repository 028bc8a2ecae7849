import type { Device, IoRegion } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/* The debug console of Bochs and QEMU (E9h): each byte written goes to the host, and a read answers E9h to say that it is there. */

const PRESENT = 0xe9;

export type DebugConsoleState = { readonly version: 1 };

export interface DebugConsoleWires {
  readonly port: { write(byte: number): void };
}

export interface DebugConsoleOptions {
  /** Default `debug-console`. */
  readonly name?: string;
}

export class DebugConsole implements Device<DebugConsoleState> {
  readonly name: string;
  /** E9h */
  readonly regions: { readonly port: IoRegion };

  constructor(wires: DebugConsoleWires, options: DebugConsoleOptions = {}) {
    this.name = options.name ?? 'debug-console';
    this.regions = {
      port: {
        name: this.name,
        length: 1,
        accepts: [1],
        handler: { read: () => PRESENT, write: (_offset, value) => wires.port.write(value) },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {}

  save(): DebugConsoleState {
    return { version: 1 };
  }

  restore(state: DebugConsoleState): void {
    expectVersion(this.name, state, 1);
  }
}
