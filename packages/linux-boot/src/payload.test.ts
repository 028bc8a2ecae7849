import { describe, expect, it } from 'vitest';
import { extractPayload } from './payload.js';
import { syntheticBzImage } from './testing/index.js';

function image(payload: readonly number[], uncompressed: number): Uint8Array {
  const code = new Uint8Array(0x1000);
  code.set(payload, 0x400);
  new DataView(code.buffer).setUint32(0x400 + 100 - 4, uncompressed, true);
  return syntheticBzImage({ code, payload: { offset: 0x400, length: 100 } });
}

describe('extractPayload', () => {
  it.each([
    ['bzip2', [0x42, 0x5a, 0x68]],
    ['lzma', [0x5d, 0, 0]],
    ['xz', [0xfd, 0x37, 0x7a]],
    ['lzo', [0x89, 0x4c, 0x5a]],
    ['lz4', [0x02, 0x21, 0x4c, 0x18]],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ] as const)('knows %s by its magic and cuts off the appended length', (compression, magic) => {
    const file = image(magic, 123_456);
    const payload = extractPayload(file);
    expect(payload).toMatchObject({ compression, offset: 4 * 512 + 0x400, length: 96, uncompressedLength: 123_456 });
    expect(payload.bytes.buffer).toBe(file.buffer);
    expect([...payload.bytes.subarray(0, magic.length)]).toEqual([...magic]);
  });

  it('keeps gzip\'s trailer, which is the length', () => {
    expect(extractPayload(image([0x1f, 0x8b], 99))).toMatchObject({ compression: 'gzip', length: 100, uncompressedLength: 99 });
  });

  it('knows a kernel that is not compressed', () => {
    expect(extractPayload(image([0x7f, 0x45, 0x4c, 0x46], 0))).toMatchObject({ compression: 'none', length: 100 });
  });

  it('refuses an unknown magic, a payload outside the file, and headers before 2.08', () => {
    expect(() => extractPayload(image([1, 2, 3, 4], 0))).toThrow(/01 02 03 04/);
    expect(() => extractPayload(syntheticBzImage({ payload: { offset: 0xfff, length: 100 } }))).toThrow(/outside/);
    expect(() => extractPayload(syntheticBzImage({ version: 0x0207 }))).toThrow(/2.08/);
  });
});
