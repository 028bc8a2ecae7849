import { fromHex, latin1, parseRange } from '../hex.js';
import type { GdbSession } from '../session.js';
import { BAD_ADDRESS, BAD_PACKET, Hex, OK, type Packet, type Reply } from './packet.js';

/** @rsp m */
export const readMemory: Packet = {
  name: 'm',
  run(session, args) {
    const range = parseRange(args, 0xffffffff);
    if (range === undefined) return BAD_PACKET;
    if (range.length === 0) return '';
    // Less than was asked for is allowed: the debugger asks for the rest.
    const bytes = session.target.readMemory(session.thread, range.address, Math.min(range.length, session.packetBytes / 2 - 4));
    return bytes.length === 0 ? BAD_ADDRESS : new Hex(bytes);
  },
};

/** The binary form of `m`: GDB's, from version 16 on, and LLDB's, which differ in their first byte. @rsp x */
export const readMemoryBinary: Packet = {
  name: 'x',
  run(session, args) {
    const range = parseRange(args, 0xffffffff);
    if (range === undefined) return BAD_PACKET;
    const lldb = session.threadSuffix;
    if (range.length === 0) return lldb ? OK : 'b';
    // Each byte may need escaping.
    const bytes = session.target.readMemory(session.thread, range.address, Math.min(range.length, session.packetBytes / 2 - 4));
    if (bytes.length === 0) return BAD_ADDRESS;
    if (lldb) return bytes;
    const reply = new Uint8Array(bytes.length + 1);
    reply[0] = 0x62;
    reply.set(bytes, 1);
    return reply;
  },
};

/** @rsp M */
export const writeMemory: Packet = {
  name: 'M',
  run: (session, args) => write(session, args, fromHex),
};

/** @rsp X */
export const writeMemoryBinary: Packet = {
  name: 'X',
  run: (session, args) => write(session, args, latin1),
};

function write(session: GdbSession, args: string, decode: (data: string) => Uint8Array | undefined): Reply {
  const colon = args.indexOf(':');
  const range = colon < 0 ? undefined : parseRange(args.slice(0, colon), session.packetBytes);
  const bytes = colon < 0 ? undefined : decode(args.slice(colon + 1));
  if (range === undefined || bytes === undefined || bytes.length !== range.length) return BAD_PACKET;
  if (range.length === 0) return OK;
  return session.target.writeMemory(session.thread, range.address, bytes) ? OK : BAD_ADDRESS;
}
