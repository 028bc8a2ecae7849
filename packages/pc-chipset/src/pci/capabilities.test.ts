import { describe, expect, it } from 'vitest';
import { PciBoard, testFunction } from '../testing/pci-board.js';

describe('the capability list', () => {
  it('is absent from a function without capabilities', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction());
    expect(board.read(3, 0x06, 2) & 0x10).toBe(0);
    expect(board.read(3, 0x34, 1)).toBe(0);
  });

  it('has MSI, MSI-X and the function\'s own, in this order, dword aligned', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(
      testFunction({
        msiVectors: 1,
        msix: { vectors: 2, bar: 1, tableOffset: 0, pendingOffset: 0x800 },
        capabilities: [
          { id: 0x09, body: Uint8Array.of(7, 1, 2, 3, 4) },
          { id: 0x01, body: new Uint8Array(6) },
        ],
      }),
    );
    expect(board.read(3, 0x06, 2) & 0x10).toBe(0x10);
    expect(board.capabilities(3)).toEqual([
      { id: 0x05, at: 0x40 },
      { id: 0x11, at: 0x58 },
      { id: 0x09, at: 0x64 },
      { id: 0x01, at: 0x6c },
    ]);
    expect(board.read(3, 0x66, 2)).toBe(0x0107);
  });

  it('begins where the function wants it', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction({ capabilityBase: 0xdc, capabilities: [{ id: 0x01, body: new Uint8Array(6) }] }));
    expect(board.capabilities(3)).toEqual([{ id: 0x01, at: 0xdc }]);
  });

  it('that doesn\'t fit is refused', () => {
    const capabilities = [{ id: 0x09, body: new Uint8Array(200) }];
    expect(() => new PciBoard().bus.slot(3).plug(testFunction({ capabilities }))).toThrow(/capability 0x9, 202 bytes at 0x40, doesn't fit/);
  });
});

describe('a capability\'s body', () => {
  it('stores where it is writable, and nowhere else', () => {
    const board = new PciBoard();
    const capability = { id: 0x09, body: Uint8Array.of(0x10, 0x20, 0x30, 0x40, 0x50, 0x60), writable: Uint8Array.of(0, 0, 0xff, 0x0f) };
    board.bus.slot(3).plug(testFunction({ capabilities: [capability] }));
    board.write(3, 0x40, 0xaaaa_aaaa, 4);
    board.write(3, 0x44, 0xaaaa_aaaa, 4);
    expect(board.read(3, 0x40, 4)).toBe(0x2010_0009);
    expect(board.read(3, 0x44, 4)).toBe(0x6050_4aaa);
    board.bus.reset('cold');
    expect(board.read(3, 0x44, 4)).toBe(0x6050_4030);
  });

  it('asks the function, in body offsets; a read that starts in the header is put together from bytes', () => {
    const board = new PciBoard();
    const asked: string[] = [];
    const capability = {
      id: 0x09,
      body: new Uint8Array(14),
      onRead: (offset: number, size: number) => {
        asked.push(`read ${offset}/${size}`);
        return offset === 10 ? 0x1234_5678 : offset === 1 ? 0x77 : undefined;
      },
      onWrite: (offset: number, value: number, size: number) => void asked.push(`write ${offset}/${size} ${value.toString(16)}`),
    };
    board.bus.slot(3).plug(testFunction({ capabilities: [capability] }));
    expect(board.read(3, 0x4c, 4)).toBe(0x1234_5678);
    expect(board.read(3, 0x40, 4)).toBe(0x7700_0009);
    board.write(3, 0x4c, 0xdead_beef, 4);
    board.write(3, 0x4e, 0xcafe, 2);
    board.write(3, 0x40, 0x1122_3344, 4);
    expect(asked).toEqual(['read 10/4', 'read 0/1', 'read 1/1', 'write 10/4 deadbeef', 'write 12/2 cafe', 'write 0/1 22', 'write 1/1 11']);
  });
});

describe('device-specific registers', () => {
  it('store what a function says they store', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction({ registers: [{ at: 0x40, initial: Uint8Array.of(0x00, 0x80, 0, 0), writable: Uint8Array.of(0xff, 0x7f) }] }));
    board.write(3, 0x40, 0xffff_ffff, 4);
    expect(board.read(3, 0x40, 4)).toBe(0x0000_ffff);
    board.bus.reset('warm');
    expect(board.read(3, 0x40, 4)).toBe(0x0000_8000);
  });

  it('reach the function, before storage for reads and after it for writes', () => {
    const board = new PciBoard();
    const writes: string[] = [];
    board.bus.slot(3).plug(
      testFunction({
        registers: [{ at: 0x50, initial: new Uint8Array(4), writable: new Uint8Array(4).fill(0xff) }],
        readConfig: (register, size) => (register === 0x60 && size === 1 ? 0x5a : undefined),
        writeConfig: (register, value, size) => void writes.push(`${register.toString(16)}/${size} ${value} ${board.read(3, 0x50, 1)}`),
      }),
    );
    board.write(3, 0x50, 9, 1);
    board.write(3, 0x3c, 5, 1);
    expect([board.read(3, 0x60, 1), board.read(3, 0x61, 1), board.read(3, 0x50, 1)]).toEqual([0x5a, 0, 9]);
    expect(writes).toEqual(['50/1 9 9']);
  });

  it('below 40H or beyond FFH are refused', () => {
    for (const at of [0x3c, 0xfe]) {
      expect(() => new PciBoard().bus.slot(3).plug(testFunction({ registers: [{ at, initial: new Uint8Array(4) }] }))).toThrow(/lie outside 0x40\.\.0xff/);
    }
  });
});
