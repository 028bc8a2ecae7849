import type { AccessSize, IoRegion } from '@pckit/interfaces';
import { describe, expect, it } from 'vitest';
import { memoryRegion, PciBoard, testFunction } from '../testing/pci-board.js';

const COMMAND = 0x04;
const MSIX = 0x40;
const CONTROL = MSIX + 2;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const BAR = 0xe000_0000;
const TABLE = BAR + 0x1000;
const PENDING = BAR + 0x1800;

/** 70 vectors, so that the pending bits take more than 64 bits; the bar begins with 4 KiB of the device's own. */
function gadget(region: IoRegion = memoryRegion('bar', 8192)) {
  const board = new PciBoard();
  const slot = board.bus.slot(3);
  slot.plug(testFunction({ bars: [{ index: 1, kind: 'memory32', region }], msix: { vectors: 70, bar: 1, tableOffset: 0x1000, pendingOffset: 0x1800 } }));
  board.write(3, 0x14, BAR, 4);
  board.write(3, COMMAND, 0x0006, 2);
  const setVector = (vector: number, address: number, data: number, masked = false): void => {
    board.memory.write(TABLE + 16 * vector, address % 2 ** 32, 4);
    board.memory.write(TABLE + 16 * vector + 4, Math.floor(address / 2 ** 32), 4);
    board.memory.write(TABLE + 16 * vector + 8, data, 4);
    board.memory.write(TABLE + 16 * vector + 12, masked ? 1 : 0, 4);
  };
  return { board, interrupts: slot.interrupts, setVector };
}

