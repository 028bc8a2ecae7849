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
  /**
   * `completion` of work that has ended and may wait for more of its kind, so that the guest is interrupted once for all of it: it enters within
   * `nanoseconds` of virtual time, sooner when anything else enters, and at once when no processor has anything to do. Absent in deterministic time, where
   * every completion has a time of its own.
   */
  readonly completionWithin?: ((name: string, nanoseconds: number, settle: () => void) => void) | undefined;
  /**
   * Announces host work that reads or writes borrowed guest memory while processors execute; `completion` is called for it as for any other. Absent where
   * that isn't allowed: in deterministic time. The machine is not reset, switched off, saved or restored before it has settled.
   */
  readonly beside?: ((work: Promise<unknown>) => void) | undefined;
  /** No processor executes a further instruction before `work` has settled. There when `beside` is. */
  readonly hold?: ((work: Promise<unknown>) => void) | undefined;
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
  /**
   * Only of a synchronous backend, which spares calls to the host with it: `read` of all the bytes of `into`, one buffer after the other. The array
   * is the caller's, as the buffers are.
   */
  readv?(offset: number, into: readonly Uint8Array[]): void;
  /** `write` in the same way: in order, and a failure may leave any part written. */
  writev?(offset: number, from: readonly Uint8Array[]): void;
  /** `readv` on another thread of the host: the one exception to `synchronous`. Array and buffers are in use until the promise settles. */
  readvBeside?(offset: number, into: readonly Uint8Array[]): Promise<void>;
  writevBeside?(offset: number, from: readonly Uint8Array[]): Promise<void>;
  /** All completed writes are durable when it resolves. */
  flush(): Promise<void> | void;
  /** The range's contents become undefined (in practice zero or unchanged). */
  discard?(offset: number, length: number): Promise<void> | void;
  writeZeroes?(offset: number, length: number, mayUnmap: boolean): Promise<void> | void;
  close?(): Promise<void> | void;
}

/**
 * What a frame still lacks, as network cards with offloads hand frames around: a checksum that is not finished, or a cut into packets. A frame
 * without one is whole.
 */
export interface FrameOffload {
  /** Where in the frame the bytes begin that the checksum covers: the TCP or UDP header. */
  readonly checksumStart: number;
  /** From there to the checksum field (16 for TCP, 6 for UDP), which holds the sum of the pseudo header. */
  readonly checksumOffset: number;
  /** `none`: the frame is one packet. `udp` is one datagram for each piece, `udp-fragments` one datagram in IP fragments. */
  readonly segmentation: 'none' | 'tcp' | 'udp' | 'udp-fragments';
  /** Most payload bytes of each packet; 0 with `none`. */
  readonly segmentBytes: number;
}

/** One end of an Ethernet cable. Frames are without FCS, and borrowed: whoever keeps one beyond the call copies it. */
export interface EthernetPort {
  /** `offload` only where the port `takesOffloads`. */
  send(frame: Uint8Array, offload?: FrameOffload): void;
  /**
   * `receive` says whether it took the frame; a refused frame is dropped, or offered again when the device calls `onReady`. It takes frames
   * with an offload, of TCP over IPv4 or IPv6 up to 65,535 bytes from the IP header on.
   */
  attach(receive: (frame: Uint8Array, offload?: FrameOffload) => boolean): void;
  /** The device says that it has room again, after it refused a frame. */
  onReady?(): void;
  /**
   * `send` takes frames with an offload now, of segmentation `none` or `tcp`: it has no use for their checksums or makes them itself. May change
   * with the network; who sends looks each time.
   */
  readonly takesOffloads?: boolean;
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
