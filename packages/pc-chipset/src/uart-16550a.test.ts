import { Bench, FakeCharPort, RegionDriver, describeDevice } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Uart16550 } from './uart-16550a.js';
import type { Uart16550Options } from './uart-16550a.js';

const RBR = 0;
const THR = 0;
const DLL = 0;
const IER = 1;
const DLM = 1;
const IIR = 2;
const FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const OUT2 = 0x08;
const LOOP = 0x10;
const DLAB = 0x80;
const EIGHT_BITS = 0x03;

function board(options: Partial<Uart16550Options> = {}) {
  const bench = new Bench();
  const port = bench.chars;
  const uart = new Uart16550({ irq: bench.irqs.line('irq4'), port, clock: bench.clock }, { name: 'com1', ...options });
  uart.reset('cold');
  const r = new RegionDriver(uart.regions.registers);
  return { bench, clock: bench.clock, port, uart, r, irq: () => bench.irqs.level('irq4') };
}

/** As a driver leaves it: 115200 8N1, FIFOs with the given trigger, interrupts let through. */
function open(fcr = 0x01, ier = 0x00, options: Partial<Uart16550Options> = {}) {
  const b = board(options);
  b.r.write8(LCR, DLAB);
  b.r.write8(DLL, 1);
  b.r.write8(DLM, 0);
  b.r.write8(LCR, EIGHT_BITS);
  b.r.write8(FCR, fcr);
  b.r.write8(MCR, OUT2 | 0x03);
  b.r.read8(MSR);
  b.r.write8(IER, ier);
  return b;
}

function readAll(r: RegionDriver): number[] {
  const bytes = [];
  while ((r.read8(LSR) & 1) !== 0) bytes.push(r.read8(RBR));
  return bytes;
}

describe('after reset', () => {
  it('shows the values of the reset table', () => {
    const b = board();
    expect(b.r.read8(IER)).toBe(0);
    expect(b.r.read8(IIR)).toBe(0x01);
    expect(b.r.read8(LCR)).toBe(0);
    expect(b.r.read8(MCR)).toBe(0);
    expect(b.r.read8(LSR)).toBe(0x60);
    expect(b.r.read8(MSR)).toBe(0xb0); // a listener is there
    expect(b.irq()).toBe(false);
  });

  it('keeps scratch and divisor over a warm one', () => {
    const b = open();
    b.r.write8(SCR, 0x5a);
    b.uart.reset('warm');
    expect(b.r.read8(SCR)).toBe(0x5a);
    b.r.write8(LCR, DLAB);
    expect([b.r.read8(DLL), b.r.read8(DLM)]).toEqual([1, 0]);
  });
});

describe('identification', () => {
  it('passes Linux’s autoconfig as 16550A', () => {
    // 8250_port.c, autoconfig() and autoconfig_16550a(): every register access in order.
    const b = board();
    const { r } = b;
    r.write8(IER, 0);
    expect(r.read8(IER) & 0x0f).toBe(0);
    r.write8(IER, 0x0f);
    expect(r.read8(IER) & 0x0f).toBe(0x0f);
    r.write8(IER, 0);
    r.write8(MCR, LOOP | 0x0a);
    expect(r.read8(MSR) & 0xf0).toBe(0x90);
    r.write8(MCR, 0);
    r.write8(LCR, 0xbf);
    r.write8(2, 0); // EFR
    r.write8(LCR, 0);
    r.write8(FCR, 0x01);
    expect(r.read8(IIR) >> 6).toBe(3); // 16550A or better
    r.write8(LCR, DLAB);
    expect(r.read8(2)).not.toBe(0); // no EFR: no ST16C650V1
    r.write8(LCR, 0xbf);
    expect(r.read8(2)).not.toBe(0); // no ST16C650V2
    r.write8(LCR, 0);
    r.write8(FCR, 0x01);
    const without64 = r.read8(IIR) >> 5;
    r.write8(FCR, 0);
    r.write8(LCR, DLAB);
    r.write8(FCR, 0x21);
    expect(r.read8(IIR) >> 5).toBe(without64); // no TI16750
    r.write8(LCR, 0);
    r.write8(IER, 0x40); // UUE of Intel's XScale
    expect(r.read8(IER)).toBe(0);
  });

  it('shows no FIFOs until they are enabled', () => {
    const b = board();
    expect(b.r.read8(IIR)).toBe(0x01);
    b.r.write8(FCR, 0xc8); // without bit 0 nothing is programmed
    expect(b.r.read8(IIR)).toBe(0x01);
    b.r.write8(FCR, 0x01);
    expect(b.r.read8(IIR)).toBe(0xc1);
  });

  it('has a scratch register and read-only status', () => {
    const b = board();
    b.r.write8(SCR, 0xa5);
    expect(b.r.read8(SCR)).toBe(0xa5);
    b.r.write8(LSR, 0);
    b.r.write8(MSR, 0);
    expect(b.r.read8(LSR)).toBe(0x60);
    b.r.write8(MCR, 0xff);
    expect(b.r.read8(MCR)).toBe(0x1f);
  });
});

