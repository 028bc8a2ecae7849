import { describeDevice, IrqRecorder } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { Piix3IsaBridge } from './piix3-isa-bridge.js';
import { PciBoard } from '../testing/pci-board.js';

const PIRQRC_A = 0x60;

function build(irqs = new IrqRecorder()): Piix3IsaBridge {
  return new Piix3IsaBridge({
    isaIrqs: Array.from({ length: 16 }, (_, irq) => irqs.line(`irq${irq}`)),
    ioApicInputs: [16, 17, 18, 19].map((pin) => irqs.line(`ioapic${pin}`)),
  });
}

describe('PIRQRC', () => {
  it('is disabled after reset: only the I/O APIC sees the PIRQ', () => {
    const irqs = new IrqRecorder();
    const bridge = build(irqs);
    expect(bridge.pciFunction.readConfig?.(PIRQRC_A, 4)).toBe(0x8080_8080);
    bridge.pirqs[1].set(true);
    expect(Object.entries(irqs.levels).filter(([, level]) => level)).toEqual([['ioapic17', true]]);
  });

  it('moves a line that is high when it is routed anew', () => {
    const board = new PciBoard();
    board.bridge.pirqs[0].set(true);
    board.write(1, PIRQRC_A, 10, 1);
    expect(board.irqs.levels).toMatchObject({ irq10: true });
    board.write(1, PIRQRC_A, 11, 1);
    expect(board.irqs.levels).toMatchObject({ irq10: false, irq11: true });
    board.write(1, PIRQRC_A, 0x8b, 1);
    expect(board.irqs.levels).toMatchObject({ irq11: false });
  });

  it('may route two PIRQs to one interrupt', () => {
    const board = new PciBoard();
    board.write(1, PIRQRC_A, 0x0a0a_0a0a, 4);
    board.bridge.pirqs[0].set(true);
    board.bridge.pirqs[3].set(true);
    board.bridge.pirqs[0].set(false);
    expect(board.irqs.levels).toMatchObject({ irq10: true });
    board.bridge.pirqs[3].set(false);
    expect(board.irqs.levels).toMatchObject({ irq10: false });
    expect(board.irqs.rises('irq10')).toBe(1);
  });

  it('can\'t reach IRQ 0, 1, 2, 8 and 13', () => {
    const board = new PciBoard();
    board.bridge.pirqs[2].set(true);
    const reached: number[] = [];
    for (let irq = 0; irq < 16; irq++) {
      board.write(1, PIRQRC_A + 2, irq, 1);
      if (board.irqs.levels[`irq${irq}`]) reached.push(irq);
    }
    expect(reached).toEqual([3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15]);
  });

  it('has no bits 6:4', () => {
    const board = new PciBoard();
    board.write(1, PIRQRC_A, 0xff, 1);
    expect(board.read(1, PIRQRC_A, 1)).toBe(0x8f);
  });
});

describe('the ISA bridge\'s other registers', () => {
  it('have the datasheet\'s values at reset and store', () => {
    const board = new PciBoard();
    expect(board.read(1, 0x4c, 1)).toBe(0x4d);
    expect(board.read(1, 0x4e, 2)).toBe(0x0003);
    // Linux, quirk_passive_release: sets bit 1 of DLC.
    board.write(1, 0x82, board.read(1, 0x82, 1) | 2, 1);
    expect(board.read(1, 0x82, 1)).toBe(2);
  });
});

describeDevice(
  'Piix3IsaBridge',
  (bench) => build(bench.irqs),
  (bridge) => {
    bridge.pciFunction.writeConfig?.(PIRQRC_A, 0x0b0a_0b0a, 4);
    bridge.pirqs[0].set(true);
    bridge.pirqs[3].set(true);
  },
  {
    goOn: (bridge) => {
      bridge.pirqs[3].set(false);
      bridge.pciFunction.writeConfig?.(PIRQRC_A, 0x05, 1);
    },
  },
);
