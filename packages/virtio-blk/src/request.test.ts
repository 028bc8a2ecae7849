import { FakeGuestMemory } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockRequest, parseRanges, parseRequest, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_UNSUPP, VIRTIO_BLK_T_OUT } from './request.js';
import { header, rangeBytes } from './testing/block-driver.js';

const limits = { capacity: 1000, maxSectors: 100, maxRanges: 2, mayUnmap: true };
const scratch = new Uint8Array(16);

/** A request whose readable and writable bytes are cut into buffers of these lengths. */
function request(memory: FakeGuestMemory, readable: Uint8Array, cutsOut: readonly number[], cutsIn: readonly number[]): BlockRequest {
  const made = new BlockRequest();
  made.chain.clear(0);
  memory.bytes.set(readable, 0x100);
  let at = 0x100;
  for (const length of cutsOut) {
    made.chain.append(at, length, false);
    at += length;
  }
  at = 0x1000;
  for (const length of cutsIn) {
    made.chain.append(at, length, true);
    at += length;
  }
  return made;
}

describe('a request', () => {
  it('is a header, data and a status byte, however the buffers are cut', () => {
    const memory = new FakeGuestMemory();
    const bytes = new Uint8Array(40);
    bytes.set(header(VIRTIO_BLK_T_OUT, 0x12345_6789));
    for (const [cutsOut, cutsIn] of [
      [[16, 24], [7, 1]],
      [[40], [8]],
      [[1, 15, 24], [1, 7]],
      [[7, 30, 3], [2, 2, 2, 2]],
    ] as const) {
      const made = request(memory, bytes, cutsOut, cutsIn);
      expect(parseRequest(memory, made, scratch)).toBe(true);
      expect(made).toMatchObject({ type: VIRTIO_BLK_T_OUT, sector: 0x12345_6789, dataOut: 24, dataIn: 7, statusAddress: 0x1007 });
    }
  });

  it('has a sector that no disk reaches when it is beyond 2^53', () => {
    const memory = new FakeGuestMemory();
    const bytes = new Uint8Array(16).fill(0xff);
    const made = request(memory, bytes, [16], [1]);
    expect(parseRequest(memory, made, scratch)).toBe(true);
    expect(made.sector).toBe(Infinity);
  });

  it('is none when it is cut off anywhere in the header, or has no room for a status', () => {
    const memory = new FakeGuestMemory();
    const bytes = header(1, 2);
    for (let length = 1; length < 16; length++) expect(parseRequest(memory, request(memory, bytes, [length], [1]), scratch)).toBe(false);
    expect(parseRequest(memory, request(memory, bytes, [], [1]), scratch)).toBe(false);
    expect(parseRequest(memory, request(memory, bytes, [16], []), scratch)).toBe(false);
    expect(parseRequest(memory, request(memory, bytes, [16], [1]), scratch)).toBe(true);
  });
});

describe('ranges', () => {
  it('are read', () => {
    expect(parseRanges(rangeBytes([[5, 100, 0], [900, 100, 1]]), limits)).toEqual([
      { offset: 2560, length: 51200, unmap: false },
      { offset: 460800, length: 51200, unmap: true },
    ]);
  });

  it('are refused when cut off, none, too many, too long, or beyond the end', () => {
    const bytes = rangeBytes([[5, 10, 0], [6, 10, 0]]);
    for (let length = 0; length < bytes.length; length++) {
      const parsed = parseRanges(bytes.subarray(0, length), limits);
      if (length === 16) expect(parsed).toHaveLength(1);
      else expect(parsed).toBe(VIRTIO_BLK_S_IOERR);
    }
    expect(parseRanges(rangeBytes([[0, 1, 0], [0, 1, 0], [0, 1, 0]]), limits)).toBe(VIRTIO_BLK_S_UNSUPP);
    expect(parseRanges(rangeBytes([[0, 101, 0]]), limits)).toBe(VIRTIO_BLK_S_IOERR);
    expect(parseRanges(rangeBytes([[901, 100, 0]]), limits)).toBe(VIRTIO_BLK_S_IOERR);
    expect(parseRanges(rangeBytes([[2 ** 63, 1, 0]]), limits)).toBe(VIRTIO_BLK_S_IOERR);
  });

  it('are refused with flags that are unknown or not for this request', () => {
    expect(parseRanges(rangeBytes([[0, 1, 2]]), limits)).toBe(VIRTIO_BLK_S_UNSUPP);
    expect(parseRanges(rangeBytes([[0, 1, 1]]), { ...limits, mayUnmap: false })).toBe(VIRTIO_BLK_S_UNSUPP);
  });

  it('lie on the disk, whatever the bytes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1100), fc.nat(120), fc.nat(2)), { maxLength: 3 }), fc.uint8Array({ maxLength: 4 }), fc.nat(47), (ranges, noise, at) => {
        const bytes = rangeBytes(ranges);
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        const parsed = parseRanges(bytes, limits);
        if (typeof parsed === 'number') return;
        accepted++;
        for (const { offset, length } of parsed) expect(offset >= 0 && offset + length <= limits.capacity * 512 && length <= limits.maxSectors * 512).toBe(true);
      }),
      { seed: 11, numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
