import { NetworkError } from '../network-error.js';
import { checkPortState, type PortState, type TcpFlowState } from '../port-state.js';
import type { NetworkTimer, NetworkTimers } from '../timers.js';

/**
 * What a frame still lacks, as cards with offloads hand frames around: a checksum that is left open, or a cut into packets. The fields are those of
 * virtio's header.
 */
export interface FrameOffload {
  /** Of the TCP or UDP header in the frame. */
  readonly checksumStart: number;
  /** From there to the checksum field, which holds the sum of the pseudo-header. */
  readonly checksumOffset: number;
  readonly segmentation: 'none' | 'tcp';
  /** Most payload bytes of each packet; 0 with `none`. */
  readonly segmentBytes: number;
}

export interface AttachOptions {
  /** `receive` takes frames with an offload: large TCP segments at the price of one. */
  readonly offloads?: boolean;
}

/** Where a guest's network card is plugged in. Frames are whole Ethernet frames without FCS. */
export interface NetworkPort {
  /** A frame from the guest. Borrowed until the call returns; answers may reach `receive` before that. */
  send(frame: Uint8Array, offload?: { readonly checksumStart: number }): void;
  /** `send` takes frames with an offload now: nobody looks at them or gets them but the network itself. */
  readonly takesOffloads: boolean;
  /**
   * Who gets frames for the guest. A frame is borrowed until `receive` returns. `false` refuses it: it is kept (within bounds) and offered again
   * after `onReady`, and the host's connections are read no further meanwhile.
   */
  attach(receive: (frame: Uint8Array, offload?: FrameOffload) => boolean): void;
  /** The card has room again. Who never calls it is asked again every few milliseconds. */
  onReady(): void;
  /** What is under way for this card, to be kept with a snapshot of the guest that is taken at this moment. */
  save(): PortState;
  /**
   * The guest is another one from here on, as it was when `state` was saved, by this port or another network's. Connections that this port has end
   * without a word; those of the state, of which nothing but the guest's end is left, are reset. Call it after `attach`.
   * @throws NetworkError `bad-option`: no `save` made it
   */
  restore(state: PortState): void;
  /** Unplugs the card; its flows end. */
  detach(): void;
}

/**
 * Stands between a guest and the network. `next` passes a frame on; it may be called not at all, several times, or later (with a copy, as
 * frames are borrowed).
 */
export interface Middleware {
  fromGuest?(frame: Uint8Array, next: (frame: Uint8Array) => void): void;
  toGuest?(frame: Uint8Array, next: (frame: Uint8Array) => boolean): boolean;
}

export interface PortEvents {
  input(port: Port, frame: Uint8Array, trusted: boolean): void;
  /** Whether there is no other guest. */
  alone(): boolean;
  /** Frames flow again after a refusal. */
  unblocked(port: Port): void;
  detached(port: Port): void;
  /** TCP connections with the guest of this port. */
  flows(port: Port): TcpFlowState[];
  /** Those that there are end; the guest gets a reset for each of `flows`. */
  replaced(port: Port, flows: readonly TcpFlowState[]): void;
}

/** Frames that wait for a card without room, as many as a Linux interface queues. */
const MAX_QUEUED = 256;
const RETRY_MS = 4;

export class Port implements NetworkPort {
  /** The card refused a frame: no flow should make more. */
  blocked = false;
  dropped = 0;
  /** Frames to this guest may have an offload. */
  readonly givesOffloads: boolean;
  private readonly watched: boolean;
  private receive: ((frame: Uint8Array, offload?: FrameOffload) => boolean) | undefined;
  private readonly queue: { readonly frame: Uint8Array; readonly offload: FrameOffload | undefined }[] = [];
  private readonly retry: NetworkTimer;
  private readonly inward: (frame: Uint8Array) => void;
  private readonly outward: (frame: Uint8Array) => boolean;
  private attached = true;

  constructor(
    private readonly timers: NetworkTimers,
    private readonly events: PortEvents,
    middleware: readonly Middleware[],
    { offloads = false }: AttachOptions = {},
  ) {
    this.watched = middleware.length > 0;
    this.givesOffloads = offloads && !this.watched;
    this.retry = timers.create(() => this.onReady());
    let inward = (frame: Uint8Array): void => this.events.input(this, frame, false);
    let outward = (frame: Uint8Array): boolean => this.offer(frame, undefined);
    // The first of the list is nearest to the guest: the first to see what comes from it, the last to see what goes there.
    for (const layer of [...middleware].reverse()) {
      const next = inward;
      if (layer.fromGuest !== undefined) inward = (frame) => layer.fromGuest?.(frame, next);
    }
    for (const layer of middleware) {
      const next = outward;
      if (layer.toGuest !== undefined) outward = (frame) => layer.toGuest?.(frame, next) ?? true;
    }
    this.inward = inward;
    this.outward = outward;
  }

  get takesOffloads(): boolean {
    return !this.watched && this.events.alone();
  }

  send(frame: Uint8Array, offload?: { readonly checksumStart: number }): void {
    if (!this.attached) return;
    if (offload === undefined) this.inward(frame);
    else this.events.input(this, frame, true);
  }

  attach(receive: (frame: Uint8Array, offload?: FrameOffload) => boolean): void {
    this.receive = receive;
    this.onReady();
  }

  onReady(): void {
    const { queue } = this;
    let taken = 0;
    while (taken < queue.length && this.receive?.(queue[taken].frame, queue[taken].offload) === true) taken++;
    queue.splice(0, taken);
    if (queue.length > 0) this.retry.arm(this.nextRetry());
    else if (this.blocked) {
      this.blocked = false;
      this.events.unblocked(this);
    }
  }

  save(): PortState {
    return { version: 1, flows: this.events.flows(this), waiting: this.queue.map(({ frame, offload }) => ({ frame: frame.slice(), offload: offload === undefined ? null : { ...offload } })) };
  }

  restore(state: PortState): void {
    checkPortState(state);
    if (!this.attached) throw new NetworkError('closed', 'restore: the port is detached');
    this.queue.length = 0;
    this.blocked = false;
    // They were on their way before the resets. Those that a card without offloads can't take are lost, as on any wire.
    for (const { frame, offload } of state.waiting) if (offload === null || this.givesOffloads) this.offer(frame, offload ?? undefined);
    this.events.replaced(this, state.flows);
  }

  detach(): void {
    if (!this.attached) return;
    this.attached = false;
    this.receive = undefined;
    this.queue.length = 0;
    this.blocked = false;
    this.retry.dispose();
    this.events.detached(this);
  }

  /** A frame to the guest; borrowed. */
  transmit(frame: Uint8Array): boolean {
    return this.attached && this.outward(frame);
  }

  /** ... with an offload, to a card that `givesOffloads`. Both borrowed. */
  transmitOpen(frame: Uint8Array, offload: FrameOffload): boolean {
    return this.attached && this.offer(frame, offload);
  }

  private offer(frame: Uint8Array, offload: FrameOffload | undefined): boolean {
    if (this.receive === undefined) return false;
    if (!this.blocked && this.receive(frame, offload)) return true;
    if (this.queue.length >= MAX_QUEUED) {
      this.dropped++;
      return false;
    }
    this.queue.push({ frame: frame.slice(), offload: offload === undefined ? undefined : { ...offload } });
    this.blocked = true;
    if (!this.retry.armed) this.retry.arm(this.nextRetry());
    return true;
  }

  private nextRetry(): number {
    return this.timers.nowMs() + RETRY_MS;
  }
}
