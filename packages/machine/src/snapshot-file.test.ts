import type { Plain } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MachineError } from './machine-error.js';
import { decodePlain, encodePlain } from './plain-codec.js';
import type { Snapshot } from './snapshot.js';
import { readSnapshot, writeSnapshot } from './snapshot-file.js';
import { hashBytes } from './state-hash.js';

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('plain values as bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(decodePlain(encodePlain(value))).toEqual(value);
      }),
      { seed: 4, numRuns: 500 },
    );
    for (const value of [-0, NaN, Infinity, -Infinity, 2 ** 53 - 1, 2 ** 53, -1, 0.5])
      expect(decodePlain(encodePlain(value))).toBe(value);
    const odd = JSON.parse('{"__proto__": 1, "constructor": 2}') as Plain;
    expect(Object.entries(decodePlain(encodePlain(odd)) as object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });

  it('do not depend on the order of fields', () => {
    expect(encodePlain({ a: 1, b: { d: 1n, c: 'x' } })).toEqual(encodePlain({ b: { c: 'x', d: 1n }, a: 1 }));
  });

  it('are refused at every truncation, with anything after, and when damaged', () => {
    const bytes = encodePlain({
      a: [1, -2.5, 'text', null, true],
      b: Uint8Array.of(1, 2, 3),
      c: -(2n ** 70n),
      d: 2 ** 52,
    });
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodePlain(bytes.subarray(0, length))).toThrow(MachineError);
    expect(() => decodePlain(Uint8Array.of(...bytes, 0))).toThrow(/1 bytes after/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        try {
          decodePlain(random);
        } catch (error) {
          if (!(error instanceof MachineError)) throw error;
        }
      }),
      { seed: 5, numRuns: 2000 },
    );
    expect(() => decodePlain(new Uint8Array(1000).fill(8))).toThrow(MachineError);
    const nested = new Uint8Array(400);
    for (let i = 0; i < 400; i += 2) nested.set([8, 1], i);
    expect(() => decodePlain(nested)).toThrow(/nested deeper/);
  });

  it('hash apart when anything differs', () => {
    const hashes = new Set<string>();
    for (let i = 0; i < 256; i++)
      for (let j = 0; j < 20; j++) hashes.add(hashBytes(Uint8Array.from({ length: 20 }, (_, k) => (k === j ? i : 7))));
    expect(hashes.size).toBe(255 * 20 + 1);
    expect(hashBytes(new Uint8Array(3))).not.toBe(hashBytes(new Uint8Array(4)));
  });
});

const snapshot: Snapshot = {
  version: 1,
  shape: { ram: [{ start: 0, length: 1 << 20 }], processors: 1 },
  powered: true,
  clock: { version: 1, now: 12_345_678_901_234, timers: { 'pit.out0': 5 } },
  door: { version: 1, pending: [{ name: 'disk0', deadline: 7 }], inputs: [] },
  loop: { version: 1, instructions: 2 ** 40, current: 0, remaining: 3, parked: [false] },
  devices: { uart: { version: 1, fifo: Uint8Array.of(1, 2) } },
  processors: [{ version: 1, rip: 2n ** 64n - 1n }],
  ram: [
    { start: 0x1000, bytes: new Uint8Array(8192).fill(7) },
    { start: 2 ** 32 + 4096, bytes: Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff) },
  ],
  notes: { kernel: 'vmlinuz' },
};

async function fileOf(compress: boolean): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeSnapshot(snapshot, { compress })) pieces.push(piece);
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function* inPiecesOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('a snapshot file', () => {
  it('comes back as it was, compressed or not, in pieces of any size', async () => {
    for (const compress of [false, true]) {
      const file = await fileOf(compress);
      expect(compress ? file.length < 1000 : file.length > 12288).toBe(true);
      for (const size of [1, 7, 4096, 1 << 20]) expect(await readSnapshot(inPiecesOf(file, size))).toEqual(snapshot);
    }
  });

  it('is refused when something else, of another version, cut short or damaged', async () => {
    await expect(readSnapshot([new TextEncoder().encode('ELF binaries are no snapshots')])).rejects.toThrow(
      /this is no snapshot/,
    );
    const file = await fileOf(false);
    await expect(readSnapshot([file.with(8, 2)])).rejects.toThrow(/format 2; format 1 is known/);
    await expect(readSnapshot([file.with(9, 4)])).rejects.toThrow(/flags 4/);
    await expect(readSnapshot([file, Uint8Array.of(0)])).rejects.toThrow(/something follows/);
    for (let length = 0; length < file.length; length += length < 600 ? 1 : 97) {
      await expect(readSnapshot([file.subarray(0, length)])).rejects.toThrow(MachineError);
    }
    const small = await fileOf(true);
    for (let length = 0; length < small.length; length += 3)
      await expect(readSnapshot([small.subarray(0, length)])).rejects.toThrow(MachineError);
    for (let at = 10; at < small.length; at += 5) {
      await readSnapshot([small.with(at, small[at] ^ 0x55)]).then(
        () => expect([10 + 4, 10 + 5, 10 + 6, 10 + 7, 10 + 8, 10 + 9]).toContain(at), // gzip's time and operating system mean nothing
        (error: unknown) => expect(error).toBeInstanceOf(MachineError),
      );
    }
  });
});
