import { describe, expect, it } from 'vitest';
import { AddressText, DatagramRing, emptyRecord } from './datagram-ring.js';

const address = Buffer.from('192.0.2.1');
const ends = (): { writer: DatagramRing; reader: DatagramRing } => {
  const writer = new DatagramRing();
  return { writer, reader: new DatagramRing(writer.memory) };
};

describe('a ring of datagrams', () => {
  it('gives what was put in, in order and whatever its size, also around its end', () => {
    const { writer, reader } = ends();
    const record = emptyRecord();
    const waiting: { socket: number; port: number; bytes: Uint8Array }[] = [];
    let put = 0;
    for (let seed = 1; put < 3000; ) {
      seed = (seed * 48_271) % 0x7fff_ffff;
      if (seed % 3 !== 0 && !writer.full) {
        const datagram = { socket: put, port: seed & 0xffff, bytes: new Uint8Array(seed % 5 === 0 ? 65_507 - (seed % 9) : seed % 1500).fill(put++) };
        writer.put(datagram.socket, datagram.port, address, datagram.bytes);
        waiting.push(datagram);
        continue;
      }
      const next = waiting.shift();
      expect(reader.peek(record)).toBe(next !== undefined);
      if (next === undefined) continue;
      expect([record.socket, record.port, Buffer.from(record.address).toString()]).toEqual([next.socket, next.port, '192.0.2.1']);
      expect(Buffer.compare(record.bytes, next.bytes)).toBe(0);
      reader.release();
    }
  });

  it('is full at half of its memory, so that the largest datagram fits wherever it stands', () => {
    const { writer, reader } = ends();
    let put = 0;
    while (!writer.full) writer.put(put++, 1, address, new Uint8Array(1400));
    expect(put).toBe(Math.ceil((256 * 1024 + 1) / 1428));
    expect(reader.used).toBe(put * 1428);
    const record = emptyRecord();
    for (let got = 0; got < put; got++) {
      expect([reader.peek(record), record.socket]).toEqual([true, got]);
      reader.release();
    }
    expect([reader.peek(record), writer.used, writer.full]).toEqual([false, 0, false]);
  });

  it('keeps what is not released', () => {
    const { writer, reader } = ends();
    writer.put(7, 1, address, Uint8Array.of(1));
    const record = emptyRecord();
    expect([reader.peek(record), reader.peek(record), record.socket]).toEqual([true, true, 7]);
  });

  it('calls its reader once until that looks', () => {
    const { writer, reader } = ends();
    expect([writer.call(), writer.call()]).toEqual([true, false]);
    reader.answer();
    expect(writer.call()).toBe(true);
  });

  it('counts on when its positions wrap', () => {
    const { writer, reader } = ends();
    const words = new Int32Array(writer.memory, 0, 2);
    // 2^32 is a multiple of the memory: 100 bytes before it.
    words.fill(-100);
    const record = emptyRecord();
    for (let n = 0; n < 5; n++) {
      writer.put(n, 1, address, new Uint8Array(200).fill(n));
      expect([reader.peek(record), record.socket, record.bytes.length, record.bytes[199], reader.used < 400]).toEqual([true, n, 200, n, true]);
      reader.release();
    }
  });
});

it('the text of an address is made when it changes', () => {
  const text = new AddressText();
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.22', '192.0.2.2', '::1', '2001:db8::ffff:ffff:ffff:ffff%interface']) expect(text.of(Buffer.from(address))).toBe(address);
});
