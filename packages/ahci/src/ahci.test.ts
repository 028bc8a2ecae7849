import { ata, AtaDisk, AtapiCdrom } from '@pckit/ata';
import { Bench, describeDevice, FakeBlockBackend } from '@pckit/device-testing';
import type { PciInterrupts } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ahci } from './ahci.js';
import * as reg from './registers.js';
import { AhciDriver } from './testing/index.js';

// ES2023 has no declaration for it; every host has it.
declare function structuredClone<T>(value: T): T;

const pattern = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 9) + seed) & 0xff);
const CONTENTS = pattern(1 << 18);
const DISC = pattern(64 * 2048, 3);
const BUFFER = 0x4_0000;

/** Answers at once and says so, or with promises. */
const diskOf = (asynchronous: boolean): FakeBlockBackend => Object.assign(new FakeBlockBackend(CONTENTS.slice(), { asynchronous }), { synchronous: !asynchronous });

/** The slot: INTx, or messages that are counted as pulses of a line. */
function interruptsOn(bench: Bench, msi: boolean): PciInterrupts {
  const message = bench.irqs.line('msi');
  return {
    intx: bench.irqs.line('inta'),
    msiEnabled: msi,
    msixEnabled: false,
    notify: () => {
      if (!msi) return;
      message.set(true);
      message.set(false);
    },
  };
}

function build(bench: Bench, disk = diskOf(false), disc = new FakeBlockBackend(DISC, { readOnly: true }), msi = false): Ahci {
  const drives = [new AtaDisk(disk, { sata: true }), undefined, new AtapiCdrom(disc, { sata: true })];
  return new Ahci({ memory: bench.memory, ingress: bench.ingress, interrupts: interruptsOn(bench, msi), drives });
}

class Rig {
  readonly bench = new Bench();
  readonly disk: FakeBlockBackend;
  readonly ahci: Ahci;
  readonly driver: AhciDriver;
  readonly cd: AhciDriver;

  constructor(asynchronous = false, msi = false) {
    this.disk = diskOf(asynchronous);
    this.ahci = build(this.bench, this.disk, new FakeBlockBackend(DISC, { readOnly: true }), msi);
    this.driver = new AhciDriver(this.ahci, this.bench.memory).start();
    this.cd = new AhciDriver(this.ahci, this.bench.memory, 2, 0x2_0000).start();
  }

  async settle(): Promise<void> {
    await this.bench.ingress.drain();
  }

  memory(address: number, length: number): Uint8Array {
    return this.bench.memory.bytes.slice(address, address + length);
  }
}

describe('the controller', () => {
  it('says what it can, and which ports there are', () => {
    const { driver } = new Rig();
    expect(driver.hba(reg.CAP) & (reg.CAP_S64A | reg.CAP_SNCQ | 0x1f)).toBe((reg.CAP_S64A | reg.CAP_SNCQ | 2) | 0);
    expect([driver.hba(reg.PI), driver.hba(reg.VS), driver.hba(reg.GHC)]).toEqual([5, 0x1_0301, 0x8000_0002]);
  });

  it('shows the devices by signature, and nothing at an empty port', () => {
    const { driver, cd, ahci, bench } = new Rig();
    const empty = new AhciDriver(ahci, bench.memory, 1);
    expect([driver.read(reg.PX_SIG), driver.read(reg.PX_SSTS), driver.read(reg.PX_TFD) & 0xff]).toEqual([0x101, 0x123, 0x50]);
    expect([cd.read(reg.PX_SIG), cd.read(reg.PX_TFD) & 0xff]).toEqual([0xeb14_0101, 0]);
    expect([empty.read(reg.PX_SSTS), empty.read(reg.PX_CI)]).toEqual([0, 0]);
  });

  it('is as fresh after HR', () => {
    const { driver } = new Rig();
    driver.hba(reg.GHC, reg.GHC_HR);
    expect([driver.hba(reg.GHC), driver.read(reg.PX_CLB), driver.read(reg.PX_CMD) & reg.CMD_ST, driver.read(reg.PX_SSTS)]).toEqual([0x8000_0000, 0, 0, 0x123]);
  });
});