describe('transmitting', () => {
  it('sends at once and never looks busy', () => {
    const b = open();
    for (const character of 'hello') {
      b.r.write8(THR, character.charCodeAt(0));
      expect(b.r.read8(LSR) & 0x60).toBe(0x60);
    }
    expect(b.port.text).toBe('hello');
  });

  it('sends whole bytes before anybody sets the word length', () => {
    const b = board();
    b.r.write8(THR, 0x68);
    b.r.write8(THR, 0xe9);
    expect(b.port.output).toEqual([0x68, 0xe9]);
  });

  it('interrupts when THR is empty, until IIR is read or THR written', () => {
    const b = open(0x01, 0x02);
    expect(b.irq()).toBe(true); // enabling it with THR empty raises it
    expect(b.r.read8(IIR)).toBe(0xc2);
    expect(b.irq()).toBe(false);
    expect(b.r.read8(IIR)).toBe(0xc1);
    b.r.write8(THR, 0x41);
    expect(b.irq()).toBe(true);
    b.r.write8(IER, 0);
    expect(b.irq()).toBe(false);
    b.r.write8(IER, 0x02); // Linux tests that it comes back (UART_BUG_THRE)
    expect(b.r.read8(IIR)).toBe(0xc2);
  });

  it('takes the time of the baud rate when asked to', () => {
    const b = open(0x01, 0x00, { transmit: 'baud' });
    const character = Math.round((10 * 1e9) / 115_200);
    b.r.write8(THR, 0x41);
    expect(b.r.read8(LSR) & 0x60).toBe(0x20); // in the shift register, FIFO empty
    b.r.write8(THR, 0x42);
    b.r.write8(THR, 0x43);
    expect(b.r.read8(LSR) & 0x60).toBe(0x00);
    b.clock.advance(character - 1);
    expect(b.port.text).toBe('');
    b.clock.advance(1);
    expect(b.port.text).toBe('A');
    b.clock.advance(character);
    expect(b.r.read8(LSR) & 0x60).toBe(0x20);
    b.clock.advance(character);
    expect(b.port.text).toBe('ABC');
    expect(b.r.read8(LSR) & 0x60).toBe(0x60);
  });

  it('at line speed holds 16 bytes and one in the shift register, and loses more', () => {
    const b = open(0x01, 0x02, { transmit: 'baud' });
    b.r.read8(IIR);
    for (let i = 0; i < 20; i++) b.r.write8(THR, 0x61 + i);
    expect(b.irq()).toBe(false);
    b.clock.advance(1e9);
    expect(b.port.text).toBe('abcdefghijklmnopq');
    expect(b.r.read8(IIR)).toBe(0xc2); // once, when the FIFO had run empty
  });

  it('sends nothing while it sends a break', () => {
    const b = open();
    b.r.write8(LCR, EIGHT_BITS | 0x40);
    b.r.write8(THR, 0x41);
    b.r.write8(LCR, EIGHT_BITS);
    b.r.write8(THR, 0x42);
    expect(b.port.text).toBe('B');
  });
});

