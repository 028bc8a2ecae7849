import { ata, AtaDisk, AtapiCdrom } from '@pckit/ata';
import { Bench, describeDevice, FakeBlockBackend } from '@pckit/device-testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PiixIde } from './piix-ide.js';
import { IdeDriver } from './testing/index.js';

// ES2023 has no declaration for it; every host has it.
declare function structuredClone<T>(value: T): T;

const pattern = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 9) + seed) & 0xff);
/** 256 KiB that differ everywhere; tests that write get a copy. */
const CONTENTS = pattern(1 << 18);
const DISC = pattern(64 * 2048, 3);
const TABLE = 0x1000;
const BUFFER = 0x1_0000;

/** Answers at once and says so, or with promises. */
const diskOf = (asynchronous: boolean): FakeBlockBackend => Object.assign(new FakeBlockBackend(CONTENTS.slice(), { asynchronous }), { synchronous: !asynchronous });

class Rig {
  readonly bench = new Bench();
  readonly disk: FakeBlockBackend;
  readonly disc = new FakeBlockBackend(DISC, { readOnly: true });
  readonly ide: PiixIde;
  readonly driver: IdeDriver;
  /** Of the secondary channel, whose master is the CD-ROM. */
  readonly cd: IdeDriver;

  constructor(asynchronous = false) {
    this.disk = diskOf(asynchronous);
    this.ide = build(this.bench, this.disk, this.disc);
    this.driver = new IdeDriver(this.ide, this.bench.memory, 0).start();
    this.cd = new IdeDriver(this.ide, this.bench.memory, 1);
  }

  async settle(): Promise<void> {
    await this.bench.ingress.drain();
  }

  get irq(): boolean {
    return this.bench.irqs.level('irq14');
  }
}

function build(bench: Bench, disk = diskOf(false), disc = new FakeBlockBackend(DISC, { readOnly: true })): PiixIde {
  return new PiixIde({
    memory: bench.memory,
    ingress: bench.ingress,
    irqs: [bench.irqs.line('irq14'), bench.irqs.line('irq15')],
    drives: [new AtaDisk(disk), undefined, new AtapiCdrom(disc)],
  });
}

describe('a channel', () => {
  it('decodes its ports while IDETIM says so', () => {
    const bench = new Bench();
    const ide = build(bench);
    const driver = new IdeDriver(ide, bench.memory);
    expect(driver.read(7)).toBe(0xff);
    ide.enable();
    expect(driver.read(7)).toBe(0x50);
    ide.pciFunction.writeConfig?.(0x40, 0, 4);
    expect(driver.read(7)).toBe(0xff);
  });

  it('shows what kind of drive it has after a software reset', () => {
    const { driver, cd } = new Rig();
    for (const each of [driver, cd]) {
      each.control(0x04);
      expect(each.alternateStatus).toBe(ata.BSY);
      each.control(0x00);
    }
    expect(driver.answer()).toEqual({ status: 0x50, error: 1, count: 1, lba: 1 });
    expect(cd.answer()).toEqual({ status: 0, error: 1, count: 1, lba: 0xeb_14_01 });
  });

  it('answers for a slave that is not there, with a status of 0', () => {
    const { driver } = new Rig();
    driver.select(1);
    driver.write(2, 0x55);
    expect([driver.read(2), driver.read(7), driver.alternateStatus]).toEqual([0x55, 0, 0]);
    driver.write(7, ata.CMD_IDENTIFY_DEVICE);
    expect(driver.read(7)).toBe(0);
  });

  it('keeps both bytes of 48-bit registers', () => {
    const { driver } = new Rig();
    driver.write(2, 0x12);
    driver.write(2, 0x34);
    driver.control(0x80);
    expect(driver.read(2)).toBe(0x12);
    driver.control(0x00);
    expect(driver.read(2)).toBe(0x34);
  });

  it('interrupts unless nIEN is set, and reading the status ends it', () => {
    const rig = new Rig();
    rig.driver.control(0x02);
    rig.driver.issue({ command: ata.CMD_IDLE_IMMEDIATE });
    expect(rig.irq).toBe(false);
    rig.driver.control(0x00);
    expect(rig.irq).toBe(true);
    expect(rig.driver.alternateStatus).toBe(0x50);
    expect(rig.irq).toBe(true);
    rig.driver.read(7);
    expect(rig.irq).toBe(false);
  });

  it('takes no command while one is under way', async () => {
    const rig = new Rig(true);
    rig.driver.issue({ command: ata.CMD_FLUSH_CACHE });
    expect(rig.driver.alternateStatus & ata.BSY).toBe(ata.BSY);
    rig.driver.issue({ command: ata.CMD_IDENTIFY_DEVICE });
    await rig.settle();
    expect(rig.driver.alternateStatus).toBe(0x50);
    expect(rig.disk.requests).toEqual(['flush']);
  });
});

