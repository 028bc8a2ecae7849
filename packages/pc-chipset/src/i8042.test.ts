import { Bench, RegionDriver, describeDevice } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I8042 } from './i8042.js';
import type { I8042Options } from './i8042.js';

const OBF = 0x01;
const AUX_OBF = 0x20;

function board(options: I8042Options = {}) {
  const bench = new Bench();
  let resets = 0;
  const i8042 = new I8042(
    {
      clock: bench.clock,
      keyboardIrq: bench.irqs.line('irq1'),
      mouseIrq: bench.irqs.line('irq12'),
      reset: () => resets++,
      a20: bench.irqs.line('a20'),
    },
    options,
  );
  const data = new RegionDriver(i8042.regions.data);
  const command = new RegionDriver(i8042.regions.command);
  return {
    bench,
    i8042,
    data,
    resets: () => resets,
    status: () => command.read8(0),
    command: (value: number) => command.write8(0, value),
    send: (value: number) => data.write8(0, value),
    /** Reads what is there, marking bytes of the auxiliary device as negative. */
    drain(): number[] {
      const bytes = [];
      while ((command.read8(0) & OBF) !== 0) {
        const aux = (command.read8(0) & AUX_OBF) !== 0;
        const byte = data.read8(0);
        bytes.push(aux ? -byte : byte);
      }
      return bytes;
    },
    readCommandByte(): number {
      command.write8(0, 0x20);
      return data.read8(0);
    },
    writeCommandByte(value: number): void {
      command.write8(0, 0x60);
      data.write8(0, value);
    },
    /** A byte to the mouse. */
    sendAux(value: number): void {
      command.write8(0, 0xd4);
      data.write8(0, value);
    },
  };
}

