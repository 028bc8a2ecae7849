import { describeDevice, FakeGuestMemory, FakeIngress } from '@pckit/device-testing';
import { STATUS_DEVICE_NEEDS_RESET, VIRTIO_F_VERSION_1, VirtioMmio, VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, LegacyPciPort, MmioPort } from '@pckit/virtio/testing';
import type { VirtioDriverOptions } from '@pckit/virtio/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_MQ, VIRTIO_BLK_F_RO, VIRTIO_BLK_F_WRITE_ZEROES } from './config.js';
import {
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
  VIRTIO_BLK_T_DISCARD,
  VIRTIO_BLK_T_IN,
  VIRTIO_BLK_T_OUT,
  VIRTIO_BLK_T_WRITE_ZEROES,
} from './request.js';
import { BlockDriver } from './testing/block-driver.js';
import { HeldDisk } from './testing/held-disk.js';
import type { HeldDiskOptions } from './testing/held-disk.js';
import { VirtioBlk } from './virtio-blk.js';
import type { VirtioBlkOptions } from './virtio-blk.js';

// ES2023 has no declaration for it; every host has it.
declare function structuredClone<T>(value: T): T;

class Rig {
  readonly memory: FakeGuestMemory;
  readonly interrupts = new FakePciInterrupts();
  readonly ingress = new FakeIngress();
  readonly disk: HeldDisk;
  readonly blk: VirtioBlk;
  readonly virtio: VirtioPci;

  constructor(
    readonly diskOptions: HeldDiskOptions = {},
    readonly options: VirtioBlkOptions = {},
    disk = new HeldDisk(diskOptions),
    memory = 8 << 20,
  ) {
    this.memory = new FakeGuestMemory({ length: memory });
    this.disk = disk;
    this.blk = new VirtioBlk({ backend: this.disk, ingress: this.ingress }, options);
    this.virtio = new VirtioPci({ memory: this.memory, interrupts: this.interrupts, device: this.blk }, { transitional: true });
  }

  driver(options: VirtioDriverOptions = {}): BlockDriver {
    return new BlockDriver(this.memory, this.virtio.function, options);
  }

  /** The host does all its work and it enters the guest. */
  async settle(): Promise<void> {
    do {
      await this.disk.releaseAll();
      this.ingress.deliver();
    } while (this.disk.held.length > 0 || this.ingress.ready > 0 || this.ingress.outstanding > 0);
  }
}

const pattern = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