describe.each([
  ['at once', false],
  ['with promises', true],
])('PIO with a disk that answers %s', (_, asynchronous) => {
  it('reads sector by sector, with an interrupt for each', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.issue({ command: ata.CMD_READ_SECTORS, count: 3, lba: 7 });
    expect(rig.driver.alternateStatus & ata.BSY).toBe(ata.BSY);
    await rig.settle();
    for (let i = 0; i < 3; i++) {
      expect(rig.irq).toBe(true);
      expect(rig.driver.answer().status).toBe(0x58);
      expect(rig.driver.readData(512)).toEqual(rig.disk.bytes.slice((7 + i) * 512, (8 + i) * 512));
    }
    expect([rig.irq, rig.driver.alternateStatus]).toEqual([false, 0x50]);
  });

  it('reads more than it buffers, by blocks of SET MULTIPLE MODE', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.issue({ command: ata.CMD_READ_MULTIPLE_EXT, count: 300, lba: 100, ext: true });
    const read: number[] = [];
    let blocks = 0;
    while (read.length < 300 * 512) {
      await rig.settle();
      expect(rig.driver.answer().status).toBe(0x58);
      read.push(...rig.driver.readData(Math.min(16 * 512, 300 * 512 - read.length)));
      blocks++;
    }
    expect(blocks).toBe(19);
    expect(read.findIndex((byte, i) => byte !== rig.disk.bytes[100 * 512 + i])).toBe(-1);
    expect(rig.driver.alternateStatus).toBe(0x50);
  });

  it('writes', async () => {
    const rig = new Rig(asynchronous);
    const data = pattern(1024, 99);
    rig.driver.issue({ command: ata.CMD_WRITE_SECTORS, count: 2, lba: 9 });
    expect([rig.driver.alternateStatus, rig.irq]).toEqual([0x58, false]);
    rig.driver.writeData(data.subarray(0, 512));
    expect([rig.driver.read(7), rig.irq]).toEqual([0x58, false]);
    rig.driver.writeData(data.subarray(512));
    expect(rig.driver.alternateStatus & ata.BSY).toBe(ata.BSY);
    await rig.settle();
    expect([rig.irq, rig.driver.answer().status]).toEqual([true, 0x50]);
    expect(rig.disk.bytes.slice(9 * 512, 11 * 512)).toEqual(data);
  });

  it('reports what the host failed at', async () => {
    const rig = new Rig(asynchronous);
    rig.disk.failNext = new Error('no');
    rig.driver.issue({ command: ata.CMD_READ_SECTORS, count: 1, lba: 5 });
    await rig.settle();
    expect(rig.driver.answer()).toMatchObject({ status: 0x51, error: ata.ERROR_UNC, lba: 5 });
  });
});