describe('the controller', () => {
  it('comes up as firmware leaves it', () => {
    const b = board();
    expect(b.status()).toBe(0x14);
    expect(b.readCommandByte()).toBe(0x47);
    expect(b.bench.irqs.level('a20')).toBe(true);
  });

  it('tests itself and its interfaces', () => {
    const b = board();
    b.command(0xaa);
    expect(b.drain()).toEqual([0x55]);
    b.command(0xab);
    b.command(0xa9);
    b.command(0xa4);
    expect(b.drain()).toEqual([0x00, 0x00, 0xf1]);
  });

  it('has 32 bytes of RAM, the first of which is the command byte', () => {
    const b = board();
    for (let n = 1; n < 32; n++) {
      b.command(0x60 + n);
      b.send(n * 3);
    }
    for (let n = 1; n < 32; n++) {
      b.command(0x20 + n);
      expect(b.drain()).toEqual([n * 3]);
    }
  });

  it('shows whether the last write was a command', () => {
    const b = board();
    b.command(0xae);
    expect(b.status() & 0x08).toBe(0x08);
    b.send(0xee);
    expect(b.status() & 0x08).toBe(0);
  });

  it('disables and enables the interfaces', () => {
    const b = board();
    b.command(0xad);
    b.command(0xa7);
    expect(b.readCommandByte() & 0x30).toBe(0x30);
    b.i8042.keyboard.key('KeyA', true);
    expect(b.status() & OBF).toBe(0);
    b.command(0xae);
    expect(b.drain()).toEqual([0x1e]);
    b.command(0xa8);
    expect(b.readCommandByte() & 0x30).toBe(0);
  });

  it('gates A20 and resets through the output port', () => {
    const b = board();
    b.command(0xd0);
    expect(b.drain()).toEqual([0x03]);
    b.command(0xd1);
    b.send(0x01);
    expect(b.bench.irqs.level('a20')).toBe(false);
    b.command(0xdf);
    expect(b.bench.irqs.level('a20')).toBe(true);
    b.command(0xdd);
    expect(b.bench.irqs.level('a20')).toBe(false);
    expect(b.resets()).toBe(0);
    b.command(0xd1);
    b.send(0x02);
    expect(b.resets()).toBe(1);
  });

  it('resets by pulsing bit 0, and by no other', () => {
    const b = board();
    b.command(0xff);
    b.command(0xfd);
    expect(b.resets()).toBe(0);
    b.command(0xfe);
    expect(b.resets()).toBe(1);
  });

  it('loops bytes back as if a device had sent them, as Linux tests the aux port', () => {
    const b = board();
    b.command(0xd3);
    b.send(0x5a);
    expect(b.status() & (OBF | AUX_OBF)).toBe(OBF | AUX_OBF);
    expect(b.bench.irqs.level('irq12')).toBe(true);
    expect(b.drain()).toEqual([-0x5a]);
    b.command(0xd2);
    b.send(0x33);
    expect(b.bench.irqs.level('irq1')).toBe(true);
    expect(b.drain()).toEqual([0x33]);
  });

  it('raises its lines only when the command byte enables them', () => {
    const b = board();
    b.writeCommandByte(0x44);
    b.i8042.keyboard.key('KeyA', true);
    expect(b.bench.irqs.level('irq1')).toBe(false);
    b.writeCommandByte(0x45);
    expect(b.bench.irqs.level('irq1')).toBe(true);
    b.command(0xd0); // the answer waits behind the key
    expect(b.data.read8(0)).toBe(0x1e);
    expect(b.drain()).toEqual([0x03 | 0x10]);
  });

  it('makes an edge for each byte', () => {
    const b = board();
    b.i8042.keyboard.key('ArrowUp', true);
    expect(b.bench.irqs.rises('irq1')).toBe(1);
    b.data.read8(0);
    expect(b.bench.irqs.rises('irq1')).toBe(2);
    b.data.read8(0);
    expect(b.bench.irqs.level('irq1')).toBe(false);
  });

  it('shows the last byte again when there is none', () => {
    const b = board();
    b.command(0xaa);
    b.data.read8(0);
    expect(b.data.read8(0)).toBe(0x55);
  });

  it('does not grow, whatever the guest writes (seeded)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 255 })), { minLength: 100, maxLength: 300 }), (writes) => {
        const b = board();
        for (const [toCommand, value] of writes) {
          if (toCommand) b.command(value);
          else b.send(value);
          b.i8042.keyboard.key('KeyA', value % 2 === 0);
          b.i8042.mouse?.move(value, -value, 1, value & 7);
        }
        b.writeCommandByte(0x47);
        expect(b.drain().length).toBeLessThan(200);
      }),
      { seed: 8042, numRuns: 50 },
    );
  });
});