describe.each([
  ['at once', { held: false }],
  ['at once, many buffers in one operation', { vectored: true }],
  ['with promises', { held: true }],
] as const)('virtio-blk over a disk that answers %s', (_, mode: HeldDiskOptions) => {
  it('reads', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const head = driver.read(3, 1024);
    expect(driver.answer(head)).toBeUndefined();
    await rig.settle();
    expect(driver.answer(head)).toEqual({ status: VIRTIO_BLK_S_OK, data: rig.disk.bytes.slice(3 * 512, 5 * 512), written: 1025 });
    expect(rig.interrupts.rises).toBe(1);
  });

  it('writes, and reads it back through many small buffers', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const data = pattern(4096, 1);
    const write = driver.submit(VIRTIO_BLK_T_OUT, 8, [data.subarray(0, 100), data.subarray(100, 1000), data.subarray(1000)], []);
    await rig.settle();
    expect(driver.answer(write)).toEqual({ status: VIRTIO_BLK_S_OK, data: new Uint8Array(0), written: 1 });
    expect(rig.disk.bytes.slice(8 * 512, 8 * 512 + 4096)).toEqual(data);
    const read = driver.submit(VIRTIO_BLK_T_IN, 8, [], [1, 511, 3000, 584]);
    await rig.settle();
    expect(driver.answer(read)).toEqual({ status: VIRTIO_BLK_S_OK, data, written: 4097 });
  });

  it('moves a request larger than its scratch in the right order', async () => {
    const rig = new Rig({ ...mode, size: 2 << 20 });
    const driver = rig.driver();
    const data = pattern(1 << 20, 9).map((byte, i) => byte ^ (i >>> 10));
    const write = driver.submit(VIRTIO_BLK_T_OUT, 16, [data.subarray(0, 65535), data.subarray(65535)], []);
    await rig.settle();
    expect(driver.status(write)).toBe(VIRTIO_BLK_S_OK);
    const read = driver.submit(VIRTIO_BLK_T_IN, 16, [], [511, (1 << 20) - 511]);
    await rig.settle();
    const answer = driver.answer(read)!;
    expect(answer.data.findIndex((byte, i) => byte !== data[i])).toBe(-1);
    expect(answer.written).toBe((1 << 20) + 1);
  });

  it('takes requests of no data', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const heads = [driver.read(0, 0), driver.write(0, new Uint8Array(0))];
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK]);
    expect(rig.disk.log).toEqual([]);
  });

  it('refuses what is beyond the end or no whole sector', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const last = 256 * 2 - 1;
    const heads = [
      driver.read(last, 512),
      driver.read(last, 1024),
      driver.read(last + 1, 512),
      driver.read(2 ** 60, 512),
      driver.write(last, pattern(1024, 0)),
      driver.read(0, 513),
      driver.write(0, pattern(100, 0)),
    ];
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([0, 1, 1, 1, 1, 1, 1]);
    expect(rig.disk.log).toEqual([`read ${last * 512}+512`]);
  });

  it('turns failures of the host into IOERR', async () => {
    for (const failing of ['read', 'write', 'flush', 'discard', 'zero']) {
      const rig = new Rig(mode);
      rig.disk.failing = failing;
      const driver = rig.driver();
      const heads = [driver.read(0, 512), driver.write(0, pattern(512, 0)), driver.flush(), driver.ranges(VIRTIO_BLK_T_DISCARD, [0, 1, 0]), driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [0, 1, 0])];
      await rig.settle();
      expect(heads.map((head) => driver.status(head))).toEqual(['read', 'write', 'flush', 'discard', 'zero'].map((op) => (op === failing ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK)));
    }
  });

  it('flushes', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const head = driver.flush();
    await rig.settle();
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
    expect(rig.disk.log).toEqual(['flush']);
  });

  it('discards and writes zeroes', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const heads = [driver.ranges(VIRTIO_BLK_T_DISCARD, [8, 8, 0]), driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [16, 4, 1]), driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [20, 1, 0])];
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([0, 0, 0]);
    expect(rig.disk.log).toEqual(['discard 4096+4096', 'zero 8192+2048 unmap', 'zero 10240+512']);
  });

  it('refuses ranges as 5.2.6.2 says', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const heads = [
      driver.ranges(VIRTIO_BLK_T_DISCARD, [0, 8, 1]),
      driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [0, 8, 2]),
      driver.ranges(VIRTIO_BLK_T_DISCARD, [0, 8, 0], [16, 8, 0]),
      driver.ranges(VIRTIO_BLK_T_DISCARD, [511, 2, 0]),
      driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [0, 0xffff_ffff, 0]),
      driver.ranges(VIRTIO_BLK_T_DISCARD),
      driver.submit(VIRTIO_BLK_T_WRITE_ZEROES, 0, [new Uint8Array(17)], []),
    ];
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([2, 2, 2, 1, 1, 1, 1]);
    expect(rig.disk.log).toEqual([]);
  });

  it('says its serial, cut to the room there is', async () => {
    const rig = new Rig(mode, { serial: 'disk-0001' });
    const driver = rig.driver();
    const [whole, cut, wide] = [driver.id(), driver.id(4), driver.id(64)];
    await rig.settle();
    const text = (head: number): string => String.fromCharCode(...driver.answer(head)!.data.filter((byte) => byte !== 0));
    expect([text(whole!), text(cut!), text(wide!)]).toEqual(['disk-0001', 'disk', 'disk-0001']);
  });

  it('does not know other requests', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    const heads = [2, 7, 10, 14, 0x8000_0000].map((type) => driver.submit(type, 0, [], [512]));
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([2, 2, 2, 2, 2]);
  });

  it('lets nothing be written to a read-only disk, and says so', async () => {
    const rig = new Rig({ ...mode, readOnly: true });
    const driver = rig.driver();
    expect(driver.driver.features & (VIRTIO_BLK_F_RO | VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES)).toBe(VIRTIO_BLK_F_RO);
    const heads = [driver.write(0, pattern(512, 0)), driver.ranges(VIRTIO_BLK_T_DISCARD, [0, 1, 0]), driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [0, 1, 0]), driver.flush(), driver.read(0, 512)];
    await rig.settle();
    expect(heads.map((head) => driver.status(head))).toEqual([1, 1, 1, 0, 0]);
    expect(rig.disk.log).toEqual(['flush', 'read 0+512']);
  });

  it('writes through when the driver can’t flush, or turned the cache off', async () => {
    const rig = new Rig(mode);
    let driver = rig.driver({ features: VIRTIO_F_VERSION_1 });
    let head = driver.write(0, pattern(512, 0));
    await rig.settle();
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
    expect(rig.disk.log).toEqual(['write 0+512', 'flush']);
    driver = rig.driver({ features: VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_FLUSH });
    driver.write(0, pattern(512, 0));
    await rig.settle();
    expect(rig.disk.log.splice(0)).toEqual(['write 0+512', 'flush', 'write 0+512']);
    driver = rig.driver();
    expect(driver.driver.features & VIRTIO_BLK_F_CONFIG_WCE).toBe(VIRTIO_BLK_F_CONFIG_WCE);
    expect(driver.driver.port.readConfig(32, 1)).toBe(1);
    driver.driver.port.writeConfig(32, 0, 1);
    expect(driver.driver.port.readConfig(32, 1)).toBe(0);
    head = driver.write(0, pattern(512, 0));
    const zeroes = driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [0, 1, 0]);
    await rig.settle();
    expect([driver.status(head), driver.status(zeroes)]).toEqual([VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK]);
    expect(rig.disk.log.filter((op) => op === 'flush')).toHaveLength(2);
  });

  it('fails a write whose flush failed', async () => {
    const rig = new Rig(mode);
    rig.disk.failing = 'flush';
    const driver = rig.driver({ features: VIRTIO_F_VERSION_1 });
    const head = driver.write(0, pattern(512, 0));
    await rig.settle();
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_IOERR);
  });

  it('serves several queues, each with its interrupt', async () => {
    const rig = new Rig(mode, { queues: 3 });
    rig.interrupts.msixEnabled = true;
    const driver = rig.driver({ vectors: [0, 1, 2, 3] });
    expect(driver.driver.features & VIRTIO_BLK_F_MQ).toBe(VIRTIO_BLK_F_MQ);
    expect(driver.driver.port.readConfig(34, 2)).toBe(3);
    driver.read(0, 512, 2);
    driver.read(1, 512, 1);
    await rig.settle();
    expect(rig.interrupts.messages).toEqual([3, 2]);
    expect(driver.driver.queues.map((queue) => queue.collect().length)).toEqual([0, 1, 1]);
  });

  it('serves legacy drivers and virtio-mmio the same', async () => {
    const rig = new Rig(mode);
    const legacy = new BlockDriver(rig.memory, new LegacyPciPort(rig.virtio.function));
    const write = legacy.write(4, pattern(512, 3));
    await rig.settle();
    expect(legacy.status(write)).toBe(VIRTIO_BLK_S_OK);

    const mmio = new VirtioMmio({ memory: rig.memory, irq: { set: () => undefined }, device: new VirtioBlk({ backend: rig.disk, ingress: rig.ingress }, { name: 'other' }) });
    const other = new BlockDriver(rig.memory, new MmioPort(mmio.region), { base: 0x40_0000 });
    const read = other.read(4, 512);
    await rig.settle();
    expect(other.answer(read)?.data).toEqual(pattern(512, 3));
  });

  it('needs a reset after a chain that holds no request', async () => {
    for (const [out, into] of [
      [[8], [1]],
      [[], [600]],
      [[16], []],
    ] as const) {
      const rig = new Rig(mode);
      const driver = rig.driver();
      driver.driver.queues[0]!.add(
        out.map((length) => new Uint8Array(length)),
        into,
      );
      driver.driver.queues[0]!.kick();
      expect(driver.driver.port.status & STATUS_DEVICE_NEEDS_RESET).toBe(STATUS_DEVICE_NEEDS_RESET);
      expect(rig.disk.log).toEqual([]);
      const again = rig.driver();
      const head = again.read(0, 512);
      await rig.settle();
      expect(again.status(head)).toBe(VIRTIO_BLK_S_OK);
    }
  });

  it('never takes more than it may have in flight, and takes up the rest', async () => {
    const rig = new Rig({ ...mode, size: 1 << 20 }, { maxInFlight: 4, queues: 2 });
    const driver = rig.driver();
    const heads: number[] = [];
    for (let i = 0; i < 40; i++) {
      heads.push(driver.read(i, 512, 0));
      driver.read(i, 512, 1);
    }
    expect(rig.blk.save().flights.flat()).toHaveLength(4);
    await rig.settle();
    expect(driver.driver.queues.map((queue) => queue.outstanding)).toEqual([40, 40]);
    for (const [i, head] of heads.entries()) expect(driver.answer(head)?.data).toEqual(rig.disk.bytes.slice(i * 512, i * 512 + 512));
    expect(driver.driver.queues.map((queue) => queue.outstanding)).toEqual([0, 0]);
    // Rings again work as before.
    const late = driver.read(7, 512, 1);
    await rig.settle();
    expect(driver.status(late)).toBe(VIRTIO_BLK_S_OK);
  });

  it('takes what is added while it is full, though the driver was not asked to ring', async () => {
    const rig = new Rig(mode, { maxInFlight: 1 });
    const driver = rig.driver();
    driver.read(0, 512);
    driver.read(1, 512);
    // Not rung for.
    driver.submit(VIRTIO_BLK_T_IN, 2, [], [512], 0, false);
    await rig.settle();
    expect(driver.driver.queues[0]!.collect()).toHaveLength(3);
  });

  it('tells the driver of a new size', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    expect(driver.driver.readConfig64(0)).toBe(512);
    rig.disk.bytes = new Uint8Array(1 << 20);
    rig.blk.resize();
    expect(driver.driver.port.takeInterrupts()).toBe(2);
    expect(driver.driver.readConfig64(0)).toBe(2048);
    const head = driver.read(2047, 512);
    await rig.settle();
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
  });

  it('forgets what was in flight at a reset', async () => {
    const rig = new Rig(mode);
    const driver = rig.driver();
    driver.read(0, 512);
    driver.driver.port.setStatus(0);
    rig.memory.writes.length = 0;
    await rig.settle();
    expect(rig.memory.writes).toEqual([]);
    expect(rig.interrupts.rises).toBe(0);
    expect(rig.blk.save().flights).toEqual([]);
  });

  // VIRTIO 1.2, 2.6.1
  it('forgets the requests of a queue that is reset, and only those', async () => {
    const rig = new Rig(mode, { queues: 2 });
    const driver = rig.driver();
    driver.read(0, 512, 0);
    driver.read(1, 512, 1);
    const registers = rig.virtio.function.bars.find(({ index }) => index === 4)!.region.handler;
    registers.write(0x16, 0, 2);
    registers.write(0x3a, 1, 2);
    await rig.settle();
    expect(driver.driver.queues.map((queue) => queue.collect().length)).toEqual([0, 1]);
    expect(rig.blk.save().flights).toEqual([]);
  });

  it('asks again, when restored, for as many completions as were out, of forgotten requests too', async () => {
    const rig = new Rig(mode, { queues: 2 });
    rig.driver().read(0, 512);
    const driver = rig.driver();
    driver.read(0, 512, 0);
    driver.read(0, 512, 1);
    const state = rig.virtio.save();
    const out = rig.ingress.outstanding + rig.ingress.ready;
    expect(out).toBe(3);
    for (const target of [new Rig(mode, { queues: 2 }), rig]) {
      const before = target.ingress.outstanding + target.ingress.ready;
      target.virtio.restore(state);
      expect(target.ingress.outstanding + target.ingress.ready - before).toBe(out);
      expect(target.virtio.save()).toEqual(state);
    }
    await rig.settle();
    // What was in flight before the restore gives nothing back: each request comes back once.
    expect(driver.driver.queues.map((queue) => queue.collect().length)).toEqual([1, 1]);
    expect(rig.blk.save().flights).toEqual([]);
  });

  it('goes on after a snapshot with requests in flight as if there had been none', async () => {
    const rig = new Rig(mode, { queues: 2 });
    const driver = rig.driver();
    const data = pattern(1024, 77);
    const read = driver.submit(VIRTIO_BLK_T_IN, 40, [], [100, 924]);
    const write = driver.write(100, data);
    driver.read(5, 512, 1);
    const zeroes = driver.ranges(VIRTIO_BLK_T_WRITE_ZEROES, [200, 8, 0]);
    const bad = driver.ranges(VIRTIO_BLK_T_DISCARD, [0, 1, 1]);
    const state = structuredClone(rig.virtio.save());

    // Another machine, on the disk as it is.
    const copy = new Rig(mode, { queues: 2 }, new HeldDisk(mode));
    copy.disk.bytes.set(rig.disk.bytes);
    copy.memory.bytes.set(rig.memory.bytes);
    copy.memory.writes.length = 0;
    copy.virtio.restore(state);
    expect(copy.memory.writes).toEqual([]);
    expect(copy.virtio.save()).toEqual(state);

    await rig.settle();
    await copy.settle();
    expect(copy.memory.bytes.findIndex((byte, i) => byte !== rig.memory.bytes[i])).toBe(-1);
    expect(copy.disk.bytes.findIndex((byte, i) => byte !== rig.disk.bytes[i])).toBe(-1);
    expect(copy.virtio.save()).toEqual(rig.virtio.save());
    expect(copy.ingress.delivered).toEqual(rig.ingress.delivered);

    expect(driver.answer(read)?.data).toEqual(rig.disk.bytes.slice(40 * 512, 42 * 512));
    expect([write, zeroes, bad].map((head) => driver.status(head))).toEqual([VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_UNSUPP]);
    expect(copy.disk.bytes.slice(100 * 512, 102 * 512)).toEqual(data);
  });

  it('stays within its bounds whatever the driver asks', async () => {
    const request = fc.record({
      type: fc.oneof(fc.constantFrom(0, 1, 4, 8, 11, 13), fc.nat(0xffff)),
      sector: fc.oneof(fc.nat(520), fc.constantFrom(2 ** 32, 2 ** 53 - 1)),
      out: fc.array(fc.oneof(fc.constantFrom(1, 16, 512, 1024), fc.integer({ min: 1, max: 2000 })), { maxLength: 3 }),
      into: fc.array(fc.oneof(fc.constantFrom(1, 20, 512, 1024), fc.integer({ min: 1, max: 2000 })), { maxLength: 3 }),
      byte: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (requests, maxInFlight) => {
        const rig = new Rig(mode, { maxInFlight }, new HeldDisk(mode), 1 << 20);
        const driver = rig.driver();
        const heads = requests.map(({ type, sector, out, into, byte }) => driver.submit(type, sector, out.map((length) => new Uint8Array(length).fill(byte)), into));
        await rig.settle();
        expect(driver.driver.port.status & STATUS_DEVICE_NEEDS_RESET).toBe(0);
        for (const head of heads) expect([VIRTIO_BLK_S_OK, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_UNSUPP]).toContain(driver.status(head));
        expect(rig.blk.save()).toMatchObject({ flights: [], stalled: [false] });
        expect(rig.disk.bytes).toHaveLength(256 * 1024);
      }),
      { seed: 3, numRuns: 150 },
    );
  });
});