describe.each([
  ['at once', false],
  ['with promises', true],
])('commands on a disk that answers %s', (_, asynchronous) => {
  it('reads by DMA into regions, and interrupts once', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepare(3, { command: ata.CMD_READ_DMA_EXT, lba: 10, count: 3, regions: [[BUFFER, 512], [BUFFER + 0x1000, 1024]] });
    rig.driver.ring(1 << 3);
    expect([rig.driver.read(reg.PX_CI), rig.driver.read(reg.PX_TFD) & ata.BSY]).toEqual([8, ata.BSY]);
    await rig.settle();
    expect([rig.driver.read(reg.PX_CI), rig.driver.moved(3), rig.bench.irqs.level('inta')]).toEqual([0, 1536, true]);
    expect(rig.memory(BUFFER, 512)).toEqual(CONTENTS.slice(10 * 512, 11 * 512));
    expect(rig.memory(BUFFER + 0x1000, 1024)).toEqual(CONTENTS.slice(11 * 512, 13 * 512));
    expect([...rig.memory(rig.driver.fis + reg.RFIS_D2H, 3)]).toEqual([0x34, 0x40, 0x50]);
    expect(rig.driver.acknowledge()).toBe(reg.IS_DHRS);
    expect(rig.bench.irqs.level('inta')).toBe(false);
  });

  it('writes, and reads by PIO, whose end a PIO setup FIS brings', async () => {
    const rig = new Rig(asynchronous);
    const data = pattern(1024, 50);
    rig.bench.memory.bytes.set(data, BUFFER);
    rig.driver.prepare(0, { command: ata.CMD_WRITE_DMA_EXT, lba: 5, count: 2, write: true, regions: [[BUFFER, 1024]] });
    rig.driver.ring(1);
    await rig.settle();
    rig.driver.acknowledge();
    expect(rig.disk.bytes.slice(5 * 512, 7 * 512)).toEqual(data);
    rig.driver.prepare(0, { command: ata.CMD_READ_SECTORS_EXT, lba: 5, count: 2, regions: [[BUFFER + 0x1000, 1024]] });
    rig.driver.ring(1);
    await rig.settle();
    expect(rig.driver.acknowledge()).toBe(reg.IS_PSS);
    expect(rig.memory(BUFFER + 0x1000, 1024)).toEqual(data);
    const setup = rig.memory(rig.driver.fis + reg.RFIS_PIO_SETUP, 20);
    expect([setup[0], setup[1], setup[2], setup[15]]).toEqual([0x5f, 0x60, 0x58, 0x50]);
  });

  it('runs queued commands side by side, and sets the bits of those that end', async () => {
    const rig = new Rig(asynchronous);
    for (let slot = 0; slot < 32; slot++) rig.driver.prepareQueued(slot, { lba: slot * 2, sectors: 2, address: BUFFER + slot * 0x1000 });
    rig.driver.ring(0xffff_ffff, true);
    expect([rig.driver.read(reg.PX_CI), rig.driver.read(reg.PX_SACT), rig.driver.read(reg.PX_TFD) & ata.BSY]).toEqual([0, 0xffff_ffff, 0]);
    await rig.settle();
    expect([rig.driver.read(reg.PX_SACT), rig.driver.acknowledge()]).toEqual([0, reg.IS_SDBS]);
    for (let slot = 0; slot < 32; slot++) expect(rig.memory(BUFFER + slot * 0x1000, 1024)).toEqual(CONTENTS.slice(slot * 1024, slot * 1024 + 1024));
  });

  it('has a command that is not queued wait for those that are', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareQueued(0, { lba: 1, sectors: 1, address: BUFFER, write: true });
    rig.driver.prepare(1, { command: ata.CMD_FLUSH_CACHE_EXT });
    rig.driver.ring(1, true);
    rig.driver.ring(2);
    expect(rig.driver.read(reg.PX_CI)).toBe(2);
    await rig.settle();
    expect(rig.driver.read(reg.PX_CI)).toBe(0);
    expect(rig.disk.requests).toEqual(['write 512+512', 'flush']);
  });

  it('stops at an error, keeps its command, and tells of a queued one in the log', async () => {
    const rig = new Rig(asynchronous);
    rig.disk.failNext = new Error('no');
    rig.driver.prepareQueued(4, { lba: 9, sectors: 1, address: BUFFER });
    rig.driver.ring(1 << 4, true);
    await rig.settle();
    expect([rig.driver.read(reg.PX_SACT), rig.driver.read(reg.PX_TFD)]).toEqual([16, 0x51 | (ata.ERROR_UNC << 8)]);
    expect(rig.driver.acknowledge() & reg.IS_TFES).toBe(reg.IS_TFES);
    // Nothing runs until the port is stopped and started.
    rig.driver.prepare(0, { command: ata.CMD_READ_LOG_EXT, lba: 0x10, count: 1, regions: [[BUFFER, 512]] });
    rig.driver.ring(1);
    await rig.settle();
    expect(rig.driver.read(reg.PX_CI)).toBe(1);
    rig.driver.run();
    expect([rig.driver.read(reg.PX_CI), rig.driver.read(reg.PX_SACT)]).toEqual([0, 0]);
    rig.driver.ring(1);
    await rig.settle();
    expect([...rig.memory(BUFFER, 5)]).toEqual([4, 0, 0x41, ata.ERROR_UNC, 9]);
  });

  it('ends a command whose data has no room, or no memory, as an error of its own', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepare(0, { command: ata.CMD_READ_DMA_EXT, count: 2, regions: [[BUFFER, 512]] });
    rig.driver.ring(1);
    await rig.settle();
    expect(rig.driver.acknowledge() & (reg.IS_OFS | reg.IS_TFES)).toBe(reg.IS_OFS | reg.IS_TFES);
    rig.driver.run();
    rig.driver.prepare(0, { command: ata.CMD_READ_DMA_EXT, count: 1, regions: [[2 ** 40, 512]] });
    rig.driver.ring(1);
    await rig.settle();
    expect(rig.driver.acknowledge() & reg.IS_HBFS).toBe(reg.IS_HBFS);
  });

  it('forgets commands when the port is stopped', async () => {
    const rig = new Rig(asynchronous);
    rig.driver.prepareQueued(0, { lba: 1, sectors: 1, address: BUFFER });
    rig.driver.ring(1, true);
    rig.driver.write(reg.PX_CMD, reg.CMD_FRE);
    await rig.settle();
    expect([rig.driver.read(reg.PX_SACT), rig.driver.read(reg.PX_IS)]).toEqual([0, 0]);
    if (asynchronous) expect(rig.bench.memory.bytes[BUFFER + 1]).toBe(0);
  });
});

