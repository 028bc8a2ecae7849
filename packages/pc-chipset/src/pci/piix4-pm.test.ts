import { describeDevice } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { FakeAddressSpace } from '../testing/fake-address-space.js';
import { memoryRegion, PciBoard } from '../testing/pci-board.js';
import { Piix4Pm } from './piix4-pm.js';

const PMBA = 0x40;
const PMREGMISC = 0x80;

function build() {
  const board = new PciBoard();
  const pm = memoryRegion('pm', 64);
  const function3 = new Piix4Pm({ ports: board.ports, pm });
  board.bus.slot(1, 3).plug(function3.pciFunction);
  const write = (register: number, value: number, size: 1 | 2 | 4): void => board.write(1, register, value, size, 3);
  const read = (register: number, size: 1 | 2 | 4): number => board.read(1, register, size, 3);
  return { board, pm, function3, read, write };
}

describe('the PM block', () => {
  it('is where PMBA says, once PMIOSE is set', () => {
    const { board, pm, write } = build();
    write(PMBA, 0x0601, 4);
    board.ports.write(0x604, 0x77, 1);
    expect(pm.bytes[4]).toBe(0);
    write(PMREGMISC, 1, 1);
    board.ports.write(0x604, 0x77, 1);
    expect(pm.bytes[4]).toBe(0x77);
    write(PMBA + 1, 0xb0, 1);
    expect(board.ports.read(0x604, 1)).toBe(0xff);
    expect(board.ports.read(0xb004, 1)).toBe(0x77);
  });

  it('is 64-byte aligned in I/O space', () => {
    const { read, write } = build();
    write(PMBA, 0xffff_ffff, 4);
    expect(read(PMBA, 4)).toBe(0xffc1);
  });

  it('disappears with a reset', () => {
    const { board, function3, read, write } = build();
    write(PMBA, 0x600, 2);
    write(PMREGMISC, 1, 1);
    function3.reset('warm');
    expect(board.ports.read(0x604, 1)).toBe(0xff);
    expect([read(PMBA, 4), read(PMREGMISC, 1)]).toEqual([1, 0]);
  });

  it('is where it was after a restore', () => {
    const { function3, write } = build();
    write(PMBA, 0x600, 2);
    write(PMREGMISC, 1, 1);
    const ports = new FakeAddressSpace();
    new Piix4Pm({ ports, pm: memoryRegion('pm', 64) }).restore(function3.save());
    expect(ports.decoded).toEqual([{ name: 'pm', base: 0x600, length: 64 }]);
  });
});

describeDevice(
  'Piix4Pm',
  () => new Piix4Pm({ ports: new FakeAddressSpace(), pm: memoryRegion('pm', 64) }),
  (pm) => {
    pm.pciFunction.writeConfig?.(PMBA, 0x600, 2);
    pm.pciFunction.writeConfig?.(PMREGMISC, 1, 1);
  },
);