describe('virtio-blk over a synchronous disk', () => {
  it('reads straight into the guest’s memory when it can, and makes one completion of one ring', () => {
    const rig = new Rig();
    const driver = rig.driver();
    for (let i = 0; i < 5; i++) driver.submit(VIRTIO_BLK_T_IN, i, [], [512], 0, false);
    rig.memory.writes.length = 0;
    driver.driver.queues[0]!.kick();
    expect(rig.memory.writes.filter(({ length }) => length === 512)).toHaveLength(5);
    expect(rig.ingress.ready).toBe(1);
    rig.ingress.deliver();
    expect(rig.interrupts.rises).toBe(1);
    expect(driver.driver.queues[0]!.collect()).toHaveLength(5);
  });

  it('gives a disk that takes many buffers all pieces of the guest’s memory in one operation, each announced', () => {
    const rig = new Rig({ vectored: true });
    const driver = rig.driver();
    // Of 100 bytes and so on: none ends where the next begins.
    const data = pattern(1024, 3);
    const write = driver.submit(VIRTIO_BLK_T_OUT, 8, [data.subarray(0, 100), data.subarray(100, 601), data.subarray(601)], []);
    const read = driver.submit(VIRTIO_BLK_T_IN, 8, [], [1, 511, 300, 212], 0, false);
    rig.memory.writes.length = 0;
    driver.driver.queues[0]!.kick();
    expect(rig.disk.log).toEqual(['writev 4096+100+501+423', 'readv 4096+1+511+300+212']);
    expect(rig.memory.writes.map(({ length }) => length).filter((length) => [1, 511, 300, 212].includes(length))).toEqual([1, 511, 300, 212]);
    rig.ingress.deliver();
    expect(driver.answer(write)).toEqual({ status: VIRTIO_BLK_S_OK, data: new Uint8Array(0), written: 1 });
    expect(driver.answer(read)).toEqual({ status: VIRTIO_BLK_S_OK, data, written: 1025 });
  });

  it('makes one piece of neighbours', () => {
    const rig = new Rig();
    const driver = rig.driver();
    const read = driver.submit(VIRTIO_BLK_T_IN, 0, [], [65536, 65536]);
    expect(rig.disk.log).toEqual(['read 0+131072']);
    rig.ingress.deliver();
    expect(driver.answer(read)).toEqual({ status: VIRTIO_BLK_S_OK, data: rig.disk.bytes.slice(0, 131072), written: 131073 });
  });

  it('gives nothing back before the door opens', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.flush();
    expect(rig.interrupts.rises).toBe(0);
    expect(driver.driver.queues[0]!.collect()).toEqual([]);
    rig.ingress.deliver();
    expect(driver.driver.queues[0]!.collect()).toHaveLength(1);
  });
});