describe('receiving', () => {
  it('gives bytes in order and remembers the last', () => {
    const b = open();
    b.port.type('abc');
    expect(readAll(b.r)).toEqual([0x61, 0x62, 0x63]);
    expect(b.r.read8(RBR)).toBe(0x63);
  });

  it('interrupts at each trigger level', () => {
    for (const [fcr, level] of [
      [0x01, 1],
      [0x41, 4],
      [0x81, 8],
      [0xc1, 14],
    ]) {
      const b = open(fcr, 0x01);
      b.port.type(new Uint8Array(level - 1));
      expect(b.irq()).toBe(false);
      b.port.type([0]);
      expect(b.irq()).toBe(true);
      expect(b.r.read8(IIR)).toBe(0xc4);
      b.r.read8(RBR); // below the trigger again
      expect(b.r.read8(IIR)).toBe(0xc1);
    }
  });

  it('tells of fewer bytes after four character times without traffic', () => {
    const b = open(0x81, 0x01);
    const character = Math.round((10 * 1e9) / 115_200);
    b.port.type('a');
    b.clock.advance(4 * character - 1);
    expect(b.irq()).toBe(false);
    b.port.type('b'); // starts the wait anew
    b.clock.advance(4 * character - 1);
    expect(b.irq()).toBe(false);
    b.clock.advance(1);
    expect(b.r.read8(IIR)).toBe(0xcc);
    expect(b.irq()).toBe(true); // reading IIR doesn't clear it
    b.r.read8(RBR);
    expect(b.irq()).toBe(false);
    b.clock.advance(4 * character);
    expect(b.irq()).toBe(true); // the second byte is still there
    b.r.read8(RBR);
    b.clock.advance(1e9);
    expect(b.irq()).toBe(false);
  });

  it('has room for one byte without FIFOs', () => {
    const b = open(0x00, 0x01);
    b.port.type('xyz');
    expect(b.port.waiting).toBe(2);
    expect(b.r.read8(IIR)).toBe(0x04);
    expect(b.r.read8(RBR)).toBe(0x78);
    expect(b.r.read8(RBR)).toBe(0x79);
    expect(b.r.read8(RBR)).toBe(0x7a);
    expect(b.r.read8(LSR)).toBe(0x60);
  });

  it('refuses what does not fit and says when there is room', () => {
    const b = open();
    const text = 'The quick brown fox jumps over the lazy dog';
    b.port.type(text);
    expect(b.port.waiting).toBe(text.length - 16);
    expect(String.fromCharCode(...readAll(b.r))).toBe(text);
    expect(b.r.read8(LSR) & 0x02).toBe(0); // and nothing was overrun
  });

  it('with RTS honoured, takes nothing before a driver has opened the line, then loses nothing', () => {
    const b = board({ flowControl: 'rts' });
    const text = 'The quick brown fox jumps over the lazy dog';
    b.port.type(text);
    // A driver probes in loopback with RTS set, clears the FIFOs, and raises RTS last.
    b.r.write8(MCR, LOOP | 0x0a);
    b.r.write8(MCR, 0);
    b.r.write8(FCR, 0x07);
    expect([b.r.read8(LSR) & 1, b.port.waiting]).toEqual([0, text.length]);
    b.r.write8(MCR, OUT2 | 0x03);
    expect(String.fromCharCode(...readAll(b.r))).toBe(text);
    b.r.write8(MCR, OUT2 | 0x01);
    b.port.type('more');
    expect([b.r.read8(LSR) & 1, b.port.waiting]).toEqual([0, 4]);
  });

  it('loses nothing that the host sends, however the guest reads (seeded)', () => {
    const step = fc.oneof(
      fc.record({ type: fc.uint8Array({ maxLength: 40 }) }),
      fc.record({ read: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ advance: fc.integer({ min: 0, max: 1_000_000 }) }),
      fc.record({ trigger: fc.constantFrom(0x01, 0x41, 0x81, 0xc1) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const b = open(0x01, 0x05);
        const sent: number[] = [];
        const got: number[] = [];
        const read = (): boolean => {
          if ((b.r.read8(LSR) & 1) === 0) return false;
          got.push(b.r.read8(RBR));
          return true;
        };
        for (const s of steps) {
          if ('type' in s) {
            sent.push(...s.type);
            b.port.type(s.type);
          } else if ('read' in s) {
            for (let i = 0; i < s.read; i++) read();
          } else if ('advance' in s) {
            b.clock.advance(s.advance);
          } else {
            b.r.write8(FCR, s.trigger);
          }
          // An interrupt shows exactly when there is one to be read.
          expect(b.irq()).toBe((b.r.read8(IIR) & 1) === 0);
        }
        while (read());
        expect(got).toEqual(sent);
      }),
      { seed: 16550 },
    );
  });

  it('is emptied by FCR bit 1 and by switching the FIFOs', () => {
    const b = open(0x01, 0x01);
    b.port.type('abc');
    b.r.write8(FCR, 0x03);
    expect(b.irq()).toBe(false);
    expect(b.r.read8(LSR) & 1).toBe(0);
    b.port.type('def');
    b.r.write8(FCR, 0x00);
    expect(b.r.read8(LSR) & 1).toBe(0);
  });
});

