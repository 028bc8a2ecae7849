import { describe, expect, it } from 'vitest';
import { PciBoard, testFunction } from '../testing/pci-board.js';

const COMMAND = 0x04;
const BUS_MASTER = 0x0004;
const CONTROL = 0x42;
const ADDRESS = 0x44;
const DATA = 0x4c;
const MASK = 0x50;
const PENDING = 0x54;
const ENABLE = 1;

function gadget(msiVectors: number) {
  const board = new PciBoard();
  const slot = board.bus.slot(3);
  slot.plug(testFunction({ msiVectors }));
  board.write(3, COMMAND, BUS_MASTER, 2);
  board.write(3, ADDRESS, 0xfee0_1004, 4);
  board.write(3, ADDRESS + 4, 0, 4);
  board.write(3, DATA, 0x4030, 2);
  return { board, interrupts: slot.interrupts };
}

describe('MSI', () => {
  it('says that it has 64-bit addresses and per-vector masks, and how many vectors', () => {
    expect(gadget(1).board.read(3, CONTROL, 2)).toBe(0x0180);
    expect(gadget(8).board.read(3, CONTROL, 2)).toBe(0x0186);
  });

  it('sends nothing before it is enabled', () => {
    const { board, interrupts } = gadget(1);
    interrupts.notify(0);
    expect(interrupts.msiEnabled).toBe(false);
    expect(board.msi.messages).toEqual([]);
    board.write(3, CONTROL, ENABLE, 2);
    expect(interrupts.msiEnabled).toBe(true);
    expect(board.msi.messages).toEqual([]);
  });

  it('writes the data to the address', () => {
    const { board, interrupts } = gadget(1);
    board.write(3, CONTROL, ENABLE, 2);
    interrupts.notify(0);
    board.write(3, ADDRESS + 4, 0x12, 4);
    interrupts.notify(0);
    expect(board.msi.messages).toMatchObject([
      { address: 0xfee0_1004, data: 0x4030 },
      { address: 0x12_fee0_1004, data: 0x4030 },
    ]);
  });

  it('puts the vector into the data\'s low bits, as many as are enabled', () => {
    const { board, interrupts } = gadget(4);
    board.write(3, CONTROL, ENABLE | (2 << 4), 2);
    for (let vector = 0; vector < 4; vector++) interrupts.notify(vector);
    board.write(3, CONTROL, ENABLE | (1 << 4), 2);
    interrupts.notify(3);
    board.write(3, CONTROL, ENABLE, 2);
    interrupts.notify(3);
    expect(board.msi.messages.map((m) => m.data)).toEqual([0x4030, 0x4031, 0x4032, 0x4033, 0x4031, 0x4030]);
  });

  it('enables no more vectors than it has', () => {
    const { board, interrupts } = gadget(2);
    board.write(3, CONTROL, ENABLE | (5 << 4), 2);
    interrupts.notify(5);
    expect(board.msi.messages.map((m) => m.data)).toEqual([0x4031]);
  });

  it('keeps a masked vector pending and sends it when unmasked, once', () => {
    const { board, interrupts } = gadget(4);
    board.write(3, CONTROL, ENABLE | (2 << 4), 2);
    board.write(3, MASK, 0xffff_ffff, 4);
    expect(board.read(3, MASK, 4)).toBe(0xf);
    interrupts.notify(1);
    interrupts.notify(1);
    interrupts.notify(2);
    expect(board.read(3, PENDING, 4)).toBe(0x6);
    board.write(3, MASK, 0xb, 4);
    expect(board.msi.messages.map((m) => m.data)).toEqual([0x4032]);
    board.write(3, PENDING, 0, 4);
    expect(board.read(3, PENDING, 4)).toBe(0x2);
    board.write(3, MASK, 0, 4);
    expect(board.msi.messages.map((m) => m.data)).toEqual([0x4032, 0x4031]);
    expect(board.read(3, PENDING, 4)).toBe(0);
  });

  it('waits for bus mastering', () => {
    const { board, interrupts } = gadget(1);
    board.write(3, CONTROL, ENABLE, 2);
    board.write(3, COMMAND, 0, 2);
    interrupts.notify(0);
    expect(board.msi.messages).toEqual([]);
    board.write(3, COMMAND, BUS_MASTER, 2);
    expect(board.msi.messages).toHaveLength(1);
  });

  it('forgets what is pending when it is disabled', () => {
    const { board, interrupts } = gadget(1);
    board.write(3, CONTROL, ENABLE, 2);
    board.write(3, MASK, 1, 4);
    interrupts.notify(0);
    board.write(3, CONTROL, 0, 2);
    board.write(3, CONTROL, ENABLE, 2);
    board.write(3, MASK, 0, 4);
    expect(board.msi.messages).toEqual([]);
  });

  it('takes the place of INTx while enabled', () => {
    const { board, interrupts } = gadget(1);
    board.write(1, 0x62, 5, 1);
    interrupts.intx.set(true);
    expect(board.irqs.levels).toMatchObject({ irq5: true });
    board.write(3, CONTROL, ENABLE, 2);
    expect(board.irqs.levels).toMatchObject({ irq5: false });
    board.write(3, CONTROL, 0, 2);
    expect(board.irqs.levels).toMatchObject({ irq5: true });
  });

  it('of a number that isn\'t a power of two up to 32 is refused', () => {
    for (const msiVectors of [0, 3, 64]) expect(() => gadget(msiVectors)).toThrow(new RegExp(`${msiVectors} MSI vectors`));
  });
});