describe('the keyboard', () => {
  it('sends set 2, translated to set 1 by the controller', () => {
    const b = board();
    b.i8042.keyboard.key('KeyA', true);
    b.i8042.keyboard.key('KeyA', false);
    b.i8042.keyboard.key('ArrowLeft', true);
    b.i8042.keyboard.key('ArrowLeft', false);
    expect(b.drain()).toEqual([0x1e, 0x9e, 0xe0, 0x4b, 0xe0, 0xcb]);
    b.writeCommandByte(0x05);
    b.i8042.keyboard.key('KeyA', true);
    b.i8042.keyboard.key('KeyA', false);
    expect(b.drain()).toEqual([0x1c, 0xf0, 0x1c]);
  });

  it('is what Linux’s atkbd expects: reset, identity, LEDs, rate, enable', () => {
    const b = board();
    b.writeCommandByte(0x47 & ~0x40); // untranslated for the identity's sake
    const exchange = (...bytes: number[]): number[] => {
      for (const byte of bytes) b.send(byte);
      return b.drain();
    };
    let leds = -1;
    b.i8042.keyboard.onLeds = (value) => {
      leds = value;
    };
    expect(exchange(0xff)).toEqual([0xfa, 0xaa]);
    expect(exchange(0xf2)).toEqual([0xfa, 0xab, 0x83]);
    expect(exchange(0xed)).toEqual([0xfa]);
    expect(exchange(0x02)).toEqual([0xfa]);
    expect(leds).toBe(2);
    expect(exchange(0xf3)).toEqual([0xfa]);
    expect(exchange(0x00)).toEqual([0xfa]);
    expect(exchange(0xf5)).toEqual([0xfa]);
    expect(b.i8042.keyboard.key('KeyA', true)).toBe(false);
    expect(b.drain()).toEqual([]);
    expect(exchange(0xf4)).toEqual([0xfa]);
    expect(exchange(0xee)).toEqual([0xee]);
    expect(exchange(0xfe)).toEqual([0xee]); // resend
    expect(exchange(0xe1)).toEqual([0xfe]);
  });

  it('shows AB 41 as its identity when translated', () => {
    const b = board();
    b.send(0xf2);
    expect(b.drain()).toEqual([0xfa, 0xab, 0x41]);
  });

  it('speaks sets 1 and 2 and refuses 3', () => {
    const b = board();
    b.writeCommandByte(0x07);
    b.send(0xf0);
    b.send(0x00);
    expect(b.drain()).toEqual([0xfa, 0xfa, 0x02]);
    b.send(0xf0);
    b.send(0x01);
    expect(b.drain()).toEqual([0xfa, 0xfa]);
    b.i8042.keyboard.key('ArrowUp', true);
    b.i8042.keyboard.key('ArrowUp', false);
    expect(b.drain()).toEqual([0xe0, 0x48, 0xe0, 0xc8]);
    b.send(0xf0);
    b.send(0x03);
    expect(b.drain()).toEqual([0xfa, 0xfe]);
  });

  it('repeats a held key after its delay at its rate, until released', () => {
    const b = board();
    b.i8042.keyboard.key('KeyX', true);
    expect(b.drain()).toEqual([0x2d]);
    b.bench.clock.advance(499_999_999);
    expect(b.drain()).toEqual([]);
    b.bench.clock.advance(1);
    expect(b.drain()).toEqual([0x2d]);
    let repeats = 0;
    for (let i = 0; i < 1000; i++) {
      b.bench.clock.advance(1_000_000);
      repeats += b.drain().length;
    }
    expect(repeats).toBe(10); // 10.9 a second
    b.i8042.keyboard.key('KeyX', true); // the host's own repetition
    expect(b.drain()).toEqual([]);
    b.i8042.keyboard.key('KeyX', false);
    expect(b.drain()).toEqual([0xad]);
    b.bench.clock.advance(2e9);
    expect(b.drain()).toEqual([]);
  });

  it('has the sequences of PrintScreen and Pause', () => {
    const b = board();
    const { keyboard } = b.i8042;
    keyboard.key('PrintScreen', true);
    keyboard.key('PrintScreen', false);
    expect(b.drain()).toEqual([0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa]);
    keyboard.key('Pause', true);
    keyboard.key('Pause', false);
    expect(b.drain()).toEqual([0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5]);
    keyboard.key('AltLeft', true);
    keyboard.key('PrintScreen', true);
    keyboard.key('PrintScreen', false);
    expect(b.drain()).toEqual([0x38, 0x54, 0xd4]); // system request
    keyboard.key('AltLeft', false);
    keyboard.key('ControlLeft', true);
    b.drain();
    keyboard.key('Pause', true);
    expect(b.drain()).toEqual([0xe0, 0x46, 0xe0, 0xc6]);
  });

  it('refuses unknown keys, and keys beyond its buffer', () => {
    const b = board();
    expect(b.i8042.keyboard.key('Any', true)).toBe(false);
    b.command(0xad);
    let taken = 0;
    for (let i = 0; i < 40; i++) {
      if (b.i8042.keyboard.key('KeyA', i % 2 === 0)) taken++;
    }
    expect(taken).toBeLessThan(20);
    b.command(0xae);
    expect(b.drain().length).toBeLessThanOrEqual(16);
  });
});