describe('virtio-blk over a disk that takes its time', () => {
  it('answers in the order in which the disk does', async () => {
    const rig = new Rig({ held: true });
    const driver = rig.driver();
    const heads = [driver.read(1, 512), driver.read(2, 512), driver.read(3, 512)];
    rig.disk.release(2);
    rig.disk.release(0);
    await Promise.resolve();
    await Promise.resolve();
    rig.ingress.deliver();
    expect(driver.driver.queues[0]!.collect().map(({ head }) => head)).toEqual([heads[2], heads[0]]);
  });

  it('touches no guest memory before the completion enters, and takes the data as they were when it was rung', async () => {
    const rig = new Rig({ held: true });
    const driver = rig.driver();
    const data = pattern(512, 1);
    driver.write(0, data);
    driver.read(1, 512);
    rig.memory.writes.length = 0;
    // The driver reuses its buffers too early.
    for (let i = 0; i < rig.memory.bytes.length; i++) if (rig.memory.bytes[i] === data[1] && rig.memory.bytes[i + 1] === data[2]) rig.memory.bytes.fill(0xee, i - 1, i + 511);
    await rig.disk.releaseAll();
    expect(rig.disk.bytes.slice(0, 512)).toEqual(data);
    expect(rig.memory.writes).toEqual([]);
    rig.ingress.deliver();
    expect(rig.memory.writes.some(({ length }) => length === 512)).toBe(true);
  });

  it('lets no write from before a reset overtake one from after it', async () => {
    const rig = new Rig({ held: true });
    rig.driver().write(0, pattern(512, 1));
    const driver = rig.driver();
    const head = driver.write(0, pattern(512, 2));
    expect(rig.disk.held).toEqual(['write 0+512']);
    await rig.settle();
    expect(rig.disk.log).toEqual(['write 0+512', 'write 0+512']);
    expect(rig.disk.bytes.slice(0, 512)).toEqual(pattern(512, 2));
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
    // And then it waits for nothing.
    driver.write(0, pattern(512, 3));
    expect(rig.disk.held).toEqual(['write 0+512']);
    await rig.settle();
  });

  it('bounds the bytes that it holds', () => {
    const rig = new Rig({ held: true, size: 64 << 20 });
    const driver = rig.driver();
    // Sixteen requests of 4 MiB, all into the same buffer.
    const queue = driver.driver.queues[0]!;
    const buffer = 0x40_0000;
    for (let i = 0; i < 16; i++) {
      const head = driver.submit(VIRTIO_BLK_T_IN, 0, [], [16], 0, false);
      const table = rig.memory.readAddress(queue.rings.descriptors + 16 * head);
      rig.memory.writeAddress(table + 16, buffer);
      rig.memory.writeU32(table + 24, 4 << 20);
    }
    queue.kick();
    expect(rig.disk.held).toHaveLength(8);
  });

  it.each([
    ['as much as its limits allow', [], VIRTIO_BLK_S_OK, [`readv 0${'+1048576'.repeat(254)}`]],
    ['no sector more', [512], VIRTIO_BLK_S_IOERR, []],
  ] as const)('moves in one request %s', (_, more, status, log) => {
    const disk = new HeldDisk({ vectored: true });
    const rig = new Rig({}, {}, Object.defineProperty(disk, 'size', { value: 1 << 30 }));
    const driver = rig.driver();
    const queue = driver.driver.queues[0]!;
    const lengths = [...new Array<number>(254).fill(1 << 20), ...more];
    // All buffers are one and the same.
    const head = driver.submit(VIRTIO_BLK_T_IN, 0, [], lengths.map(() => 16), 0, false);
    const table = rig.memory.readAddress(queue.rings.descriptors + 16 * head);
    lengths.forEach((length, i) => {
      rig.memory.writeAddress(table + 16 * (i + 1), 0x40_0000);
      rig.memory.writeU32(table + 16 * (i + 1) + 8, length);
    });
    queue.kick();
    rig.ingress.deliver();
    expect(rig.memory.readU8(rig.memory.readAddress(table + 16 * (lengths.length + 1)))).toBe(status);
    expect(disk.log).toEqual(log);
  });
});

