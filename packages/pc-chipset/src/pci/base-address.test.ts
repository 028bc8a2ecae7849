import { describe, expect, it } from 'vitest';
import { memoryRegion, PciBoard, testFunction } from '../testing/pci-board.js';

const IO = 0x10;
const MEMORY = 0x14;
const MEMORY_64 = 0x20;
const COMMAND = 0x04;

function gadget() {
  const board = new PciBoard();
  const io = memoryRegion('io', 64);
  const memory = memoryRegion('memory', 4096);
  const memory64 = memoryRegion('memory64', 16384);
  board.bus.slot(3).plug(
    testFunction({
      bars: [
        { index: 0, kind: 'io', region: io },
        { index: 1, kind: 'memory32', region: memory },
        { index: 4, kind: 'memory64', prefetchable: true, region: memory64 },
      ],
    }),
  );
  return { board, io, memory, memory64 };
}

describe('a base address register', () => {
  it('tells its kind, and its size when ones are written', () => {
    const { board } = gadget();
    for (const register of [IO, MEMORY, MEMORY_64, MEMORY_64 + 4, 0x18, 0x1c]) board.write(3, register, 0xffff_ffff, 4);
    expect(board.read(3, IO, 4)).toBe(0xffff_ffc1);
    expect(board.read(3, MEMORY, 4)).toBe(0xffff_f000);
    expect(board.read(3, MEMORY_64, 4)).toBe(0xffff_c00c);
    expect(board.read(3, MEMORY_64 + 4, 4)).toBe(0xffff_ffff);
    expect([board.read(3, 0x18, 4), board.read(3, 0x1c, 4)]).toEqual([0, 0]);
  });

  it('has a size above 4 GiB in its upper half', () => {
    const board = new PciBoard();
    const region = { ...memoryRegion('huge', 16), length: 2 ** 33 };
    board.bus.slot(3).plug(testFunction({ bars: [{ index: 0, kind: 'memory64', region }] }));
    board.write(3, 0x10, 0xffff_ffff, 4);
    board.write(3, 0x14, 0xffff_ffff, 4);
    expect(board.read(3, 0x10, 4)).toBe(0x4);
    expect(board.read(3, 0x14, 4)).toBe(0xffff_fffe);
  });

  it('decodes where it was written once the command register allows it', () => {
    const { board, io, memory } = gadget();
    board.write(3, IO, 0xc040, 4);
    board.write(3, MEMORY, 0xe000_1000, 4);
    board.memory.write(0xe000_1010, 0x1234_5678, 4);
    expect(memory.bytes[0x10]).toBe(0);
    board.write(3, COMMAND, 0x0002, 2);
    board.memory.write(0xe000_1010, 0x1234_5678, 4);
    expect(memory.bytes[0x10]).toBe(0x78);
    expect(board.ports.read(0xc041, 1)).toBe(0xff);
    board.write(3, COMMAND, 0x0003, 2);
    board.ports.write(0xc041, 0x99, 1);
    expect(io.bytes[1]).toBe(0x99);
    expect(board.bus.slot(3).barAddress(0)).toBe(0xc040);
  });

  it('moves, and leaves nothing behind', () => {
    const { board, memory } = gadget();
    board.write(3, COMMAND, 0x0002, 2);
    board.write(3, MEMORY, 0xe000_0000, 4);
    board.write(3, MEMORY, 0xe800_0000, 4);
    expect(board.memory.read(0xe000_0000, 4)).toBe(0xffff_ffff);
    memory.bytes[0] = 0x42;
    expect(board.memory.read(0xe800_0000, 1)).toBe(0x42);
  });

  it('of 64 bits goes above 4 GiB', () => {
    const { board, memory64 } = gadget();
    board.write(3, COMMAND, 0x0002, 2);
    board.write(3, MEMORY_64, 0x4000_0000, 4);
    board.write(3, MEMORY_64 + 4, 0x12, 4);
    memory64.bytes[5] = 0x17;
    expect(board.memory.read(0x12_4000_0005, 1)).toBe(0x17);
  });

  it('decodes nothing at 0, at the sizing pattern, or beyond what the bus can address', () => {
    const { board } = gadget();
    board.write(3, COMMAND, 0x0003, 2);
    expect(board.memory.decoded).toEqual([]);
    for (const register of [IO, MEMORY, MEMORY_64, MEMORY_64 + 4]) board.write(3, register, 0xffff_ffff, 4);
    expect(board.memory.decoded).toEqual([]);
    expect(board.ports.decoded.map((d) => d.name)).toEqual(['pci-address', 'pci-data']);
    board.write(3, IO, 0x1_0000, 4);
    expect(board.bus.slot(3).barAddress(0)).toBeUndefined();
  });

  it('takes byte and word writes', () => {
    const { board } = gadget();
    board.write(3, COMMAND, 0x0002, 2);
    board.write(3, MEMORY + 2, 0xe123, 2);
    board.write(3, MEMORY + 1, 0x4f, 1);
    expect(board.bus.slot(3).barAddress(1)).toBe(0xe123_4000);
  });

  it('forgets its address with a reset', () => {
    const { board } = gadget();
    board.write(3, COMMAND, 0x0002, 2);
    board.write(3, MEMORY, 0xe000_0000, 4);
    board.bus.reset('warm');
    expect(board.memory.decoded).toEqual([]);
    expect(board.read(3, MEMORY, 4)).toBe(0);
    expect(board.read(3, COMMAND, 2)).toBe(0);
  });
});

describe('the command register', () => {
  it('has the bits of PCI 3.0 that the function can use', () => {
    const { board } = gadget();
    board.write(3, COMMAND, 0xffff, 2);
    expect(board.read(3, COMMAND, 2)).toBe(0x0547);
    board.bus.slot(4).plug(testFunction({ bars: [{ index: 0, kind: 'memory32', region: memoryRegion('m', 16) }] }));
    board.write(4, COMMAND, 0xffff, 2);
    expect(board.read(4, COMMAND, 2)).toBe(0x0546);
  });

  it('tells the function when it becomes and stops being a bus master', () => {
    const board = new PciBoard();
    const seen: boolean[] = [];
    board.bus.slot(3).plug(testFunction({ onBusMaster: (enabled) => void seen.push(enabled) }));
    board.write(3, COMMAND, 0x0006, 2);
    board.write(3, COMMAND, 0x0007, 2);
    board.write(3, COMMAND, 0x0003, 2);
    board.write(3, COMMAND, 0x0004, 2);
    board.bus.reset('warm');
    expect(seen).toEqual([true, false, true, false]);
  });
});

describe('a function that can\'t be', () => {
  const bar = (length: number, kind: 'io' | 'memory32' | 'memory64' = 'memory32', index = 0) => ({ index, kind, region: { ...memoryRegion('r', 4), length } });
  it.each([
    [[bar(3000)], /bar 0 \(memory32\) has 3000 bytes/],
    [[bar(8)], /takes a power of two, 16 to/],
    [[bar(512, 'io')], /takes a power of two, 4 to 256/],
    [[bar(16, 'memory64', 5)], /needs register 6, which is not there/],
    [[bar(16, 'memory64', 0), bar(16, 'memory32', 1)], /bar 1 \(memory32\) needs register 1, which is taken/],
  ])('is refused: bars %#', (bars, message) => {
    expect(() => new PciBoard().bus.slot(3).plug(testFunction({ bars }))).toThrow(message);
  });
});