describe('the mouse', () => {
  it('is what Linux’s psmouse expects of a wheel mouse', () => {
    const b = board();
    const exchange = (...bytes: number[]): number[] => {
      for (const byte of bytes) b.sendAux(byte);
      return b.drain().map((byte) => -byte);
    };
    expect(exchange(0xff)).toEqual([0xfa, 0xaa, 0x00]);
    expect(exchange(0xf2)).toEqual([0xfa, 0x00]);
    for (const rate of [200, 100, 80]) expect(exchange(0xf3, rate)).toEqual([0xfa, 0xfa]);
    expect(exchange(0xf2)).toEqual([0xfa, 0x03]);
    expect(exchange(0xe8, 3)).toEqual([0xfa, 0xfa]);
    expect(exchange(0xe9)).toEqual([0xfa, 0x00, 3, 80]);
    b.i8042.mouse!.move(1, 1, 0, 0);
    expect(b.drain()).toEqual([]); // not enabled
    expect(exchange(0xf4)).toEqual([0xfa]);
    b.i8042.mouse!.move(5, -3, -1, 1);
    expect(b.bench.irqs.level('irq12')).toBe(true);
    expect(b.drain().map((byte) => -byte)).toEqual([0x29, 5, 0xfd, 0xff]);
    expect(exchange(0xe1)).toEqual([0xfc]);
  });

  it('sums up movement that nobody reads, and reports it in pieces', () => {
    const b = board();
    b.sendAux(0xf4);
    b.drain();
    for (let i = 0; i < 100; i++) b.i8042.mouse!.move(6, 0, 0, 0);
    const bytes = b.drain().map((byte) => -byte);
    let x = 0;
    for (let i = 0; i < bytes.length; i += 3) x += bytes[i + 1] - ((bytes[i] & 0x10) !== 0 ? 256 : 0);
    expect(x).toBe(600);
  });

  it('answers when asked in remote mode, and echoes in wrap mode', () => {
    const b = board();
    const exchange = (...bytes: number[]): number[] => {
      for (const byte of bytes) b.sendAux(byte);
      return b.drain().map((byte) => -byte);
    };
    exchange(0xf0);
    b.i8042.mouse!.move(3, 4, 0, 2);
    expect(b.drain()).toEqual([]);
    expect(exchange(0xeb)).toEqual([0xfa, 0x0a, 3, 4]);
    exchange(0xee);
    expect(exchange(0x12, 0xf4)).toEqual([0x12, 0xf4]);
    expect(exchange(0xec)).toEqual([0xfa]);
  });

  it('may be absent: whoever speaks to it times out', () => {
    const b = board({ mouse: false });
    expect(b.i8042.mouse).toBeUndefined();
    b.sendAux(0xf2);
    expect(b.status() & 0x61).toBe(0x61);
    expect(b.drain()).toEqual([-0xfe]);
  });
});

describeDevice(
  'the 8042',
  (bench) =>
    new I8042({
      clock: bench.clock,
      keyboardIrq: bench.irqs.line('irq1'),
      mouseIrq: bench.irqs.line('irq12'),
      reset: () => undefined,
      a20: bench.irqs.line('a20'),
    }),
  (i8042, bench) => {
    const data = new RegionDriver(i8042.regions.data);
    const command = new RegionDriver(i8042.regions.command);
    command.write8(0, 0xd1);
    data.write8(0, 0x01);
    command.write8(0, 0xd4);
    data.write8(0, 0xf4);
    i8042.keyboard.key('ArrowUp', true);
    i8042.keyboard.key('KeyQ', true);
    i8042.mouse?.move(4, 4, 0, 1);
    data.read8(0);
    data.write8(0, 0xed); // its parameter to follow
    bench.clock.advance(300_000_000);
  },
  {
    goOn: (i8042, bench) => {
      const data = new RegionDriver(i8042.regions.data);
      const command = new RegionDriver(i8042.regions.command);
      data.write8(0, 0x07);
      const seen = [];
      for (let i = 0; i < 30; i++) {
        bench.clock.advance(50_000_000);
        seen.push(command.read8(0), data.read8(0));
      }
      return seen;
    },
  },
);
