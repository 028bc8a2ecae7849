import { describeDevice } from '@pckit/device-testing';
import type { PciFunction } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryRegion, PciBoard, testFunction } from '../testing/pci-board.js';
import { pirqOf } from './pci-bus.js';

describe('configuration mechanism #1', () => {
  it('is found by the probe that Linux makes', () => {
    // arch/x86/pci/direct.c, pci_check_type1
    const { ports } = new PciBoard();
    ports.write(0xcfb, 0x01, 1);
    const before = ports.read(0xcf8, 4);
    ports.write(0xcf8, 0x8000_0000, 4);
    expect(ports.read(0xcf8, 4)).toBe(0x8000_0000);
    ports.write(0xcf8, before, 4);
    expect(ports.read(0xcf8, 4)).toBe(0);
  });

  it('keeps CONFIG_ADDRESS from byte and word writes', () => {
    const { ports } = new PciBoard();
    ports.write(0xcf8, 0x8000_0800, 4);
    for (const port of [0xcf8, 0xcf9, 0xcfa, 0xcfb]) ports.write(port, 0x55, 1);
    ports.write(0xcf8, 0x5555, 2);
    ports.write(0xcfa, 0x5555, 2);
    expect(ports.read(0xcf8, 4)).toBe(0x8000_0800);
  });

  it('reserves bits 30:24 and 1:0 of CONFIG_ADDRESS', () => {
    const { ports } = new PciBoard();
    ports.write(0xcf8, 0xffff_ffff, 4);
    expect(ports.read(0xcf8, 4)).toBe(0x80ff_fffc);
  });

  it('passes bytes at CF9H to the reset control register', () => {
    const register = memoryRegion('reset-control', 1);
    const { ports } = new PciBoard(undefined, undefined, register);
    ports.write(0xcf9, 0x06, 1);
    expect(register.bytes[0]).toBe(0x06);
    expect(ports.read(0xcf9, 1)).toBe(0x06);
    ports.write(0xcf8, 0xffff_ffff, 4);
    expect(register.bytes[0]).toBe(0x06);
  });

  it('reads parts of a dword through CFCH to CFFH', () => {
    const board = new PciBoard();
    expect(board.read(0, 0, 4)).toBe(0x1237_8086);
    expect(board.read(0, 0, 2)).toBe(0x8086);
    expect(board.read(0, 2, 2)).toBe(0x1237);
    expect(board.read(0, 1, 1)).toBe(0x80);
    expect(board.read(0, 3, 1)).toBe(0x12);
  });

  it('reads all-ones and writes nothing without the enable bit, on other buses and in empty slots', () => {
    const board = new PciBoard();
    const { ports } = board;
    for (const address of [0x0000_0000, 0x8001_0000, 0x8000_f800, 0x8000_0100]) {
      ports.write(0xcf8, address, 4);
      expect([ports.read(0xcfc, 4), ports.read(0xcfe, 2), ports.read(0xcff, 1)]).toEqual([0xffff_ffff, 0xffff, 0xff]);
      ports.write(0xcfc, 0, 4);
    }
    expect(board.read(0, 0, 4)).toBe(0x1237_8086);
  });
});

describe('identity', () => {
  it('is the function\'s, and read-only', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction({ revision: 7, subsystemVendorId: 0x1af4, subsystemId: 0x1100 }));
    for (let register = 0; register < 0x40; register += 4) if (register !== 4) board.write(3, register, 0xffff_ffff, 4);
    expect(board.read(3, 0x00, 4)).toBe(0x1042_1af4);
    expect(board.read(3, 0x08, 4)).toBe(0x0180_0007);
    expect(board.read(3, 0x2c, 4)).toBe(0x1100_1af4);
    expect(board.read(3, 0x3d, 1)).toBe(1);
  });

  it('announces several functions on function 0 only', () => {
    const board = new PciBoard();
    board.bus.slot(4).plug(testFunction());
    expect(board.read(4, 0x0e, 1)).toBe(0);
    board.bus.slot(4, 2).plug(testFunction({ name: 'second' }));
    expect(board.read(4, 0x0e, 1)).toBe(0x80);
    expect(board.read(4, 0x0c, 4)).toBe(0x0080_0000);
    expect(board.read(4, 0x0e, 2)).toBe(0x80);
    expect(board.read(4, 0x0e, 1, 2)).toBe(0);
    expect(board.read(1, 0x0e, 1)).toBe(0x80);
  });

  it('stores the interrupt line', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction());
    board.write(3, 0x3c, 0xab, 1);
    expect(board.read(3, 0x3c, 2)).toBe(0x01ab);
  });
});

