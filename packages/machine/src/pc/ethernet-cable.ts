import type { Device, EthernetPort, FrameOffload } from '@pckit/interfaces';
import type { Door } from '../door.js';
import { MachineError } from '../machine-error.js';
import { FramePool } from './frame-pool.js';

export type CableFrame = { readonly frame: Uint8Array; readonly offload: FrameOffloadState | null };
type FrameOffloadState = { readonly [Field in keyof FrameOffload]: FrameOffload[Field] };
export type EthernetCableState = { readonly version: 1; readonly waiting: readonly CableFrame[] };

/** Frames and bytes on their way to the card; beyond either the host's port has to wait. */
const MAX_FRAMES = 512;
const MAX_BYTES = 2 << 20;

/**
 * The cable between a host's port and a network card. What the guest sends reaches the host at once; frames for the guest go through the door.
 * What the card has no buffers for waits here, and is part of the machine's state: a frame that has entered was logged and must not be lost.
 */
export class EthernetCable implements Device<EthernetCableState>, EthernetPort {
  readonly #post: (frame: CableFrame) => void;
  readonly #host: EthernetPort;
  #receive: ((frame: Uint8Array, offload?: FrameOffload) => boolean) | undefined;
  readonly #waiting: CableFrame[] = [];
  readonly #pool = new FramePool();
  readonly #door: Door;
  /** Frames and bytes that were accepted and that the card has not taken: posted, or waiting. */
  #frames = 0;
  #bytes = 0;
  #hostWaits = false;
  #offering = false;

  constructor(
    readonly name: string,
    door: Door,
    host: EthernetPort,
  ) {
    const input = door.input<CableFrame>(name, (frame) => this.#enter(frame));
    this.#post = (frame) => input.post(frame);
    this.#host = host;
    this.#door = door;
    host.attach((frame, offload) => this.#accept(frame, offload));
  }

  get takesOffloads(): boolean {
    return this.#host.takesOffloads ?? false;
  }

  send(frame: Uint8Array, offload?: FrameOffload): void {
    this.#host.send(frame, offload);
  }

  attach(receive: (frame: Uint8Array, offload?: FrameOffload) => boolean): void {
    this.#receive = receive;
  }

  onReady(): void {
    this.#offer();
  }

  /** What is on its way when the power goes is lost. */
  reset(kind: 'cold' | 'warm'): void {
    if (kind !== 'cold') return;
    for (const { frame } of this.#waiting) this.#release(frame);
    this.#waiting.length = 0;
  }

  save(): EthernetCableState {
    // What the door has of ours is in the snapshot as it is.
    this.#pool.forget();
    return { version: 1, waiting: this.#waiting.map(({ frame, offload }) => ({ frame: frame.slice(), offload })) };
  }

  restore(state: EthernetCableState): void {
    if (state.version !== 1)
      throw new MachineError('snapshot', `${this.name}: unknown version ${String(state.version)}`);
    this.#pool.forget();
    // What was posted here is forgotten by the door, and what the snapshot had posted was never counted: see #enter.
    this.#waiting.length = this.#frames = this.#bytes = 0;
    for (const { frame, offload } of state.waiting) {
      this.#hold(frame);
      this.#waiting.push({ frame: frame.slice(), offload });
    }
  }

  #accept(frame: Uint8Array, offload: FrameOffload | undefined): boolean {
    if (this.#frames >= MAX_FRAMES || this.#bytes >= MAX_BYTES) {
      this.#hostWaits = true;
      return false;
    }
    this.#hold(frame);
    this.#post({ frame: this.#pool.copy(frame), offload: offload === undefined ? null : { ...offload } });
    return true;
  }

  #enter(entry: CableFrame): void {
    this.#waiting.push(entry);
    this.#offer();
  }

  #offer(): void {
    // The card may say that it is ready while it takes a frame.
    if (this.#offering || this.#receive === undefined) return;
    this.#offering = true;
    let taken = 0;
    for (const { frame, offload } of this.#waiting) {
      if (!this.#receive(frame, offload ?? undefined)) break;
      this.#release(frame);
      if (!this.#door.logged) this.#pool.release(frame);
      taken++;
    }
    if (taken > 0) this.#waiting.splice(0, taken);
    this.#offering = false;
    if (this.#hostWaits && this.#frames <= MAX_FRAMES / 2 && this.#bytes <= MAX_BYTES / 2) {
      this.#hostWaits = false;
      this.#host.onReady?.();
    }
  }

  #hold(frame: Uint8Array): void {
    this.#frames++;
    this.#bytes += frame.length;
  }

  /** Not below zero: a frame that was posted when a snapshot was taken enters uncounted. */
  #release(frame: Uint8Array): void {
    this.#frames = Math.max(0, this.#frames - 1);
    this.#bytes = Math.max(0, this.#bytes - frame.length);
  }
}