describe('MSI-X', () => {
  it('says how many vectors there are and where table and pending bits lie', () => {
    const { board } = gadget();
    expect(board.read(3, MSIX, 4) >>> 16).toBe(69);
    expect(board.read(3, MSIX + 4, 4)).toBe(0x1001);
    expect(board.read(3, MSIX + 8, 4)).toBe(0x1801);
  });

  it('comes out of reset with every vector masked', () => {
    const { board, setVector } = gadget();
    setVector(69, 0xfee0_0000, 0x41);
    board.bus.reset('warm');
    board.write(3, 0x14, BAR, 4);
    board.write(3, COMMAND, 0x0006, 2);
    for (const vector of [0, 69]) {
      const entry = [0, 4, 8, 12].map((offset) => board.memory.read(TABLE + 16 * vector + offset, 4));
      expect(entry).toEqual([0, 0, 0, 1]);
    }
  });

  it('writes a vector\'s data to its address', () => {
    const { board, interrupts, setVector } = gadget();
    setVector(0, 0xfee0_0000, 0x41);
    setVector(69, 0x1_fee0_1000, 0xffff_0042);
    board.write(3, CONTROL, ENABLE, 2);
    expect(interrupts.msixEnabled).toBe(true);
    interrupts.notify(69);
    interrupts.notify(0);
    interrupts.notify(70);
    interrupts.notify(-1);
    expect(board.msi.messages).toMatchObject([
      { address: 0x1_fee0_1000, data: 0xffff_0042 },
      { address: 0xfee0_0000, data: 0x41 },
    ]);
  });

  it('keeps a masked vector pending, shows it, and sends it once when unmasked', () => {
    const { board, interrupts, setVector } = gadget();
    board.write(3, CONTROL, ENABLE, 2);
    setVector(66, 0xfee0_0000, 0x51, true);
    interrupts.notify(66);
    interrupts.notify(66);
    expect(board.memory.read(PENDING + 8, 4)).toBe(1 << 2);
    board.memory.write(PENDING + 8, 0, 4);
    expect(board.memory.read(PENDING + 8, 1)).toBe(1 << 2);
    board.memory.write(TABLE + 16 * 66 + 12, 0, 4);
    expect(board.msi.messages).toHaveLength(1);
    expect(board.memory.read(PENDING + 8, 4)).toBe(0);
  });

  it('sends a pending vector with what the table says when it is unmasked', () => {
    const { board, interrupts, setVector } = gadget();
    board.write(3, CONTROL, ENABLE, 2);
    setVector(1, 0xfee0_0000, 0x51, true);
    interrupts.notify(1);
    setVector(1, 0xfee0_2000, 0x52);
    expect(board.msi.messages).toMatchObject([{ address: 0xfee0_2000, data: 0x52 }]);
  });

  it('masks all vectors with the function mask', () => {
    const { board, interrupts, setVector } = gadget();
    setVector(0, 0xfee0_0000, 0x41);
    setVector(65, 0xfee0_0000, 0x42);
    setVector(2, 0xfee0_0000, 0x43, true);
    board.write(3, CONTROL, ENABLE | FUNCTION_MASK, 2);
    for (const vector of [65, 0, 2]) interrupts.notify(vector);
    expect(board.msi.messages).toEqual([]);
    board.write(3, CONTROL, ENABLE, 2);
    expect(board.msi.messages.map((m) => m.data)).toEqual([0x41, 0x42]);
    expect(board.memory.read(PENDING, 4)).toBe(1 << 2);
  });

  it('waits for bus mastering and forgets when disabled', () => {
    const { board, interrupts, setVector } = gadget();
    setVector(0, 0xfee0_0000, 0x41);
    board.write(3, CONTROL, ENABLE, 2);
    board.write(3, COMMAND, 0x0002, 2);
    interrupts.notify(0);
    expect(board.msi.messages).toEqual([]);
    board.write(3, COMMAND, 0x0006, 2);
    expect(board.msi.messages).toHaveLength(1);
    board.write(3, COMMAND, 0x0002, 2);
    interrupts.notify(0);
    board.write(3, CONTROL, 0, 2);
    board.write(3, CONTROL, ENABLE, 2);
    board.write(3, COMMAND, 0x0006, 2);
    expect(board.msi.messages).toHaveLength(1);
  });

  it('ignores reserved bits of address and vector control', () => {
    const { board } = gadget();
    for (let offset = 0; offset < 16; offset += 4) board.memory.write(TABLE + offset, 0xffff_ffff, 4);
    expect([0, 4, 8, 12].map((offset) => board.memory.read(TABLE + offset, 4))).toEqual([0xffff_fffc, 0xffff_ffff, 0xffff_ffff, 1]);
  });

  it('takes 64-bit accesses to the table', () => {
    const { board } = gadget();
    board.memory.write64(TABLE + 16, 0x0000_0012_fee0_1000n);
    expect(board.memory.read(TABLE + 20, 4)).toBe(0x12);
    expect(board.memory.read64(TABLE + 16)).toBe(0x12_fee0_1000n);
  });

  it('leaves the rest of the bar to the device', () => {
    const region = memoryRegion('bar', 8192);
    const { board } = gadget(region);
    board.memory.write(BAR + 0xffc, 0x1122_3344, 4);
    board.memory.write(TABLE + 70 * 16, 0x55, 1);
    board.memory.write(PENDING + 16, 0x66, 1);
    expect([region.bytes[0xffc], region.bytes[0x1000 + 70 * 16], region.bytes[0x1810]]).toEqual([0x44, 0x55, 0x66]);
    expect(board.memory.read(BAR + 0xffe, 2)).toBe(0x1122);
  });

  it.each<[AccessSize[], AccessSize[]]>([
    [[4], [4, 4, 4]],
    [[1], [1, 1, 1, 1, 1, 1, 1]],
    [[2, 4], [2, 2, 4]],
  ])('gives a device that takes sizes %j no other', (accepts, expected) => {
    const region = memoryRegion('bar', 8192, accepts);
    const { board } = gadget(region);
    region.bytes.set([1, 2, 3, 4], 0x10);
    expect([board.memory.read(BAR + 0x11, 1), board.memory.read(BAR + 0x12, 2), board.memory.read(BAR + 0x10, 4)]).toEqual([2, 0x0403, 0x0403_0201]);
    expect(region.sizes).toEqual(expected);
    board.memory.write(BAR + 0x20, 0x8877_6655, 4);
    expect([...region.bytes.subarray(0x20, 0x24)]).toEqual([0x55, 0x66, 0x77, 0x88]);
  });

  it('passes 64-bit accesses on to a device that has them', () => {
    const written: bigint[] = [];
    const plain = memoryRegion('bar', 8192);
    const { board } = gadget({
      ...plain,
      handler: { ...plain.handler, read64: () => 0x1234_5678_9abc_def0n, write64: (_, value) => void written.push(value) },
    });
    expect(board.memory.read64(BAR + 8)).toBe(0x1234_5678_9abc_def0n);
    board.memory.write64(BAR + 8, 5n);
    expect(written).toEqual([5n]);
    board.memory.write64(TABLE, 0x1_fee0_0000n);
    expect(board.memory.read64(TABLE)).toBe(0x1_fee0_0000n);
  });

  it('that doesn\'t fit its bar is refused', () => {
    const plug = (msix: { vectors: number; bar: number; tableOffset: number; pendingOffset: number }) => () =>
      new PciBoard().bus.slot(3).plug(testFunction({ msix }));
    expect(plug({ vectors: 300, bar: 1, tableOffset: 0, pendingOffset: 0x800 })).toThrow(/300 vectors/);
    expect(plug({ vectors: 2, bar: 1, tableOffset: 0x7f8, pendingOffset: 0x800 })).toThrow(/table at 0x7f8, pending bits at 0x800/);
    expect(plug({ vectors: 2, bar: 0, tableOffset: 0, pendingOffset: 0x20 })).toThrow(/memory bar 0 of no bytes/);
  });
});
