import type { Device, IoRegion } from '@pckit/interfaces';
import { expectVersion } from './state-version.js';

/*
 * The two 8237A of a PC (Intel 8237A datasheet, 231466) with their page registers, as far as software can tell while nothing asks
 * for a transfer: registers, flip-flop, masks, software requests. There is no DREQ here and no transfer happens.
 *
 * The second chip's ports are word-spaced: its register n answers at C0h + 2n.
 */

const CHANNEL_REGISTERS = 8; // address and count of four channels
const STATUS_COMMAND = 8;
const REQUEST = 9;
const SINGLE_MASK = 10;
const MODE = 11;
const CLEAR_FLIP_FLOP = 12;
const MASTER_CLEAR = 13; // read: temporary register
const CLEAR_MASK = 14;
const ALL_MASK = 15;

export type Dma8237ChipState = {
  readonly base: readonly number[];
  readonly current: readonly number[];
  readonly highByte: boolean;
  readonly command: number;
  readonly request: number;
  readonly mask: number;
  readonly modes: readonly number[];
};

export type Dma8237State = {
  readonly version: 1;
  readonly first: Dma8237ChipState;
  readonly second: Dma8237ChipState;
  readonly pages: Uint8Array;
};

export interface Dma8237Options {
  /** Default `dma`. */
  readonly name?: string;
}

class Chip {
  private readonly base = new Uint16Array(CHANNEL_REGISTERS);
  private readonly current = new Uint16Array(CHANNEL_REGISTERS);
  private highByte = false;
  private command = 0;
  private request = 0;
  private mask = 0xf;
  private readonly modes = new Uint8Array(4);

  reset(): void {
    this.base.fill(0);
    this.current.fill(0);
    this.modes.fill(0);
    this.masterClear();
  }

  read(register: number): number {
    if (register < CHANNEL_REGISTERS) {
      const value = this.current[register];
      this.highByte = !this.highByte;
      return this.highByte ? value & 0xff : value >> 8;
    }
    // Status: no terminal count, requests as software made them. The temporary register holds nothing. The rest can't be read.
    return register === STATUS_COMMAND ? this.request << 4 : 0;
  }

  write(register: number, value: number): void {
    if (register < CHANNEL_REGISTERS) {
      const old = this.base[register];
      this.base[register] = this.highByte ? (old & 0xff) | (value << 8) : (old & 0xff00) | value;
      this.current[register] = this.base[register];
      this.highByte = !this.highByte;
      return;
    }
    const bit = 1 << (value & 3);
    switch (register) {
      case STATUS_COMMAND:
        this.command = value;
        break;
      case REQUEST:
        this.request = (value & 4) !== 0 ? this.request | bit : this.request & ~bit;
        break;
      case SINGLE_MASK:
        this.mask = (value & 4) !== 0 ? this.mask | bit : this.mask & ~bit;
        break;
      case MODE:
        this.modes[value & 3] = value & 0xfc;
        break;
      case CLEAR_FLIP_FLOP:
        this.highByte = false;
        break;
      case MASTER_CLEAR:
        this.masterClear();
        break;
      case CLEAR_MASK:
        this.mask = 0;
        break;
      case ALL_MASK:
        this.mask = value & 0xf;
        break;
    }
  }

  save(): Dma8237ChipState {
    return {
      base: [...this.base],
      current: [...this.current],
      highByte: this.highByte,
      command: this.command,
      request: this.request,
      mask: this.mask,
      modes: [...this.modes],
    };
  }

  restore(state: Dma8237ChipState): void {
    this.base.set(state.base);
    this.current.set(state.current);
    this.highByte = state.highByte;
    this.command = state.command;
    this.request = state.request;
    this.mask = state.mask;
    this.modes.set(state.modes);
  }

  private masterClear(): void {
    this.highByte = false;
    this.command = 0;
    this.request = 0;
    this.mask = 0xf;
  }
}

export class Dma8237 implements Device<Dma8237State> {
  readonly name: string;
  /** 00h-0Fh, C0h-DFh and the page registers 81h-8Fh */
  readonly regions: { readonly low: IoRegion; readonly high: IoRegion; readonly pages: IoRegion };
  private readonly first = new Chip();
  private readonly second = new Chip();
  private readonly pages = new Uint8Array(15);

  constructor(options: Dma8237Options = {}) {
    this.name = options.name ?? 'dma';
    this.regions = {
      low: {
        name: `${this.name}.low`,
        length: 16,
        accepts: [1],
        handler: {
          read: (offset) => this.first.read(offset),
          write: (offset, value) => this.first.write(offset, value),
        },
      },
      high: {
        name: `${this.name}.high`,
        length: 32,
        accepts: [1],
        handler: {
          read: (offset) => this.second.read(offset >> 1),
          write: (offset, value) => this.second.write(offset >> 1, value),
        },
      },
      pages: {
        name: `${this.name}.pages`,
        length: 15,
        accepts: [1],
        handler: {
          read: (offset) => this.pages[offset],
          write: (offset, value) => {
            this.pages[offset] = value;
          },
        },
      },
    };
  }

  reset(_kind: 'cold' | 'warm'): void {
    this.first.reset();
    this.second.reset();
    this.pages.fill(0);
  }

  save(): Dma8237State {
    return { version: 1, first: this.first.save(), second: this.second.save(), pages: this.pages.slice() };
  }

  restore(state: Dma8237State): void {
    expectVersion(this.name, state, 1);
    this.first.restore(state.first);
    this.second.restore(state.second);
    this.pages.set(state.pages);
  }
}