describe('resets', () => {
  it('by COMRESET bring the link up again with the signature', () => {
    const { driver } = new Rig();
    driver.write(reg.PX_CMD, reg.CMD_FRE);
    driver.write(reg.PX_SCTL, 0x301);
    expect([driver.read(reg.PX_SSTS), driver.read(reg.PX_TFD)]).toEqual([0, 0x7f]);
    driver.write(reg.PX_SCTL, 0x300);
    expect([driver.read(reg.PX_SSTS), driver.read(reg.PX_TFD), driver.read(reg.PX_SIG)]).toEqual([0x123, 0x150, 0x101]);
    expect(driver.read(reg.PX_IS) & reg.IS_PCS).toBe(reg.IS_PCS);
    driver.write(reg.PX_SERR, 0xffff_ffff);
    expect(driver.read(reg.PX_IS) & reg.IS_PCS).toBe(0);
  });

  it('by FIS do too', () => {
    const { cd } = new Rig();
    cd.prepareControl(0, 4);
    cd.ring(1);
    expect([cd.read(reg.PX_CI), cd.read(reg.PX_TFD) & ata.BSY]).toEqual([0, ata.BSY]);
    cd.write(reg.PX_CMD, reg.CMD_FRE);
    cd.write(reg.PX_CMD, reg.CMD_FRE | reg.CMD_CLO);
    cd.run();
    cd.prepareControl(0, 0);
    cd.ring(1);
    expect([cd.read(reg.PX_TFD), cd.read(reg.PX_SIG)]).toEqual([0x100, 0xeb14_0101]);
  });
});

describe('a packet device', () => {
  it('answers packets, and reports a check condition', async () => {
    const rig = new Rig();
    rig.cd.prepare(0, { command: ata.CMD_PACKET, packet: [0], device: 0 });
    rig.cd.ring(1);
    await rig.settle();
    expect(rig.cd.read(reg.PX_TFD)).toBe(0x51 | (0x60 << 8));
    expect(rig.cd.acknowledge() & reg.IS_TFES).toBe(reg.IS_TFES);
    rig.cd.run();
    rig.cd.prepare(0, { command: ata.CMD_PACKET, features: 1, packet: [0x28, 0, 0, 0, 0, 2, 0, 0, 3], device: 0, regions: [[BUFFER, 3 * 2048]] });
    rig.cd.ring(1);
    await rig.settle();
    expect([rig.cd.read(reg.PX_CI), rig.cd.moved(0), rig.cd.acknowledge()]).toEqual([0, 3 * 2048, reg.IS_DHRS]);
    expect(rig.memory(BUFFER, 3 * 2048)).toEqual(DISC.slice(2 * 2048, 5 * 2048));
    // INQUIRY with more room than there is to say.
    rig.cd.prepare(0, { command: ata.CMD_PACKET, packet: [0x12, 0, 0, 0, 96], device: 0, regions: [[BUFFER, 96]] });
    rig.cd.ring(1);
    await rig.settle();
    expect([rig.cd.moved(0), rig.bench.memory.bytes[BUFFER]]).toEqual([36, 5]);
  });
});