describe('slots', () => {
  it('take one function each and number 32 by 8', () => {
    const { bus } = new PciBoard();
    expect(() => bus.slot(0).plug(testFunction())).toThrow(/slot 0x0\.0 holds i440fx; gadget/);
    expect(() => bus.slot(32)).toThrow(/no PCI slot 32\.0/);
    expect(() => bus.slot(1, 8)).toThrow(/no PCI slot 1\.8/);
  });
});

describe('INTx', () => {
  function twoGadgets() {
    const board = new PciBoard();
    const gadgets = [3, 7].map((device) => {
      const slot = board.bus.slot(device);
      slot.plug(testFunction({ name: `gadget${device}` }));
      return slot.interrupts.intx;
    });
    for (let i = 0; i < 4; i++) board.write(1, 0x60 + i, [10, 11, 10, 11][i], 1);
    return { board, gadgets };
  }

  it('is swizzled as on PIIX3 boards: INTA of device 1 is PIRQA, one further for each device and pin', () => {
    expect([1, 2, 3, 4, 5].map((device) => pirqOf(device, 1))).toEqual([0, 1, 2, 3, 0]);
    expect([1, 2, 3, 4].map((pin) => pirqOf(1, pin))).toEqual([0, 1, 2, 3]);
    expect(pirqOf(0, 1)).toBe(3);
  });

  it('reaches the routed ISA interrupt and the I/O APIC input of its PIRQ', () => {
    const { board, gadgets } = twoGadgets();
    gadgets[0].set(true);
    expect(board.irqs.levels).toMatchObject({ irq10: true, irq11: false, ioapic16: false, ioapic18: true });
    gadgets[0].set(false);
    expect(board.irqs.levels).toMatchObject({ irq10: false, ioapic18: false });
  });

  it('is shared: low again only when every function let go', () => {
    const { board, gadgets } = twoGadgets();
    gadgets[0].set(true);
    gadgets[1].set(true);
    gadgets[0].set(false);
    expect(board.irqs.levels).toMatchObject({ irq10: true, ioapic18: true });
    gadgets[1].set(false);
    expect(board.irqs.levels).toMatchObject({ irq10: false, ioapic18: false });
    expect(board.irqs.rises('irq10')).toBe(1);
  });

  it('follows the interrupt-disable bit; interrupt status shows the function\'s state all the same', () => {
    const { board, gadgets } = twoGadgets();
    gadgets[0].set(true);
    expect(board.read(3, 0x06, 2) & 0x08).toBe(0x08);
    board.write(3, 0x04, 0x0400, 2);
    expect(board.irqs.levels).toMatchObject({ irq10: false });
    expect(board.read(3, 0x06, 2) & 0x08).toBe(0x08);
    board.write(3, 0x04, 0x0000, 2);
    expect(board.irqs.levels).toMatchObject({ irq10: true });
    gadgets[0].set(false);
    expect(board.read(3, 0x06, 2) & 0x08).toBe(0);
  });

  it('goes low with a reset of the bus', () => {
    const { board, gadgets } = twoGadgets();
    gadgets[0].set(true);
    board.bus.reset('warm');
    expect(board.irqs.levels).toMatchObject({ irq10: false, ioapic18: false });
  });
});

