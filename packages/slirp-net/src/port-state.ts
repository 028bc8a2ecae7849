import { NetworkError } from './network-error.js';

/**
 * What a network has under way for one card: plain data, to be kept with a snapshot of the guest and taken up by the port of any network. Taken at the
 * moment of the snapshot, or the sequence numbers are those of another guest.
 */
export type PortState = {
  readonly version: 1;
  readonly flows: readonly TcpFlowState[];
  /** Frames that the card had no room for. */
  readonly waiting: readonly WaitingFrame[];
};

/** A TCP connection that the guest believes in. Addresses are 4 or 16 bytes, sequence numbers 0 to 2^32 - 1. */
export type TcpFlowState = {
  readonly guestMac: Uint8Array;
  readonly guest: Uint8Array;
  readonly guestPort: number;
  readonly remote: Uint8Array;
  readonly remotePort: number;
  /** The network's SND.UNA. */
  readonly unacknowledged: number;
  /** The highest SND.NXT that there was: the guest's RCV.NXT if it has all that was sent. */
  readonly sent: number;
  /** RCV.NXT. */
  readonly received: number;
};

export type WaitingFrame = {
  readonly frame: Uint8Array;
  readonly offload: { readonly checksumStart: number; readonly checksumOffset: number; readonly segmentation: 'none' | 'tcp'; readonly segmentBytes: number } | null;
};

/** @throws NetworkError `bad-option` for what no `save` made: a snapshot is a file, and may come from anywhere */
export function checkPortState(state: PortState): void {
  if (!isObject(state)) throw new NetworkError('bad-option', 'restore: the state is damaged');
  const { version, flows, waiting } = state;
  if ((version as number) !== 1) throw new NetworkError('bad-option', `restore: a state of unknown version ${String(version)}`);
  if (!Array.isArray(flows) || !flows.every(isFlow)) throw new NetworkError('bad-option', 'restore: the flows of the state are damaged');
  if (!Array.isArray(waiting) || !waiting.every(isWaiting)) throw new NetworkError('bad-option', 'restore: the frames of the state are damaged');
}

function isFlow(flow: unknown): boolean {
  if (!isObject(flow)) return false;
  const { guestMac, guest, guestPort, remote, remotePort, unacknowledged, sent, received } = flow as TcpFlowState;
  const hasAddresses = isBytes(guest) && (guest.length === 4 || guest.length === 16) && isBytes(remote) && remote.length === guest.length;
  return hasAddresses && isBytes(guestMac) && guestMac.length === 6 && [guestPort, remotePort].every((port) => isBelow(port, 2 ** 16)) && [unacknowledged, sent, received].every((seq) => isBelow(seq, 2 ** 32));
}

function isWaiting(waiting: unknown): boolean {
  if (!isObject(waiting)) return false;
  const { frame, offload } = waiting as WaitingFrame;
  if (!isBytes(frame) || offload === null) return isBytes(frame);
  if (!isObject(offload)) return false;
  const { checksumStart, checksumOffset, segmentation, segmentBytes } = offload;
  if (![checksumStart, checksumOffset, checksumStart + checksumOffset + 1].every((at) => isBelow(at, frame.length))) return false;
  return segmentation === 'none' ? segmentBytes === 0 : segmentation === 'tcp' && segmentBytes > 0 && isBelow(segmentBytes, 2 ** 16);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isBelow(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit;
}