describe('virtio-blk’s configuration', () => {
  it('says what the disk is like', () => {
    const rig = new Rig({ size: 8 << 20 }, { blockSize: 4096, physicalBlockSize: 4096, queues: 2 });
    const { port } = rig.driver().driver;
    expect(port.readConfig(0, 4)).toBe(16384);
    expect(port.readConfig(8, 4)).toBe(1 << 20);
    expect(port.readConfig(12, 4)).toBe(254);
    expect(port.readConfig(20, 4)).toBe(4096);
    expect([port.readConfig(24, 1), port.readConfig(26, 2)]).toEqual([0, 1]);
    port.writeConfig(0, 99, 4);
    port.writeConfig(20, 99, 4);
    expect([port.readConfig(0, 4), port.readConfig(20, 4)]).toEqual([16384, 4096]);
  });

  it('holds requests to whole blocks', () => {
    const rig = new Rig({}, { blockSize: 4096 });
    const driver = rig.driver();
    const heads = [driver.read(0, 4096), driver.read(8, 4096), driver.read(1, 4096), driver.read(0, 512)];
    rig.ingress.deliver();
    expect(heads.map((head) => driver.status(head))).toEqual([0, 0, 1, 1]);
  });

  it('refuses options that no disk can have', () => {
    const make = (options: VirtioBlkOptions) => () => new Rig({}, options);
    expect(make({ queues: 0 })).toThrow(/0 queues/);
    expect(make({ blockSize: 1024 })).toThrow(/block size 1024/);
    expect(make({ serial: 'x'.repeat(21) })).toThrow(/longer than 20/);
    expect(make({ serial: 'höh' })).toThrow(/ASCII/);
    expect(make({ physicalBlockSize: 5000 })).toThrow(/5000/);
    expect(make({ queueSize: 100 })).toThrow(/queue size 100/);
  });
});

