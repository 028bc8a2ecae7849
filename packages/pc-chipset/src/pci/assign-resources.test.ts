import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryRegion, PciBoard, testFunction } from '../testing/pci-board.js';
import { assignResources, DEFAULT_PCI_IO, DEFAULT_PCI_MEMORY } from './assign-resources.js';
import { Piix4Pm } from './piix4-pm.js';

describe('assignResources', () => {
  it('gives every bar an address of its own and lets the function decode', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction());
    board.bus.slot(4).plug(testFunction({ bars: [{ index: 0, kind: 'memory32', region: memoryRegion('other', 0x10_0000) }] }));
    const assigned = assignResources(board.bus);
    expect(assigned).toHaveLength(4);
    expect(board.memory.decoded.map((d) => d.name).sort()).toEqual(['gadget-memory', 'gadget-msix', 'other']);
    expect(board.ports.decoded.map((d) => d.name)).toContain('gadget-io');
    expect(board.read(3, 0x04, 2)).toBe(0x0003);
    expect(board.read(4, 0x04, 2)).toBe(0x0002);
    for (const { device, bar, address } of assigned) expect(board.bus.slot(device).barAddress(bar)).toBe(address);
  });

  it('does nothing that a second run does otherwise', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction());
    const first = assignResources(board.bus);
    const state = board.bus.save();
    expect(assignResources(board.bus)).toEqual(first);
    expect(board.bus.save()).toEqual(state);
  });

  it('routes the PIRQs and writes the interrupt lines', () => {
    const board = new PciBoard();
    for (const device of [2, 3, 4, 5]) board.bus.slot(device).plug(testFunction({ name: `gadget${device}` }));
    assignResources(board.bus, { pirqIrqs: [5, 9, 10, 11] });
    expect(board.read(1, 0x60, 4)).toBe(0x0b0a_0905);
    expect([2, 3, 4, 5].map((device) => board.read(device, 0x3c, 1))).toEqual([9, 10, 11, 5]);
    for (const device of [2, 3, 4, 5]) {
      const line = board.read(device, 0x3c, 1);
      board.bus.slot(device).interrupts.intx.set(true);
      expect(board.irqs.levels[`irq${line}`]).toBe(true);
    }
  });

  it('switches the PM block on', () => {
    const board = new PciBoard();
    const pm = new Piix4Pm({ ports: board.ports, pm: memoryRegion('pm', 64) });
    board.bus.slot(1, 3).plug(pm.pciFunction);
    assignResources(board.bus, { pmBase: 0xb000 });
    expect(board.ports.decoded).toContainEqual({ name: 'pm', base: 0xb000, length: 64 });
    expect(board.read(1, 0x3c, 1, 3)).toBe(9);
  });

  it('puts a 64-bit bar above 4 GiB only when it doesn\'t fit below', () => {
    const board = new PciBoard();
    const huge = { ...memoryRegion('huge', 16), length: 2 ** 32 };
    board.bus.slot(3).plug(testFunction({ bars: [{ index: 0, kind: 'memory64', region: huge }] }));
    board.bus.slot(4).plug(testFunction());
    assignResources(board.bus, { memory64: { start: 0x1_4000_0000, end: 0xff_ffff_ffff } });
    expect(board.bus.slot(3).barAddress(0)).toBe(0x2_0000_0000);
    expect(board.bus.slot(4).barAddress(4)).toBeLessThan(2 ** 32);
  });

  it('says which bar has no room, and where', () => {
    const board = new PciBoard();
    board.bus.slot(3).plug(testFunction({ bars: [{ index: 2, kind: 'memory32', region: { ...memoryRegion('huge', 16), length: 2 ** 29 } }] }));
    expect(() => assignResources(board.bus)).toThrow('bar 2 of PCI device 3.0 (0x20000000 bytes) doesn\'t fit into the memory window 0xe0000000..0xfebfffff');
  });

  it('places any set of bars aligned, apart and within the windows', () => {
    const bar = fc.record({ kind: fc.constantFrom('io' as const, 'memory32' as const, 'memory64' as const), log2: fc.integer({ min: 4, max: 22 }) });
    fc.assert(
      fc.property(fc.array(fc.array(bar, { maxLength: 3 }), { maxLength: 20 }), (functions) => {
        const board = new PciBoard();
        functions.forEach((bars, i) => {
          board.bus.slot(i + 2).plug(
            testFunction({
              name: `f${i}`,
              bars: bars.map(({ kind, log2 }, b) => ({ index: 2 * b, kind, region: { ...memoryRegion('bar', 16), length: 2 ** (kind === 'io' ? Math.min(log2, 8) : log2) } })),
            }),
          );
        });
        const assigned = assignResources(board.bus);
        expect(assigned).toHaveLength(functions.flat().length);
        for (const [i, a] of assigned.entries()) {
          const window = a.kind === 'io' ? DEFAULT_PCI_IO : DEFAULT_PCI_MEMORY;
          expect(a.address % a.size === 0 && a.address >= window.start && a.address + a.size - 1 <= window.end).toBe(true);
          for (const b of assigned.slice(i + 1)) {
            const same = (a.kind === 'io') === (b.kind === 'io');
            expect(same && a.address < b.address + b.size && b.address < a.address + a.size).toBe(false);
          }
        }
      }),
      { seed: 0xba5, numRuns: 100 },
    );
  });
});
