import { RegionDriver, describeDevice } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { DebugConsole } from './debug-console.js';
import { DebugExit } from './debug-exit.js';
import { Dma8237 } from './dma8237.js';
import { Port92 } from './port-92.js';
import { PostCode } from './post-code.js';
import { ResetControl } from './reset-control.js';

describe('port 92h', () => {
  it('gates A20 and resets on the rising edge of bit 0', () => {
    const seen: (boolean | string)[] = [];
    const port92 = new Port92({ a20: { set: (level) => seen.push(level) }, reset: () => seen.push('reset') });
    const port = new RegionDriver(port92.regions.port);
    expect(port.read8(0)).toBe(0x02);
    seen.length = 0;
    port.write8(0, 0x00);
    port.write8(0, 0xff);
    port.write8(0, 0xff);
    port.write8(0, 0x02);
    port.write8(0, 0x03);
    expect(seen).toEqual([false, true, 'reset', true, true, true, 'reset']);
    expect(port.read8(0)).toBe(0x03);
  });
});

describe('the reset control register', () => {
  it('resets as bits 1 and 3 say when bit 2 rises', () => {
    const seen: string[] = [];
    const port = new RegionDriver(new ResetControl({ reset: (type) => seen.push(type) }).regions.port);
    for (const value of [0x02, 0x06, 0x06, 0x00, 0x04, 0x00, 0x0e]) port.write8(0, value);
    expect(seen).toEqual(['hard', 'soft', 'full']);
    expect(port.read8(0)).toBe(0x0e);
    port.write8(0, 0xf1);
    expect(port.read8(0)).toBe(0x00);
  });
});

describe('the debug ports', () => {
  it('end the run with a value of any width', () => {
    const values: number[] = [];
    const port = new RegionDriver(new DebugExit({ exit: (value) => values.push(value) }).regions.port);
    port.write8(0, 0x10);
    port.write16(0, 0x1234);
    port.write32(0, 0xdead_beef);
    expect(values).toEqual([0x10, 0x1234, 0xdead_beef]);
    expect(port.read32(0)).toBe(0);
  });

  it('print, and say that they are there', () => {
    const bytes: number[] = [];
    const port = new RegionDriver(new DebugConsole({ port: { write: (byte) => bytes.push(byte) } }).regions.port);
    expect(port.read8(0)).toBe(0xe9);
    port.write8(0, 0x48);
    port.write8(0, 0x69);
    expect(String.fromCharCode(...bytes)).toBe('Hi');
  });

  it('show POST codes', () => {
    const codes: number[] = [];
    const port = new RegionDriver(new PostCode({ observe: (code) => codes.push(code) }).regions.port);
    port.write8(0, 0x55);
    expect(codes).toEqual([0x55]);
    expect(port.read8(0)).toBe(0x55);
  });
});

describe('the DMA controllers', () => {
  function board() {
    const { low, high, pages } = new Dma8237().regions;
    return { low: new RegionDriver(low), high: new RegionDriver(high), pages: new RegionDriver(pages) };
  }

  it('hold addresses and counts behind the byte flip-flop', () => {
    const b = board();
    b.low.write8(12, 0);
    b.low.write8(4, 0x34);
    b.low.write8(4, 0x12);
    b.low.write8(12, 0);
    expect([b.low.read8(4), b.low.read8(4)]).toEqual([0x34, 0x12]);
    b.low.read8(4);
    b.low.write8(12, 0);
    expect(b.low.read8(4)).toBe(0x34);
  });

  it('are word-spaced the second time, and independent', () => {
    const b = board();
    b.high.write8(0x18, 0); // clear flip-flop
    b.high.write8(0x04, 0xcd);
    b.high.write8(0x04, 0xab);
    expect([b.high.read8(0x04), b.high.read8(0x04)]).toEqual([0xcd, 0xab]);
    expect(b.low.read8(2)).toBe(0);
  });

  it('show software requests until master clear', () => {
    const b = board();
    b.low.write8(9, 0x06);
    expect(b.low.read8(8)).toBe(0x40);
    b.low.write8(13, 0);
    expect(b.low.read8(8)).toBe(0);
  });

  it('have page registers', () => {
    const b = board();
    for (let n = 0; n < 15; n++) b.pages.write8(n, n + 0x40);
    for (let n = 0; n < 15; n++) expect(b.pages.read8(n)).toBe(n + 0x40);
  });
});

describeDevice(
  'port 92h',
  (bench) => new Port92({ a20: bench.irqs.line('a20'), reset: () => undefined }),
  (device) => new RegionDriver(device.regions.port).write8(0, 0x01),
);

describeDevice(
  'the reset control register',
  () => new ResetControl({ reset: () => undefined }),
  (device) => new RegionDriver(device.regions.port).write8(0, 0x06),
);

describeDevice(
  'the POST port',
  () => new PostCode(),
  (device) => new RegionDriver(device.regions.port).write8(0, 0x42),
);

describeDevice(
  'the DMA controllers',
  () => new Dma8237(),
  (device) => {
    const low = new RegionDriver(device.regions.low);
    low.write8(3, 0x11);
    low.write8(11, 0x45);
    low.write8(10, 0x01);
    new RegionDriver(device.regions.high).write8(0x02, 0x77);
    new RegionDriver(device.regions.pages).write8(2, 0x99);
  },
);
