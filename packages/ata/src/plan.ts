/** How a command's data moves. `queued` is DMA with a tag (NCQ). */
export type AtaProtocol = 'pio' | 'dma' | 'queued';

/**
 * What a device makes of a command: the controller's part of it. Plain data, so that a command under way can be saved.
 *
 * - `end`: it is over, without data. An error of 0 is success; `count` and `lba` are what the registers then show, when it is for the
 *   device to say.
 * - `work`: no data, but the host has to do something.
 * - `bytes`: the device itself answers with `data`.
 * - `media`: data between the guest and the backend, `offset` and `length` in bytes.
 * - `receive`: the guest sends `length` bytes, which the device looks at (`AtaDevice.accept`).
 * - `packet`: the guest sends a command packet next (`AtaDevice.packet`); data then moves by `protocol`.
 *
 * `block` is how many bytes move between two interrupts in PIO.
 */
export type AtaPlan =
  | AtaEnd
  | { readonly step: 'work'; readonly work: 'flush' }
  | { readonly step: 'work'; readonly work: 'trim'; readonly ranges: readonly number[] }
  | { readonly step: 'bytes'; readonly protocol: AtaProtocol; readonly block: number; readonly data: Uint8Array }
  | AtaMedia
  | { readonly step: 'receive'; readonly protocol: AtaProtocol; readonly block: number; readonly length: number }
  | { readonly step: 'packet'; readonly protocol: AtaProtocol };

export type AtaEnd = {
  readonly step: 'end';
  /** The error register; 0 for success. */
  readonly error: number;
  readonly count?: number;
  readonly lba?: number;
};

export type AtaMedia = {
  readonly step: 'media';
  readonly protocol: AtaProtocol;
  readonly direction: 'in' | 'out';
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  /** Durable before it is reported done: FUA, or no write cache. */
  readonly durable: boolean;
};

export const DONE: AtaEnd = { step: 'end', error: 0 };

export function failed(error: number, lba?: number): AtaEnd {
  return lba === undefined ? { step: 'end', error } : { step: 'end', error, lba };
}