for (const held of [false, true]) {
  for (const leaveInFlight of [false, true]) {
    describeDevice(
      `VirtioBlk, ${held ? 'asynchronous' : 'synchronous'} disk${leaveInFlight ? ', requests in flight' : ''}`,
      (bench) => {
        const disk = new HeldDisk();
        const backend = held
          ? {
              size: disk.size,
              readOnly: false,
              read: async (offset: number, into: Uint8Array) => disk.read(offset, into),
              write: async (offset: number, from: Uint8Array) => disk.write(offset, from),
              flush: async () => disk.flush(),
            }
          : disk;
        const interrupts = { intx: bench.irqs.line('intx'), msiEnabled: false, msixEnabled: false, notify: () => undefined };
        return new VirtioPci({ memory: bench.memory, interrupts, device: new VirtioBlk({ backend, ingress: bench.ingress }) });
      },
      (virtio, bench) => {
        const driver = new BlockDriver(bench.memory, virtio.function);
        driver.driver.port.writeConfig(32, 0, 1);
        driver.read(0, 1024);
        driver.write(4, pattern(1024, 5));
        driver.flush();
      },
      // Completions that are out stay out over a reset.
      { leaveInFlight, ...(leaveInFlight ? { survivesReset: ['endpoint'] } : {}), goOn: async (_virtio, bench) => bench.ingress.drain() },
    );
  }
}

/** A synchronous disk that moves large transfers on another thread, when the test lets it. */
class BesideDisk extends HeldDisk {
  readonly #beside: { readonly what: string; run(): void; fail(): void }[] = [];

  constructor() {
    super({ size: 4 << 20, vectored: true });
  }

  get beside(): string[] {
    return this.#beside.map(({ what }) => what);
  }

  readvBeside(offset: number, into: readonly Uint8Array[]): Promise<void> {
    return this.#later('read', offset, into, (buffer, at) => buffer.set(this.bytes.subarray(at, at + buffer.length)));
  }

  writevBeside(offset: number, from: readonly Uint8Array[]): Promise<void> {
    return this.#later('write', offset, from, (buffer, at) => this.bytes.set(buffer, at));
  }