describe.each([
  ['at once', false],
  ['with promises', true],
])('DMA with a disk that answers %s', (_, asynchronous) => {
  it('reads into regions', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512], [BUFFER + 4096, 1024], [BUFFER + 0x2000, 512]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 4, lba: 20 });
    rig.driver.go();
    expect(rig.driver.busStatus & 1).toBe(1);
    await rig.settle();
    expect([rig.irq, rig.driver.busStatus & 7, rig.driver.answer().status]).toEqual([true, 4, 0x50]);
    const { bytes } = rig.bench.memory;
    const disk = rig.disk.bytes.subarray(20 * 512);
    expect(bytes.slice(BUFFER, BUFFER + 512)).toEqual(disk.slice(0, 512));
    expect(bytes.slice(BUFFER + 4096, BUFFER + 5120)).toEqual(disk.slice(512, 1536));
    expect(bytes.slice(BUFFER + 0x2000, BUFFER + 0x2200)).toEqual(disk.slice(1536, 2048));
    rig.driver.stop();
    expect(rig.driver.busStatus & 1).toBe(0);
  });

  it('reads into regions that touch as into one', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512], [BUFFER + 512, 1024]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 3, lba: 20 });
    rig.driver.go();
    await rig.settle();
    expect([rig.driver.answer().status, rig.disk.requests]).toEqual([0x50, ['read 10240+1536']]);
    expect(rig.bench.memory.bytes.slice(BUFFER, BUFFER + 1536)).toEqual(rig.disk.bytes.slice(10240, 11776));
  });

  it('writes, with the engine started before the command', async () => {
    const rig = new Rig(asynchronous);
    const data = pattern(65536 * 2, 5);
    rig.bench.memory.bytes.set(data, BUFFER);
    // A count of 0 is 64 KiB.
    rig.driver.prepareDma(TABLE, [[BUFFER, 0], [BUFFER + 65536, 0]], 'out');
    rig.driver.go();
    rig.driver.issue({ command: ata.CMD_WRITE_DMA_EXT, count: 256, lba: 1, ext: true });
    await rig.settle();
    expect(rig.driver.answer().status).toBe(0x50);
    expect(rig.disk.bytes.slice(512, 512 + data.length)).toEqual(data);
    expect(rig.disk.requests.filter((request) => request === 'flush')).toEqual([]);
  });

  it('flushes after a FUA write', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512]], 'out');
    rig.driver.issue({ command: ata.CMD_WRITE_DMA_FUA_EXT, count: 1, lba: 1, ext: true });
    rig.driver.go();
    await rig.settle();
    expect(rig.disk.requests).toEqual(['write 512+512', 'flush']);
  });

  it('stays active when the regions hold more than the command moves', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[BUFFER, 4096]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 1 });
    rig.driver.go();
    await rig.settle();
    expect(rig.driver.busStatus & 7).toBe(5);
    expect(rig.bench.memory.bytes[BUFFER + 512]).toBe(0);
  });

  it('stops without an interrupt when they hold less, or the direction is wrong, and a reset helps', async () => {
    const rig = new Rig(asynchronous);
    for (const [length, direction, error] of [[256, 'in', 0], [512, 'out', 2]] as const) {
      rig.driver.prepareDma(TABLE, [[BUFFER, length]], direction);
      rig.driver.issue({ command: ata.CMD_READ_DMA, count: 1 });
      rig.driver.go();
      await rig.settle();
      expect([rig.irq, rig.driver.busStatus & 7, rig.driver.alternateStatus & ata.DRQ]).toEqual([false, error, ata.DRQ]);
      rig.driver.stop();
      rig.driver.control(0x04);
      rig.driver.control(0x00);
      expect(rig.driver.alternateStatus).toBe(0x50);
    }
    expect(rig.disk.requests).toEqual([]);
  });

  it('fails for memory that is not there', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[0xf000_0000, 512]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 1 });
    rig.driver.go();
    await rig.settle();
    expect([rig.driver.busStatus & 7, rig.driver.answer().status]).toEqual([6, 0x51]);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512]], 'in');
    rig.driver.stop();
  });

  it('does not begin before it may master the bus', async () => {
    const rig = new Rig(asynchronous);
    rig.ide.pciFunction.onBusMaster?.(false);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 1 });
    rig.driver.go();
    await rig.settle();
    expect(rig.disk.requests).toEqual([]);
    rig.ide.pciFunction.onBusMaster?.(true);
    await rig.settle();
    expect(rig.driver.answer().status).toBe(0x50);
  });

  it('forgets what was under way at a reset', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareDma(TABLE, [[BUFFER, 512]], 'in');
    rig.driver.issue({ command: ata.CMD_READ_DMA, count: 1 });
    rig.driver.go();
    rig.driver.control(0x04);
    rig.driver.control(0x00);
    await rig.settle();
    expect([rig.irq, rig.driver.alternateStatus]).toEqual([false, 0x50]);
    if (asynchronous) expect(rig.bench.memory.bytes[BUFFER + 1]).toBe(0);
  });
});

describe('a packet device', () => {
  const READ = [0x28, 0, 0, 0, 0, 2, 0, 0, 3];

  it('sends data by pieces of the byte count limit (ATA/ATAPI-7 section 9.8)', async () => {
    const rig = new Rig();
    rig.cd.packet([0x00]);
    rig.cd.answer();
    rig.cd.issue({ command: ata.CMD_PACKET, lba: 4096 * 0x100, device: 0 });
    expect(rig.cd.answer()).toMatchObject({ status: 0x58, count: 1 });
    rig.cd.writeData(Uint8Array.from({ length: 12 }, (_, i) => READ[i] ?? 0));
    await rig.settle();
    const read: number[] = [];
    for (const length of [4096, 2048]) {
      const answer = rig.cd.answer();
      expect([answer.status, answer.count, answer.lba >>> 8]).toEqual([0x58, 2, length]);
      read.push(...rig.cd.readData(length));
    }
    expect(Uint8Array.from(read)).toEqual(rig.disc.bytes.slice(2 * 2048, 5 * 2048));
    expect(rig.bench.irqs.level('irq15')).toBe(true);
    expect(rig.cd.answer()).toMatchObject({ status: 0x50, count: 3 });
  });

  it('reads by DMA', async () => {
    const rig = new Rig();
    rig.cd.packet([0x00]);
    rig.cd.answer();
    rig.cd.prepareDma(TABLE, [[BUFFER, 3 * 2048]], 'in');
    rig.cd.packet(READ, { dma: true });
    rig.cd.go();
    await rig.settle();
    expect(rig.cd.answer()).toMatchObject({ status: 0x50, count: 3 });
    expect(rig.bench.memory.bytes.slice(BUFFER, BUFFER + 3 * 2048)).toEqual(rig.disc.bytes.slice(2 * 2048, 5 * 2048));
    // INQUIRY, whose answer is shorter than the regions.
    rig.cd.prepareDma(TABLE, [[BUFFER, 96]], 'in');
    rig.cd.packet([0x12, 0, 0, 0, 96], { dma: true });
    rig.cd.go();
    await rig.settle();
    expect(rig.cd.answer()).toMatchObject({ status: 0x50 });
    expect(rig.bench.memory.bytes[BUFFER]).toBe(5);
  });

  it('reports a check condition', () => {
    const { cd } = new Rig();
    cd.packet([0xff]);
    // The unit attention of power-on comes first.
    expect(cd.answer()).toMatchObject({ status: 0x51, error: 0x60, count: 3 });
    cd.packet([0xff]);
    expect(cd.answer()).toMatchObject({ status: 0x51, error: 0x54 });
  });

  it('obeys DEVICE RESET in the middle of a transfer', async () => {
    const rig = new Rig();
    rig.cd.packet([0x00]);
    rig.cd.packet(READ);
    await rig.settle();
    rig.cd.readData(100);
    rig.cd.write(7, ata.CMD_DEVICE_RESET);
    expect(rig.cd.answer()).toEqual({ status: 0, error: 1, count: 1, lba: 0xeb_14_01 });
  });
});