describe('line status', () => {
  it('reports a break with its zero character, of highest priority', () => {
    const b = open(0x01, 0x05);
    b.port.type('a');
    b.uart.receiveBreak();
    expect(b.r.read8(IIR)).toBe(0xc4); // the break is not on top yet
    expect(b.r.read8(LSR)).toBe(0x61 | 0x80);
    b.r.read8(RBR);
    expect(b.r.read8(IIR)).toBe(0xc6);
    expect(b.r.read8(LSR)).toBe(0x61 | 0x10 | 0x80);
    expect(b.r.read8(IIR)).toBe(0xc4);
    expect(b.r.read8(LSR)).toBe(0x61);
    expect(b.r.read8(RBR)).toBe(0);
  });

  it('reports an overrun in loopback: FIFO contents are kept, the new character is lost', () => {
    const b = open(0x01, 0x04);
    b.r.write8(MCR, LOOP);
    for (let i = 0; i < 17; i++) b.r.write8(THR, i);
    expect(b.r.read8(IIR)).toBe(0xc6);
    expect(b.r.read8(LSR) & 0x02).toBe(0x02);
    expect(b.r.read8(LSR) & 0x02).toBe(0);
    expect(readAll(b.r)).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it('reports an overrun without FIFOs: the new character replaces the old', () => {
    const b = open(0x00);
    b.r.write8(MCR, LOOP);
    b.r.write8(THR, 1);
    b.r.write8(THR, 2);
    expect(b.r.read8(LSR) & 0x03).toBe(0x03);
    expect(readAll(b.r)).toEqual([2]);
  });
});

describe('modem control', () => {
  it('shows outputs as inputs in loopback and disconnects the line', () => {
    const b = open();
    for (const [mcr, msr] of [
      [0x01, 0x20],
      [0x02, 0x10],
      [0x04, 0x40],
      [0x08, 0x80],
    ]) {
      b.r.write8(MCR, LOOP | mcr);
      expect(b.r.read8(MSR) & 0xf0).toBe(msr);
    }
    b.r.write8(THR, 0x55);
    expect(b.port.text).toBe('');
    expect(readAll(b.r)).toEqual([0x55]);
    b.port.type('k');
    expect(b.port.waiting).toBe(1);
    b.r.write8(MCR, OUT2);
    expect(readAll(b.r)).toEqual([0x6b]);
  });

  it('marks changes until they are read, and RI at its trailing edge only', () => {
    const b = open(0x01, 0x08);
    b.uart.setModemLine('cts', false);
    expect(b.irq()).toBe(true);
    expect(b.r.read8(IIR)).toBe(0xc0);
    expect(b.r.read8(MSR)).toBe(0xa1);
    expect(b.irq()).toBe(false);
    b.uart.setModemLine('dcd', false);
    b.uart.setModemLine('dsr', false);
    expect(b.r.read8(MSR)).toBe(0x0a);
    b.uart.setModemLine('ri', true);
    expect(b.r.read8(MSR)).toBe(0x40);
    b.uart.setModemLine('ri', false);
    expect(b.r.read8(MSR)).toBe(0x04);
  });

  it('lets interrupts through OUT2 only, and not in loopback', () => {
    const b = open(0x01, 0x02);
    expect(b.irq()).toBe(true);
    b.r.write8(MCR, 0x03);
    expect(b.irq()).toBe(false);
    expect(b.r.read8(IIR)).toBe(0xc2); // still shown
    b.r.write8(THR, 0);
    b.r.write8(MCR, OUT2 | LOOP);
    expect(b.irq()).toBe(false);
    const c = open(0x01, 0x02, { interruptGate: 'none' });
    c.r.write8(MCR, 0);
    expect(c.irq()).toBe(true);
  });
});

describe('interrupt priorities', () => {
  it('are line status, data, THR, modem', () => {
    const b = open(0x01, 0x0f);
    b.uart.setModemLine('cts', false);
    b.port.type('a');
    b.uart.receiveBreak();
    b.r.read8(RBR);
    const order = [];
    order.push(b.r.read8(IIR) & 0x0f);
    b.r.read8(LSR);
    order.push(b.r.read8(IIR) & 0x0f);
    b.r.read8(RBR);
    order.push(b.r.read8(IIR) & 0x0f); // this read clears THRE's
    order.push(b.r.read8(IIR) & 0x0f);
    b.r.read8(MSR);
    order.push(b.r.read8(IIR) & 0x0f);
    expect(order).toEqual([0x6, 0x4, 0x2, 0x0, 0x1]);
    expect(b.irq()).toBe(false);
  });
});

describeDevice(
  'the 16550A',
  (bench) => new Uart16550({ irq: bench.irqs.line('irq4'), port: bench.chars, clock: bench.clock }, { name: 'com1', transmit: 'baud' }),
  (uart, bench) => {
    const r = new RegionDriver(uart.regions.registers);
    r.write8(LCR, DLAB);
    r.write8(DLL, 12);
    r.write8(LCR, EIGHT_BITS);
    r.write8(FCR, 0x81);
    r.write8(MCR, OUT2 | 0x03);
    r.write8(IER, 0x0f);
    r.write8(SCR, 0x77);
    for (const byte of [1, 2, 3, 4]) r.write8(THR, byte);
    bench.chars.type('hello');
    uart.receiveBreak();
    uart.setModemLine('dcd', false);
    r.read8(RBR);
    bench.clock.advance(100_000);
  },
  {
    goOn: (uart, bench) => {
      const r = new RegionDriver(uart.regions.registers);
      const seen = [];
      for (let i = 0; i < 40; i++) {
        bench.clock.advance(500_000);
        seen.push(r.read8([IIR, LSR, RBR, MSR, MCR, IER, LCR, SCR][i % 8]));
      }
      return seen;
    },
  },
);

describe('a restored UART', () => {
  it('announces room for bytes that were refused before it was saved', () => {
    const bench = new Bench();
    const port = new FakeCharPort();
    const uart = new Uart16550({ irq: bench.irqs.line('irq'), port, clock: bench.clock }, { name: 'com2' });
    port.type(new Uint8Array(3));
    const state = uart.save();
    uart.restore(state);
    const r = new RegionDriver(uart.regions.registers);
    r.read8(RBR);
    r.read8(RBR);
    expect(port.waiting).toBe(0);
  });
});