  /** Does what was begun so far, or fails in it. */
  finish(fail = false): void {
    for (const work of this.#beside.splice(0)) (fail ? work.fail : work.run)();
  }

  #later(what: string, offset: number, buffers: readonly Uint8Array[], move: (buffer: Uint8Array, at: number) => void): Promise<void> {
    return new Promise((done, failed) => {
      const run = (): void => {
        let at = offset;
        for (const buffer of buffers) {
          move(buffer, at);
          at += buffer.length;
        }
        done();
      };
      this.#beside.push({ what: `${what} ${offset}+${buffers.reduce((sum, { length }) => sum + length, 0)}`, run, fail: () => failed(new Error('disk is gone')) });
    });
  }
}

describe('virtio-blk over a disk that does large transfers beside the guest', () => {
  const LARGE = 512 * 1024;
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  function rigBeside(): { rig: Rig; disk: BesideDisk; works: Promise<unknown>[]; holds: Promise<unknown>[] } {
    const disk = new BesideDisk();
    const rig = new Rig({}, {}, disk);
    const works: Promise<unknown>[] = [];
    const holds: Promise<unknown>[] = [];
    Object.assign(rig.ingress, { beside: (work: Promise<unknown>) => void works.push(work), hold: (work: Promise<unknown>) => void holds.push(work) });
    return { rig, disk, works, holds };
  }

  async function settle({ rig, disk }: { rig: Rig; disk: BesideDisk }): Promise<void> {
    for (let i = 0; i < 4; i++) {
      await turn();
      disk.finish();
      await turn();
      rig.ingress.deliver();
    }
  }

  it('reads and writes, announces the memory before and after, and says what goes on', async () => {
    const bench = rigBeside();
    const { rig, disk, works } = bench;
    const driver = rig.driver();
    const data = pattern(LARGE, 3);
    const write = driver.write(8, data);
    await turn();
    expect([disk.beside, works.length, disk.log]).toEqual([[`write 4096+${LARGE}`], 1, []]);
    await settle(bench);
    expect(driver.answer(write)).toEqual({ status: VIRTIO_BLK_S_OK, data: new Uint8Array(0), written: 1 });
    rig.memory.writes.length = 0;
    const read = driver.submit(VIRTIO_BLK_T_IN, 8, [], [1000, LARGE - 1000]);
    await turn();
    const announced = (): number => rig.memory.writes.filter(({ length }) => length >= LARGE - 1000).length;
    const before = announced();
    await settle(bench);
    expect(announced()).toBe(before + 1);
    const answer = driver.answer(read)!;
    expect([answer.status, answer.written, answer.data.findIndex((byte, i) => byte !== data[i])]).toEqual([VIRTIO_BLK_S_OK, LARGE + 1, -1]);
  });

  it('does at once what is small, and all of it without a cache or where nothing may go on beside the guest', async () => {
    const bench = rigBeside();
    bench.rig.driver().read(0, 4096);
    expect(bench.disk.log).toEqual(['read 0+4096']);
    const through = rigBeside();
    const driver = through.rig.driver();
    driver.driver.port.writeConfig(32, 0, 1);
    driver.write(0, pattern(LARGE, 1));
    expect(through.disk.log).toEqual([`write 0+${LARGE}`, 'flush']);
    const disk = new BesideDisk();
    new Rig({}, {}, disk).driver().read(0, LARGE);
    await turn();
    expect([disk.beside, disk.log]).toEqual([[], [`read 0+${LARGE}`]]);
  });

  it('flushes after the writes that go on', async () => {
    const bench = rigBeside();
    const driver = bench.rig.driver();
    driver.write(0, pattern(LARGE, 1));
    const flush = driver.flush();
    await turn();
    bench.rig.ingress.deliver();
    expect([bench.disk.log, driver.status(flush)]).toEqual([[], undefined]);
    await settle(bench);
    expect([bench.disk.log, driver.status(flush)]).toEqual([['flush'], VIRTIO_BLK_S_OK]);
  });

  it('turns failures into IOERR, each request its own', async () => {
    const bench = rigBeside();
    const driver = bench.rig.driver();
    const heads = [driver.read(0, LARGE), driver.write(0, pattern(LARGE, 1))];
    await turn();
    bench.disk.finish(true);
    const good = driver.read(8, LARGE);
    await settle(bench);
    expect([...heads, good].map((head) => driver.status(head))).toEqual([VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_IOERR, VIRTIO_BLK_S_OK]);
  });

  it('holds the processors at a reset until nothing uses the memory, and gives back nothing from before it', async () => {
    const bench = rigBeside();
    const { rig, disk, holds } = bench;
    rig.driver().read(0, LARGE);
    await turn();
    expect(holds).toHaveLength(0);
    const driver = rig.driver();
    expect(holds.length).toBeGreaterThan(0);
    let held = true;
    void Promise.all(holds).then(() => (held = false));
    await turn();
    expect(held).toBe(true);
    disk.finish();
    await turn();
    expect(held).toBe(false);
    rig.ingress.deliver();
    expect(driver.driver.queues[0]!.collect()).toEqual([]);
    const head = driver.read(0, LARGE);
    await settle(bench);
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
  });

  it.each(['read', 'write'] as const)('saves a %s that goes on, and begins it again', async (what) => {
    const bench = rigBeside();
    const driver = bench.rig.driver();
    const data = pattern(LARGE, 5);
    const head = what === 'read' ? driver.read(0, LARGE) : driver.write(0, data);
    await turn();
    const state = structuredClone(bench.rig.virtio.save());
    bench.disk.finish();
    await turn();
    // Another disk and another machine: the same memory, the state.
    const other = rigBeside();
    const { rig } = other;
    rig.memory.bytes.set(bench.rig.memory.bytes);
    rig.virtio.restore(state);
    await settle(other);
    if (what === 'write') expect(other.disk.bytes.subarray(0, LARGE).findIndex((byte, i) => byte !== data[i])).toBe(-1);
    bench.rig.memory.bytes.set(rig.memory.bytes);
    const answer = driver.answer(head)!;
    expect(answer.status).toBe(VIRTIO_BLK_S_OK);
    if (what === 'read') expect(answer.data.findIndex((byte, i) => byte !== other.disk.bytes[i])).toBe(-1);
  });
});

