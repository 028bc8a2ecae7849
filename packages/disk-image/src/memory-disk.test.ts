import { describe, expect, it } from 'vitest';
import { MemoryDisk } from './memory-disk.js';

describe('a disk in memory', () => {
  it('holds what is written', () => {
    const disk = new MemoryDisk(4096);
    disk.write(512, new Uint8Array(1024).fill(7));
    const into = new Uint8Array(2048);
    disk.read(0, into);
    expect([into[511], into[512], into[1535], into[1536]]).toEqual([0, 7, 7, 0]);
    disk.writeZeroes(1024, 512);
    expect(disk.bytes.slice(1020, 1028)).toEqual(Uint8Array.of(7, 7, 7, 7, 0, 0, 0, 0));
  });

  it('reads and writes by many buffers', () => {
    const disk = new MemoryDisk(2048);
    disk.writev(512, [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(509).fill(4)]);
    const into = [new Uint8Array(2), new Uint8Array(2)];
    disk.readv(512, into);
    expect(into.map((buffer) => [...buffer])).toEqual([[1, 2], [3, 4]]);
    expect([disk.bytes[511], disk.bytes[1023], disk.bytes[1024]]).toEqual([0, 4, 0]);
    expect(() => disk.readv(1536, [new Uint8Array(512), new Uint8Array(1)])).toThrow(/not within/);
  });

  it('uses the bytes that it is given', () => {
    const bytes = new Uint8Array(512);
    new MemoryDisk(bytes).write(0, Uint8Array.of(1));
    expect(bytes[0]).toBe(1);
  });

  it('refuses what is not on it', () => {
    const disk = new MemoryDisk(1024);
    for (const [offset, length] of [
      [1024, 1],
      [513, 512],
      [-1, 1],
      [0.5, 1],
      [NaN, 1],
      [Infinity, 0],
    ] as const) {
      expect(() => disk.read(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'out-of-range' }));
      expect(() => disk.write(offset, new Uint8Array(length))).toThrow(expect.objectContaining({ code: 'out-of-range' }));
      expect(() => disk.writeZeroes(offset, length)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    }
    expect(() => new MemoryDisk(1000)).toThrow(expect.objectContaining({ code: 'bad-size' }));
  });

  it('is not written to when it is read-only', () => {
    const disk = new MemoryDisk(512, { readOnly: true });
    expect(() => disk.write(0, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'read-only' }));
    expect(() => disk.discard(0, 1)).toThrow(expect.objectContaining({ code: 'read-only' }));
  });
});
