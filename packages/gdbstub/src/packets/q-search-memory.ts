import { fromLatin1, latin1, parseAddress } from '../hex.js';
import { BAD_ADDRESS, BAD_PACKET, type Packet } from './packet.js';

const PIECE = 1 << 20;
/** As much as a debugger may keep us busy with. */
const LONGEST = 1n << 32n;

/** `find`. `qSearch:memory:address;length;pattern`. @rsp qSearch:memory */
export const qSearch: Packet = {
  name: 'qSearch',
  run(session, args) {
    const match = /^:memory:([0-9a-f]+);([0-9a-f]+);([^]+)$/i.exec(args);
    const address = match === null ? undefined : parseAddress(match[1]);
    const length = match === null ? undefined : parseAddress(match[2]);
    if (match === null || address === undefined || length === undefined || length > LONGEST) return BAD_PACKET;
    const pattern = latin1(match[3]);
    const text = fromLatin1(pattern);
    // The pattern must lie within the range.
    const end = address + length;
    for (let at = address; at + BigInt(pattern.length) <= end; ) {
      const wanted = Math.min(PIECE + pattern.length - 1, Number(end - at));
      const bytes = session.target.readMemory(session.thread, BigInt.asUintN(64, at), wanted);
      if (bytes.length === 0) return BAD_ADDRESS;
      const found = fromLatin1(bytes).indexOf(text);
      if (found >= 0) return `1,${(at + BigInt(found)).toString(16)}`;
      if (bytes.length < pattern.length) return at + BigInt(bytes.length) < end ? BAD_ADDRESS : '0';
      at += BigInt(bytes.length - pattern.length + 1);
    }
    return '0';
  },
};