describe('virtio-blk where what is done may wait for more', () => {
  /** A door at which a flight waits until `enter`. */
  function rigPatient(options: VirtioBlkOptions = {}): { rig: Rig; driver: BlockDriver; waiting: (() => void)[]; enter(): void } {
    const rig = new Rig({}, options);
    const waiting: (() => void)[] = [];
    Object.assign(rig.ingress, {
      completionWithin: (name: string, nanoseconds: number, settle: () => void) => {
        expect([name, nanoseconds > 0]).toEqual(['virtio-blk', true]);
        waiting.push(settle);
      },
    });
    return { rig, driver: rig.driver(), waiting, enter: () => waiting.splice(0).forEach((settle) => settle()) };
  }

  /** Reads one sector after the other, each given back before the next, until one waits. @returns how many were given back without */
  function untilOneWaits({ rig, driver, waiting }: ReturnType<typeof rigPatient>): number {
    for (let alone = 0; ; alone++) {
      const head = driver.read(0, 512);
      if (waiting.length > 0) return alone;
      rig.ingress.deliver();
      expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
    }
  }

  it('gives back at once while nothing more comes, and tries again now and then', () => {
    const bench = rigPatient();
    const first = untilOneWaits(bench);
    expect(first).toBeGreaterThan(8);
    bench.enter();
    expect(untilOneWaits(bench)).toBe(first);
  });

  it('gives back by one completion what comes until it enters, and waits again as long as more comes', () => {
    const bench = rigPatient();
    const { rig, driver, waiting, enter } = bench;
    untilOneWaits(bench);
    const heads = [driver.read(1, 512), driver.write(2, pattern(512, 9)), driver.flush()];
    expect([waiting.length, rig.ingress.ready, heads.map((head) => driver.status(head))]).toEqual([1, 0, [undefined, undefined, undefined]]);
    enter();
    expect(heads.map((head) => driver.status(head))).toEqual([VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK, VIRTIO_BLK_S_OK]);
    const next = driver.read(4, 512);
    expect([waiting.length, rig.ingress.ready]).toEqual([1, 0]);
    enter();
    expect(driver.answer(next)).toEqual({ status: VIRTIO_BLK_S_OK, data: rig.disk.bytes.slice(4 * 512, 5 * 512), written: 513 });
    // That one was alone.
    driver.read(4, 512);
    expect([waiting.length, rig.ingress.ready]).toEqual([0, 1]);
  });

  it('keeps queues apart', () => {
    const bench = rigPatient({ queues: 2 });
    const { driver, waiting, enter } = bench;
    untilOneWaits(bench);
    const [one, other] = [driver.read(1, 512), driver.read(2, 512, 1)];
    expect([waiting.length, bench.rig.ingress.ready]).toEqual([1, 1]);
    const statusOf = (queue: number, head: number): number | undefined => driver.status(head + queue * 65536);
    enter();
    expect([statusOf(0, one), statusOf(1, other)]).toEqual([VIRTIO_BLK_S_OK, undefined]);
    bench.rig.ingress.deliver();
    expect(statusOf(1, other)).toBe(VIRTIO_BLK_S_OK);
  });

  it('gives back nothing from before a reset, and has nothing new join it', () => {
    const bench = rigPatient();
    const { rig, waiting, enter } = bench;
    untilOneWaits(bench);
    rig.virtio.reset('warm');
    const driver = rig.driver();
    const head = driver.read(3, 512);
    expect(waiting).toHaveLength(1);
    enter();
    expect(driver.status(head)).toBeUndefined();
    rig.ingress.deliver();
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
  });

  it('saves what waits, and gives it back once after a restore', () => {
    const bench = rigPatient();
    const { rig, driver } = bench;
    untilOneWaits(bench);
    const head = driver.read(5, 512);
    const state = structuredClone(rig.virtio.save());
    const other = new Rig();
    other.memory.bytes.set(rig.memory.bytes);
    other.virtio.restore(state);
    expect(other.ingress.ready).toBe(1);
    other.ingress.deliver();
    rig.memory.bytes.set(other.memory.bytes);
    expect(driver.status(head)).toBe(VIRTIO_BLK_S_OK);
    expect(other.blk.save()).toMatchObject({ flights: [] });
  });
});
