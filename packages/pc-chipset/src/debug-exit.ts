import type { Device, IoRegion } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/*
 * A port that ends the run: what QEMU calls isa-debug-exit (customarily at F4h, 4 ports). It is no part of a PC; test kernels use it.
 */

export type DebugExitState = { readonly version: 1 };

export interface DebugExitWires {
  /** Called with what the guest wrote. The machine's exit status is customarily `(value << 1) | 1`. */
  readonly exit: (value: number) => void;
}

export interface DebugExitOptions {
  /** Default `debug-exit`. */
  readonly name?: string;
}

export class DebugExit implements Device<DebugExitState> {
  readonly name: string;
  /** F4h, 4 bytes */
  readonly regions: { readonly port: IoRegion };

  constructor(wires: DebugExitWires, options: DebugExitOptions = {}) {
    this.name = options.name ?? 'debug-exit';
    this.regions = {
      port: {
        name: this.name,
        length: 4,
        handler: { read: () => 0, write: (_offset, value) => wires.exit(value) },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {}

  save(): DebugExitState {
    return { version: 1 };
  }

  restore(state: DebugExitState): void {
    expectVersion(this.name, state, 1);
  }
}
