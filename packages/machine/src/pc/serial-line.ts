import type { CharPort, Device } from '@pckit/interfaces';
import type { Door } from '../door.js';
import { MachineError } from '../machine-error.js';

export type SerialLineState = { readonly version: 1; readonly waiting: Uint8Array };

/** Bytes on their way to the UART; beyond it the host's port has to wait. */
const CAPACITY = 4096;

/**
 * The cable between a host's port and a UART. What the host types goes through the door; what the UART has no room for waits here, and is part
 * of the machine's state: bytes that have entered were logged and must not be lost.
 */
export class SerialLine implements Device<SerialLineState>, CharPort {
  readonly #post: (bytes: Uint8Array) => void;
  readonly #host: CharPort | undefined;
  #receive: ((bytes: Uint8Array) => number) | undefined;
  #waiting: Uint8Array = new Uint8Array(0);
  /** Posted, not yet through the door. */
  #posted = 0;
  #hostWaits = false;

  constructor(readonly name: string, door: Door, host: CharPort | undefined) {
    const input = door.input<Uint8Array>(name, (bytes) => this.#enter(bytes));
    this.#post = (bytes) => input.post(bytes);
    this.#host = host;
    host?.attach((bytes) => this.#accept(bytes));
  }

  write(byte: number): void {
    this.#host?.write(byte);
  }

  attach(receive: (bytes: Uint8Array) => number): void {
    this.#receive = receive;
  }

  onReady(): void {
    this.#offer();
  }

  /** A cable holds no charge over a power cycle. */
  reset(kind: 'cold' | 'warm'): void {
    if (kind === 'cold') this.#waiting = new Uint8Array(0);
  }

  save(): SerialLineState {
    return { version: 1, waiting: this.#waiting.slice() };
  }

  restore(state: SerialLineState): void {
    if (state.version !== 1)
      throw new MachineError('snapshot', `${this.name}: unknown version ${String(state.version)}`);
    this.#waiting = state.waiting.slice();
    this.#posted = 0;
  }

  #accept(bytes: Uint8Array): number {
    const room = CAPACITY - this.#posted - this.#waiting.length;
    const taken = bytes.slice(0, Math.max(0, room));
    if (taken.length < bytes.length) this.#hostWaits = true;
    if (taken.length > 0) {
      this.#posted += taken.length;
      this.#post(taken);
    }
    return taken.length;
  }

  #enter(bytes: Uint8Array): void {
    this.#posted = Math.max(0, this.#posted - bytes.length);
    const waiting = new Uint8Array(this.#waiting.length + bytes.length);
    waiting.set(this.#waiting);
    waiting.set(bytes, this.#waiting.length);
    this.#waiting = waiting;
    this.#offer();
  }

  #offer(): void {
    if (this.#waiting.length > 0 && this.#receive !== undefined) {
      const taken = this.#receive(this.#waiting);
      if (taken > 0) this.#waiting = this.#waiting.slice(taken);
    }
    if (this.#hostWaits && this.#posted + this.#waiting.length <= CAPACITY / 2) {
      this.#hostWaits = false;
      this.#host?.onReady?.();
    }
  }
}
