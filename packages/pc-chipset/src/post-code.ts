import type { Device, IoRegion } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/*
 * Port 80h: the page register of no DMA channel, where firmware shows its progress and where Linux writes to wait a moment
 * (`native_io_delay`).
 */

export type PostCodeState = { readonly version: 1; readonly code: number };

export interface PostCodeWires {
  /** Sees each code. */
  readonly observe?: (code: number) => void;
}

export interface PostCodeOptions {
  /** Default `post`. */
  readonly name?: string;
}

export class PostCode implements Device<PostCodeState> {
  readonly name: string;
  /** 80h */
  readonly regions: { readonly port: IoRegion };
  private code = 0;

  constructor(wires: PostCodeWires = {}, options: PostCodeOptions = {}) {
    this.name = options.name ?? 'post';
    this.regions = {
      port: {
        name: this.name,
        length: 1,
        accepts: [1],
        handler: {
          read: () => this.code,
          write: (_offset, value) => {
            this.code = value;
            wires.observe?.(value);
          },
        },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.code = 0;
  }

  save(): PostCodeState {
    return { version: 1, code: this.code };
  }

  restore(state: PostCodeState): void {
    expectVersion(this.name, state, 1);
    this.code = state.code;
  }
}
