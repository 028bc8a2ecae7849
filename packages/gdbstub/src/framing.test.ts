import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frame, FrameReader, hexFrame, type Frame } from './framing.js';
import { latin1 } from './hex.js';

function read(text: string, limit = 100): Frame[] {
  const reader = new FrameReader(limit);
  return [...latin1(text)].map((byte) => reader.push(byte)).filter((next) => next !== undefined);
}

it('reads packets, acknowledgements and Ctrl-C, and drops noise', () => {
  expect(read('+-\x03garbage$m0,1#fa$#00')).toEqual([
    { kind: 'ack' }, { kind: 'nack' }, { kind: 'interrupt' }, { kind: 'packet', text: 'm0,1' }, { kind: 'packet', text: '' },
  ]);
});

it('refuses a wrong checksum, in either case, and one that is no number', () => {
  expect(read('$m0,1#fb')).toEqual([{ kind: 'bad' }]);
  expect(read('$m0,1#FA')).toEqual([{ kind: 'packet', text: 'm0,1' }]);
  expect(read('$m0,1#zz')).toEqual([{ kind: 'bad' }]);
});

it('refuses a packet that is too long and reads the next one', () => {
  expect(read(`$${'a'.repeat(11)}#2b$b#62`, 10)).toEqual([{ kind: 'bad' }, { kind: 'packet', text: 'b' }]);
});

it('begins anew at a $ within a packet', () => {
  expect(read('$lost$g#67')).toEqual([{ kind: 'packet', text: 'g' }]);
});

it('takes 03H within a packet for data', () => {
  expect(read('$X\x03#5b')).toEqual([{ kind: 'packet', text: 'X\x03' }]);
});

it('gives back every payload, escaped or not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 99 }), (payload) => {
      const [next, ...more] = read(String.fromCharCode(...frame(payload)));
      expect(more).toEqual([]);
      expect(next).toEqual({ kind: 'packet', text: String.fromCharCode(...payload) });
    }),
    { seed: 1 },
  );
});

it('frames hexadecimal as one packet of digits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 99 }), (data) => {
      expect([...hexFrame(data)]).toEqual([...frame([...data].map((byte) => byte.toString(16).padStart(2, '0')).join(''))]);
    }),
    { seed: 1 },
  );
});

it('survives any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void read(String.fromCharCode(...bytes), 20)), { seed: 1 });
});
