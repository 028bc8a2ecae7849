import type { IoHandler } from '@pckit/interfaces';

/**
 * One channel's bus master registers: Intel 82371FB (PIIX) and 82371SB (PIIX3) datasheet, section 2.5; Programming Interface for Bus Master
 * IDE Controller, revision 1.0. Eight bytes; those between the registers read zero.
 */

const BMICX = 0;
const BMISX = 2;
const BMIDTPX = 4;

const BMICX_START = 0x01;
/** The device is read, memory written. */
const BMICX_RWCON = 0x08;

const BMISX_ACTIVE = 0x01;
const BMISX_ERROR = 0x02;
const BMISX_INTERRUPT = 0x04;
/** Drives 0 and 1 are capable of DMA: what software says of them, nothing more. */
const BMISX_CAPABLE = 0x60;

export type BusMasterState = {
  readonly command: number;
  readonly status: number;
  readonly table: number;
};

export class BusMaster {
  #command = 0;
  #status = 0;
  #table = 0;

  /** @param changed the start bit was set or cleared */
  constructor(private readonly changed: (started: boolean) => void) {}

  readonly handler: IoHandler = {
    read: (offset, size) => {
      let value = 0;
      for (let i = 0; i < size; i++) value += this.#readByte(offset + i) * 2 ** (8 * i);
      return value;
    },
    write: (offset, value, size) => {
      for (let i = 0; i < size; i++) this.#writeByte(offset + i, Math.floor(value / 2 ** (8 * i)) & 0xff);
    },
  };

  get started(): boolean {
    return (this.#command & BMICX_START) !== 0;
  }

  get direction(): 'in' | 'out' {
    return (this.#command & BMICX_RWCON) !== 0 ? 'in' : 'out';
  }

  /** Address of the descriptor table. */
  get table(): number {
    return this.#table;
  }

  /** The channel's interrupt line went up. */
  interrupt(): void {
    this.#status |= BMISX_INTERRUPT;
  }

  /** The last region was used up, or an access failed: the engine stands still. */
  ended(failed: boolean): void {
    this.#status &= ~BMISX_ACTIVE;
    if (failed) this.#status |= BMISX_ERROR;
  }

  reset(): void {
    this.#command = 0;
    this.#status = 0;
    this.#table = 0;
  }

  save(): BusMasterState {
    return { command: this.#command, status: this.#status, table: this.#table };
  }

  restore({ command, status, table }: BusMasterState): void {
    this.#command = command;
    this.#status = status;
    this.#table = table;
  }

  #readByte(offset: number): number {
    if (offset === BMICX) return this.#command;
    if (offset === BMISX) return this.#status;
    if (offset >= BMIDTPX) return (this.#table >>> (8 * (offset - BMIDTPX))) & 0xff;
    return 0;
  }

  #writeByte(offset: number, value: number): void {
    if (offset === BMICX) {
      const before = this.#command;
      this.#command = value & (BMICX_START | BMICX_RWCON);
      const started = (value & BMICX_START) !== 0;
      if (started === ((before & BMICX_START) !== 0)) return;
      if (started) this.#status |= BMISX_ACTIVE;
      else this.#status &= ~BMISX_ACTIVE;
      this.changed(started);
    } else if (offset === BMISX) {
      this.#status &= ~(value & (BMISX_ERROR | BMISX_INTERRUPT));
      this.#status = (this.#status & ~BMISX_CAPABLE) | (value & BMISX_CAPABLE);
    } else if (offset >= BMIDTPX) {
      const shift = 8 * (offset - BMIDTPX);
      this.#table = ((this.#table & ~(0xff << shift)) | (value << shift)) >>> 0;
      // Dword aligned (section 2.5.3).
      this.#table = (this.#table & ~3) >>> 0;
    }
  }
}
