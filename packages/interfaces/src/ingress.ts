/** How a host-side piece of work ended. */
export type Settled<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/**
 * The one door from the host into the guest. Whatever enters does so at a safe point of the run loop, in order, stamped with the
 * instruction count.
 */
export interface Ingress {
  /** A stream of events whose payload is logged (key presses, frames). `T` must be structured-cloneable. */
  input<T>(name: string, deliver: (event: T) => void): { post(event: T): void };
  /**
   * A piece of host work that the guest asked for. Order and time are logged, the payload is not. `settle` runs at a fixed virtual
   * time after the request in deterministic mode, so that a synchronous result and a promise look the same to the guest.
   *
   * A device whose state was saved with work in flight calls this again from its `restore()`: once for each, in the order of the first
   * calls, by the same name. The board that restores gives them the times that the first ones had.
   */
  completion<T>(name: string, work: Promise<T> | T, settle: (result: Settled<T>) => void): void;
}

/** A disk's contents. Offsets and lengths are bytes. Rejections are host failures; the device turns them into its protocol's error. */
export interface BlockBackend {
  /** Bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  /**
   * Set when no method ever returns a promise: failures are thrown, and buffers are not used after the call returns. Only then may
   * the caller pass borrowed guest memory.
   */
  readonly synchronous?: boolean;
  /** Fills `into` from `offset`. */
  read(offset: number, into: Uint8Array): Promise<void> | void;
  /** The backend must not keep `from` after the returned promise settles; until then the caller leaves it unchanged. */
  write(offset: number, from: Uint8Array): Promise<void> | void;
  /** All completed writes are durable when it resolves. */
  flush(): Promise<void> | void;
  /** The range's contents become undefined (in practice zero or unchanged). */
  discard?(offset: number, length: number): Promise<void> | void;
  writeZeroes?(offset: number, length: number, mayUnmap: boolean): Promise<void> | void;
  close?(): Promise<void> | void;
}

/** One end of an Ethernet cable. Frames are without FCS. */
export interface EthernetPort {
  send(frame: Uint8Array): void;
  /** `receive` says whether it took the frame; a refused frame is dropped or offered again by the sender. */
  attach(receive: (frame: Uint8Array) => boolean): void;
}

/** One end of a serial cable. */
export interface CharPort {
  write(byte: number): void;
  /** `receive` returns how many bytes it took; the rest are offered again when the device calls `onReady`. */
  attach(receive: (bytes: Uint8Array) => number): void;
  /** The device says that its receive FIFO has room again. */
  onReady?(): void;
}

/** A source of random bytes; seeded in deterministic mode. */
export interface Entropy {
  fill(into: Uint8Array): void;
}