describe('interrupts', () => {
  it('by message go out for each occasion, and again if something is left', async () => {
    const rig = new Rig(false, true);
    const messages = (): number => rig.bench.irqs.rises('msi');
    rig.driver.prepareQueued(0, { lba: 1, sectors: 1, address: BUFFER });
    rig.driver.ring(1, true);
    await rig.settle();
    expect(messages()).toBe(1);
    rig.driver.prepareQueued(1, { lba: 1, sectors: 1, address: BUFFER });
    rig.driver.ring(2, true);
    await rig.settle();
    expect(messages()).toBe(1);
    // PxIS is left as it is: clearing IS says it again.
    rig.driver.hba(reg.IS, 1);
    expect([rig.driver.hba(reg.IS), messages()]).toEqual([1, 2]);
    rig.driver.acknowledge();
    expect([rig.driver.hba(reg.IS), messages()]).toEqual([0, 2]);
  });
});

for (const asynchronous of [false, true]) {
  const drivers = new WeakMap<Ahci, AhciDriver>();
  describeDevice(
    `Ahci (queued commands, ${asynchronous ? 'under way' : 'done'})`,
    (bench) => {
      const ahci = build(bench, diskOf(asynchronous));
      drivers.set(ahci, new AhciDriver(ahci, bench.memory));
      return ahci;
    },
    (ahci) => {
      const driver = (drivers.get(ahci) as AhciDriver).start();
      driver.prepareQueued(2, { lba: 3, sectors: 1, address: BUFFER });
      driver.prepareQueued(5, { lba: 8, sectors: 2, address: BUFFER + 0x1000, write: true });
      driver.ring(0x24, true);
      driver.prepare(6, { command: ata.CMD_FLUSH_CACHE_EXT });
      driver.ring(1 << 6);
    },
    {
      leaveInFlight: true,
      goOn: async (ahci, bench) => {
        await bench.ingress.drain();
        const driver = drivers.get(ahci) as AhciDriver;
        const seen = [driver.read(reg.PX_SACT), driver.read(reg.PX_CI), driver.acknowledge()];
        driver.prepare(1, { command: ata.CMD_READ_SECTORS_EXT, lba: 5, count: 1, regions: [[BUFFER + 0x3000, 512]] });
        driver.ring(2);
        await bench.ingress.drain();
        return [...seen, driver.acknowledge()];
      },
    },
  );
}

describe('any guest', () => {
  it('can write anything to any register and structure without harm', async () => {
    const access = fc.record({
      register: fc.oneof(fc.constantFrom(0x118, 0x138, 0x134, 0x12c, 0x110, 0x130, 0x04, 0x08, 0x238, 0x218), fc.nat(0x140).map((n) => n * 4)),
      value: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0x11, 0x10, 0x18, 1, 3, 0, 0x301, 0x300, 0x8000_0002)),
    });
    const slot = fc.record({
      command: fc.oneof(fc.nat(255), fc.constantFrom(0x25, 0x35, 0x60, 0x61, 0xa0, 0xec, 0xa1, 0x2f, 0x06, 0xea, 0x20, 0xc8)),
      features: fc.nat(8),
      count: fc.nat(300),
      lba: fc.nat(600),
      device: fc.constantFrom(0, 0x40, 0xe0),
      write: fc.boolean(),
      regions: fc.array(fc.tuple(fc.constantFrom(BUFFER, 0, 0xff000, 2 ** 33), fc.constantFrom(2, 512, 4096, 65536)), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(access, { maxLength: 60 }), fc.array(slot, { minLength: 1, maxLength: 8 }), fc.boolean(), async (accesses, slots, asynchronous) => {
        const rig = new Rig(asynchronous);
        slots.forEach((command, i) => {
          rig.driver.prepare(i, command);
          rig.cd.prepare(i, { ...command, packet: [command.command, 0, 0, 0, 0, command.count & 0xff, 0, 0, command.features] });
        });
        rig.driver.ring(0xff, true);
        rig.cd.ring(0xff);
        for (const { register, value } of accesses) {
          rig.driver.hba(register, value);
          if (value % 8 === 0) rig.bench.ingress.deliver();
        }
        const state = structuredClone(rig.ahci.save());
        await rig.settle();
        // And a reset gets it back to work.
        rig.driver.hba(reg.GHC, reg.GHC_HR);
        rig.driver.start().prepare(0, { command: ata.CMD_READ_DMA_EXT, lba: 1, count: 1, regions: [[BUFFER, 512]] });
        rig.driver.ring(1);
        await rig.settle();
        expect([rig.driver.read(reg.PX_CI), rig.driver.moved(0)]).toEqual([0, 512]);
        build(new Bench(), rig.disk).restore(state);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});
