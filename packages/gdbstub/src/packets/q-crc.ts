import { parseRange } from '../hex.js';
import { BAD_ADDRESS, BAD_PACKET, type Packet } from './packet.js';

const POLYNOMIAL = 0x04c11db7;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ POLYNOMIAL : value << 1;
  return value >>> 0;
});
const LONGEST = 1 << 26;
const PIECE = 1 << 16;

/** CRC-32, not reflected, begun with all ones and not inverted at the end: GDB manual, E.4, "qCRC". @rsp qCRC */
export const qCRC: Packet = {
  name: 'qCRC',
  run(session, args) {
    const range = parseRange(args.slice(1), LONGEST);
    if (range === undefined) return BAD_PACKET;
    let crc = 0xffffffff;
    for (let done = 0; done < range.length; ) {
      const bytes = session.target.readMemory(session.thread, BigInt.asUintN(64, range.address + BigInt(done)), Math.min(PIECE, range.length - done));
      if (bytes.length === 0) return BAD_ADDRESS;
      for (const byte of bytes) crc = ((crc << 8) ^ TABLE[((crc >>> 24) ^ byte) & 0xff]) >>> 0;
      done += bytes.length;
    }
    return `C${crc.toString(16)}`;
  },
};