describe('state', () => {
  it('that lacks a slot is refused with its name', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction());
    const state = board.bus.save();
    const { '3.0': _, ...rest } = state.slots;
    expect(() => board.bus.restore({ ...state, slots: rest })).toThrow(/slot 3\.0, which holds gadget/);
  });

  it('brings the mappings back', () => {
    const make = (): PciBoard => {
      const board = new PciBoard();
      board.bus.slot(3).plug(testFunction());
      return board;
    };
    const board = make();
    board.write(3, 0x10, 0xc000, 4);
    board.write(3, 0x24, 0x1, 4);
    board.write(3, 0x20, 0x8000_0000, 4);
    board.write(3, 0x04, 0x0003, 2);
    const copy = make();
    copy.bus.restore(board.bus.save());
    expect(copy.memory.decoded).toEqual(board.memory.decoded);
    expect(copy.ports.decoded).toEqual(board.ports.decoded);
    expect(copy.memory.decoded).toContainEqual({ name: 'gadget-memory', base: 0x1_8000_0000, length: 16384 });
  });
});

describe('any configuration write', () => {
  it('throws nothing, leaves the identity alone and keeps decoding within the address space', () => {
    const access = fc.record({
      device: fc.constantFrom(0, 1, 3),
      register: fc.nat(255),
      size: fc.constantFrom(1 as const, 2 as const, 4 as const),
      value: fc.oneof(fc.constantFrom(0, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff })),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
        const board = new PciBoard();
        const slot = board.bus.slot(3);
        slot.plug(testFunction({ msiVectors: 4, msix: { vectors: 3, bar: 1, tableOffset: 0, pendingOffset: 0x800 } }));
        for (const { device, register, size, value } of accesses) {
          const aligned = register & ~(size - 1);
          board.write(device, aligned, value % 2 ** (8 * size), size);
          slot.interrupts.intx.set(value % 2 === 1);
          slot.interrupts.notify(value % 5);
          expect(board.read(device, aligned, size)).toBeLessThan(2 ** (8 * size));
        }
        expect(board.read(3, 0, 4)).toBe(0x1042_1af4);
        expect(board.read(0, 0, 4)).toBe(0x1237_8086);
        for (const { base, length } of board.memory.decoded) expect(base > 0 && base % length === 0 && base + length <= 2 ** 52).toBe(true);
        for (const { base, length } of board.ports.decoded) expect(base > 0 && base + length <= 0x1_0000).toBe(true);
      }),
      { seed: 0x9c1, numRuns: 200 },
    );
  });
});


/** MSI takes 24 bytes from 40H on, MSI-X follows. */
const MSIX_CONTROL = 0x58 + 2;

describeDevice(
  'PciBus',
  (bench) => {
    const board = new PciBoard(bench.irqs, bench.msi);
    const gadget: PciFunction = testFunction({ msix: { vectors: 2, bar: 1, tableOffset: 0, pendingOffset: 0x800 }, msiVectors: 2 });
    board.bus.slot(3).plug(gadget);
    board.bus.slot(5).plug(testFunction({ name: 'other', interruptPin: 2 }));
    return board.bus;
  },
  (bus) => {
    bus.writeConfig(3, 0, 0x14, 0xe000_0000, 4);
    bus.writeConfig(3, 0, 0x04, 0x0006, 2);
    bus.regions.address.handler.write(0, 0x8000_1804, 4);
    bus.slot(5).interrupts.intx.set(true);
    // MSI-X on, the only vector in use masked, so its message waits.
    bus.writeConfig(3, 0, MSIX_CONTROL, 0x8000, 2);
    bus.slot(3).interrupts.notify(1);
  },
  {
    goOn: (bus) => {
      bus.slot(5).interrupts.intx.set(false);
      bus.slot(5).interrupts.intx.set(true);
      bus.slot(3).interrupts.notify(0);
      return bus.readConfig(3, 0, 0x04, 4);
    },
  },
);
