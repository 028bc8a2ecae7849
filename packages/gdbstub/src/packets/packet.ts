import type { GdbSession } from '../session.js';

/** What goes back: a payload; nothing, because the answer comes later or never. The empty payload says "not supported". */
export type Reply = string | Uint8Array | Hex | undefined;

/** Bytes that go out as hexadecimal digits. */
export class Hex {
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * One command of the protocol. `name` is what a packet begins with: a letter, or for the long ones everything up to the first of `:` `;` `,` `?`,
 * which stays in `args`.
 */
export interface Packet {
  readonly name: string;
  run(session: GdbSession, args: string): Reply | Promise<Reply>;
}

export const OK = 'OK';
/** Malformed: EINVAL. */
export const BAD_PACKET = 'E16';
/** Memory that can't be accessed: EFAULT. */
export const BAD_ADDRESS = 'E0e';
export const NO_SUCH_THREAD = 'E03';
export const FAILED = 'E01';