for (const asynchronous of [false, true]) {
  const drivers = new WeakMap<PiixIde, IdeDriver>();
  describeDevice(
    `PiixIde (${asynchronous ? 'a DMA read under way' : 'in the middle of PIO'})`,
    (bench) => {
      const ide = build(bench, diskOf(asynchronous));
      drivers.set(ide, new IdeDriver(ide, bench.memory));
      return ide;
    },
    (ide, bench) => {
      const driver = (drivers.get(ide) as IdeDriver).start();
      driver.issue({ command: ata.CMD_SET_FEATURES, features: 3, count: 0x22 });
      driver.answer();
      if (asynchronous) {
        driver.prepareDma(TABLE, [[BUFFER, 512], [BUFFER + 4096, 512]], 'in');
        driver.issue({ command: ata.CMD_READ_DMA, count: 2, lba: 3 });
        driver.go();
      } else {
        driver.issue({ command: ata.CMD_READ_SECTORS, count: 3, lba: 7 });
        bench.ingress.deliver();
        driver.readData(700);
      }
    },
    {
      leaveInFlight: asynchronous,
      goOn: async (ide, bench) => {
        await bench.ingress.drain();
        const driver = drivers.get(ide) as IdeDriver;
        const seen = [driver.answer().status, driver.busStatus];
        driver.issue({ command: ata.CMD_READ_SECTORS, count: 1, lba: 5 });
        await bench.ingress.drain();
        return [...seen, ...driver.readData(2048)];
      },
    },
  );
}

describe('any guest', () => {
  it('can write anything to any register without harm', async () => {
    const access = fc.record({
      region: fc.constantFrom('primary', 'primaryControl', 'secondary', 'secondaryControl', 'bus', 'bus', 'primary', 'secondary'),
      offset: fc.nat(15),
      size: fc.constantFrom(1, 1, 1, 2, 4),
      value: fc.oneof(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.constantFrom(0x20, 0x24, 0x25, 0x30, 0xc4, 0xc5, 0xc8, 0xca, 0xa0, 0xec, 0xa1, 0x06, 0xef, 0x90, 0x08, 0xe7, 1, 9, 0x40, 0, 4, TABLE, 0x28),
      ),
      write: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(access, { minLength: 20, maxLength: 200 }), fc.uint8Array({ minLength: 256, maxLength: 256 }), fc.boolean(), async (accesses, table, asynchronous) => {
        const rig = new Rig(asynchronous);
        rig.bench.memory.bytes.set(table, TABLE);
        const bus = rig.ide.pciFunction.bars[0]?.region;
        for (const { region, offset, size, value, write } of accesses) {
          const { handler, length, accepts } = region === 'bus' ? bus! : rig.ide.regions[region as 'primary'];
          if (offset + size > length || (accepts !== undefined && !accepts.includes(size as 1))) continue;
          if (write) handler.write(offset, value % 2 ** (8 * size), size as 1);
          else handler.read(offset, size as 1);
          if (value % 16 === 0) rig.bench.ingress.deliver();
        }
        const state = structuredClone(rig.ide.save());
        await rig.settle();
        // And a reset gets it back to work.
        rig.driver.control(0x04);
        rig.driver.control(0x00);
        rig.driver.start().issue({ command: ata.CMD_READ_SECTORS, count: 1, lba: 1 });
        await rig.settle();
        expect(rig.driver.readData(512)).toEqual(rig.disk.bytes.slice(512, 1024));
        build(new Bench(), rig.disk, rig.disc).restore(state);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});
