import { describeDevice, FakeGuestMemory } from '@pckit/device-testing';
import type { AccessSize, PciCapability, PciFunction } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EchoDevice, FakePciInterrupts, LegacyPciPort, PciPort, VirtioDriver } from './testing/index.js';
import type { EchoDeviceOptions, VirtioDriverOptions } from './testing/index.js';
import {
  STATUS_ACKNOWLEDGE,
  STATUS_DEVICE_NEEDS_RESET,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FEATURES_OK,
  VIRTIO_F_RING_EVENT_IDX,
  VIRTIO_F_RING_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
} from './virtio-device.js';
import type { DriverErrorEvent } from './virtio-device.js';
import { VirtioPci } from './virtio-pci.js';

interface Rig {
  readonly memory: FakeGuestMemory;
  readonly interrupts: FakePciInterrupts;
  readonly device: EchoDevice;
  readonly virtio: VirtioPci;
  readonly events: DriverErrorEvent[];
}

function rig(options: EchoDeviceOptions = {}, transitional = false): Rig {
  const memory = new FakeGuestMemory();
  const interrupts = new FakePciInterrupts();
  const device = new EchoDevice(options);
  const events: DriverErrorEvent[] = [];
  const virtio = new VirtioPci({ memory, interrupts, device, observer: (event) => events.push(event) }, { transitional });
  return { memory, interrupts, device, virtio, events };
}

const driverOf = ({ memory, virtio }: Rig, options: VirtioDriverOptions = {}): VirtioDriver => new VirtioDriver(memory, new PciPort(virtio.function), options);
const modern = (pci: PciFunction) => pci.bars.find(({ index }) => index === 4)!.region;
const vendor = (pci: PciFunction, type: number): PciCapability => pci.capabilities!.find(({ id, body }) => id === 9 && body[1] === type)!;

describe('a virtio PCI function', () => {
  it('is a modern device: 1AF4:1040+type, revision 1', () => {
    const { virtio } = rig();
    expect(virtio.function).toMatchObject({ vendorId: 0x1af4, deviceId: 0x1044, revision: 1, interruptPin: 1 });
    expect(virtio.function.bars.map(({ index, kind }) => [index, kind])).toEqual([
      [1, 'memory32'],
      [4, 'memory64'],
    ]);
    expect(virtio.function.msix).toEqual({ vectors: 3, bar: 1, tableOffset: 0, pendingOffset: 0x800 });
  });

  it('is a transitional device: 1AF4:1005, revision 0, the type as subsystem, an I/O bar', () => {
    const { virtio } = rig({}, true);
    expect(virtio.function).toMatchObject({ vendorId: 0x1af4, deviceId: 0x1005, revision: 0, subsystemId: 4 });
    expect(virtio.function.bars.map(({ index, kind }) => [index, kind])).toEqual([
      [0, 'io'],
      [1, 'memory32'],
      [4, 'memory64'],
    ]);
  });

  // 4.1.4: cap_len counts the two header bytes, which the host bridge adds.
  it('has capabilities that lie in its bars and name their own length', () => {
    const { virtio } = rig();
    const types = virtio.function.capabilities!.map(({ id, body }) => {
      expect(id).toBe(9);
      expect(body[0]).toBe(body.length + 2);
      const view = new DataView(body.buffer);
      if (body[1] !== 5) expect(view.getUint32(6, true) + view.getUint32(10, true)).toBeLessThanOrEqual(modern(virtio.function).length);
      return body[1];
    });
    expect([...types].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('has bars of power-of-two sizes', () => {
    for (const { region } of rig({ queueSizes: new Array<number>(100).fill(2) }, true).virtio.function.bars) expect(Math.log2(region.length) % 1).toBe(0);
  });

  it('refuses more queues than it has vectors, and sizes that are no power of two', () => {
    expect(() => rig({ queueSizes: new Array<number>(128).fill(2) })).toThrow(/128 queues/);
    expect(() => rig({ queueSizes: [3] })).toThrow(/queue size 3/);
  });
});

describe('a virtio PCI device comes up', () => {
  it('for a driver that reads the capabilities', () => {
    const r = rig();
    const driver = driverOf(r).start();
    expect(r.device.started! & (VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_RING_INDIRECT_DESC)).toBe(VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX | VIRTIO_F_RING_INDIRECT_DESC);
    expect(driver.queues.map(({ size }) => size)).toEqual([16, 8]);
    const queue = driver.queues[1]!;
    queue.add([Uint8Array.of(1, 2, 3), Uint8Array.of(4)], [2, 8]);
    queue.kick();
    expect(queue.collect()).toMatchObject([{ written: 4, data: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0, 0, 0) }]);
  });

  it('without event index and indirect descriptors, with smaller queues', () => {
    const r = rig();
    const driver = driverOf(r, { features: VIRTIO_F_VERSION_1, queueSize: 4 }).start();
    for (let i = 0; i < 50; i++) {
      driver.queues[0]!.add([Uint8Array.of(i)], [1]);
      driver.queues[0]!.kick();
      expect(driver.queues[0]!.collect()[0]?.data).toEqual(Uint8Array.of(i));
    }
    expect(r.device.served).toBe(50);
  });

  it('not with features that it does not offer, and not without VERSION_1', () => {
    for (const features of [VIRTIO_F_VERSION_1 | (1n << 63n), VIRTIO_F_VERSION_1 | 1n, 1n << 3n]) {
      const r = rig();
      const port = new PciPort(r.virtio.function);
      port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
      port.setDriverFeatures(features);
      port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
      expect(port.status).toBe(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
      port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
      expect(r.device.started).toBeUndefined();
    }
  });

  it('and does nothing before DRIVER_OK, then what was rung for', () => {
    const r = rig();
    const driver = driverOf(r);
    driver.negotiate();
    driver.setUpQueues();
    driver.queues[0]!.add([Uint8Array.of(9)], [1]);
    driver.queues[0]!.kick();
    expect(r.device.notified).toBe(0);
    driver.ready();
    expect(driver.queues[0]!.collect()).toHaveLength(1);
  });

  it('keeps the features once they are agreed', () => {
    const r = rig();
    const driver = driverOf(r).start();
    driver.port.setDriverFeatures(0n);
    expect(modern(r.virtio.function).handler.read(0x0c, 4)).not.toBe(0);
  });

  it('and goes back to the start on status 0, with queues and vectors forgotten', () => {
    const r = rig();
    r.interrupts.msixEnabled = true;
    const driver = driverOf(r, { vectors: [0, 1, 2], queueSize: 4 }).start();
    driver.port.setStatus(0);
    expect(driver.port.status).toBe(0);
    expect(r.device.started).toBeUndefined();
    expect(driver.port.queueMaxSize(0)).toBe(16);
    const { handler } = modern(r.virtio.function);
    expect([handler.read(0x10, 2), handler.read(0x1a, 2), handler.read(0x1c, 2), handler.read(0x20, 4)]).toEqual([0xffff, 0xffff, 0, 0]);
    expect(driver.start().queues).toHaveLength(2);
  });
});

describe("a virtio PCI device's registers", () => {
  it('answer for queues that are not there', () => {
    const { handler } = modern(rig().virtio.function);
    handler.write(0x16, 77, 2);
    expect([handler.read(0x16, 2), handler.read(0x18, 2), handler.read(0x1a, 2), handler.read(0x1c, 2)]).toEqual([77, 0, 0xffff, 0]);
    handler.write(0x18, 8, 2);
    handler.write(0x1c, 1, 2);
    expect(handler.read(0x1c, 2)).toBe(0);
  });

  it('read the same at every width', () => {
    const r = rig();
    driverOf(r).start();
    const { handler } = modern(r.virtio.function);
    const bytes = Array.from({ length: 0x40 }, (_, i) => handler.read(i, 1));
    for (const size of [2, 4] as const) {
      for (let at = 0; at < 0x40; at += size) {
        const value = handler.read(at, size);
        expect([at, value]).toEqual([at, bytes.slice(at, at + size).reduceRight((sum, byte) => sum * 256 + byte, 0)]);
      }
    }
  });

  it('refuse vectors that are not there', () => {
    const { handler } = modern(rig().virtio.function);
    for (const [vector, reads] of [
      [2, 2],
      [3, 0xffff],
      [0, 0],
      [0xffff, 0xffff],
    ] as const) {
      handler.write(0x10, vector, 2);
      handler.write(0x1a, vector, 2);
      expect([handler.read(0x10, 2), handler.read(0x1a, 2)]).toEqual([reads, reads]);
    }
  });

  it('give and take device configuration at every width', () => {
    const r = rig();
    const { port } = driverOf(r).start();
    expect(port.readConfig(0, 4)).toBe(0x04030201);
    expect(port.readConfig(6, 2)).toBe(0x0807);
    port.writeConfig(2, 0xabcd, 2);
    expect([...r.device.config]).toEqual([1, 2, 0xcd, 0xab, 5, 6, 7, 8]);
    expect(port.readConfig(8, 4)).toBe(0);
    port.writeConfig(7, 0xffff, 2);
    expect(r.device.config[7]).toBe(8);
  });

  it('take any access without harm', () => {
    const sizes: AccessSize[] = [1, 2, 4];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ bar: fc.nat(2), offset: fc.oneof(fc.nat(0x3f), fc.nat(0x3fff)), size: fc.constantFrom(...sizes), value: fc.oneof(fc.constantFrom(0, 1, 4, 15, 0x8000), fc.integer({ min: 0, max: 0xffff_ffff })), write: fc.boolean() }),
          { maxLength: 60 },
        ),
        (accesses) => {
          const r = rig({}, true);
          for (const { bar, offset, size, value, write } of accesses) {
            const { region } = r.virtio.function.bars[bar]!;
            const at = offset % (region.length - size + 1);
            if (write) region.handler.write(at, value % 2 ** (8 * size), size);
            else expect(region.handler.read(at, size)).toBeLessThan(2 ** (8 * size));
          }
        },
      ),
      { seed: 7, numRuns: 1000 },
    );
  });
});

describe('a virtio PCI device interrupts', () => {
  it('through INTx until the ISR is read', () => {
    const r = rig();
    const driver = driverOf(r).start();
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    expect(r.interrupts.level).toBe(true);
    expect(driver.port.takeInterrupts()).toBe(1);
    expect(r.interrupts.level).toBe(false);
    expect(driver.port.takeInterrupts()).toBe(0);
  });

  it("through the queue's MSI-X vector, INTx and ISR aside", () => {
    const r = rig();
    r.interrupts.msixEnabled = true;
    const driver = driverOf(r, { vectors: [0, 1, 2] }).start();
    for (const queue of [1, 0, 1]) {
      driver.queues[queue]!.add([Uint8Array.of(1)], [1]);
      driver.queues[queue]!.kick();
      driver.queues[queue]!.collect();
    }
    expect(r.interrupts.messages).toEqual([2, 1, 2]);
    expect(r.interrupts.rises).toBe(0);
    expect(driver.port.takeInterrupts()).toBe(0);
  });

  it('not at all through a queue without a vector', () => {
    const r = rig();
    r.interrupts.msixEnabled = true;
    const driver = driverOf(r, { vectors: [0, 0xffff, 0xffff] }).start();
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    expect(driver.queues[0]!.collect()).toHaveLength(1);
    expect(r.interrupts.messages).toEqual([]);
  });

  it('for a change of configuration, and moves the generation', () => {
    const r = rig();
    r.interrupts.msixEnabled = true;
    const driver = driverOf(r, { vectors: [1, 0, 0] }).start();
    const before = driver.port.configGeneration();
    r.device.config[0] = 77;
    r.device.host.configChanged();
    expect(driver.port.configGeneration()).not.toBe(before);
    expect(driver.port.readConfig(0, 1)).toBe(77);
    expect(r.interrupts.messages).toEqual([1]);
    expect(driver.port.takeInterrupts()).toBe(2);
  });

  it('for no change of configuration before the driver is ready', () => {
    const r = rig();
    driverOf(r).negotiate();
    r.device.host.configChanged();
    expect(r.interrupts.rises).toBe(0);
  });
});

describe('a virtio PCI device with a broken driver', () => {
  it('asks for a reset, tells the observer once, and works again after it', () => {
    const r = rig();
    const driver = driverOf(r, { features: VIRTIO_F_VERSION_1 }).start();
    const queue = driver.queues[0]!;
    r.memory.writeU16(queue.rings.available + 2, 99);
    driver.port.notify(0);
    driver.port.notify(0);
    driver.port.notify(1);
    expect(driver.port.status & STATUS_DEVICE_NEEDS_RESET).toBe(STATUS_DEVICE_NEEDS_RESET);
    expect(r.events).toEqual([{ kind: 'driver-error', device: 'echo', queue: 0, code: 'available-index', detail: expect.stringContaining('99') as string }]);
    expect(r.interrupts.level).toBe(true);
    expect(driver.port.takeInterrupts()).toBe(2);
    // The driver can't take the bit away.
    driver.port.setStatus(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    expect(driver.port.status & STATUS_DEVICE_NEEDS_RESET).toBe(STATUS_DEVICE_NEEDS_RESET);
    const again = driverOf(r).start();
    again.queues[0]!.add([Uint8Array.of(1)], [1]);
    again.queues[0]!.kick();
    expect(again.queues[0]!.collect()).toHaveLength(1);
  });

  it('says so of a queue that is not in RAM', () => {
    const r = rig();
    const port = new PciPort(r.virtio.function);
    port.setStatus(STATUS_ACKNOWLEDGE);
    port.setQueue(0, 16, { descriptors: 2 ** 40, available: 0x1000, used: 0x2000 });
    expect(r.events.map(({ code }) => code)).toEqual(['ring-address']);
    expect(port.status & STATUS_DEVICE_NEEDS_RESET).toBe(STATUS_DEVICE_NEEDS_RESET);
  });
});

describe('bus mastering', () => {
  it('off: queues rest, completions touch no memory; on: goes on', () => {
    const r = rig({ hold: true });
    const driver = driverOf(r).start();
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    expect(r.device.held).toHaveLength(1);
    r.virtio.function.onBusMaster!(false);
    driver.queues[0]!.add([Uint8Array.of(2)], [1]);
    driver.queues[0]!.kick();
    r.memory.writes.length = 0;
    r.device.finish();
    expect(r.memory.writes).toEqual([]);
    expect(r.interrupts.rises).toBe(0);
    r.virtio.function.onBusMaster!(true);
    expect(r.device.held).toHaveLength(1);
    r.device.finish();
    expect(driver.queues[0]!.collect()).toHaveLength(1);
  });

  it('off at power-on', () => {
    const r = rig();
    const driver = driverOf(r);
    r.virtio.function.onBusMaster!(false);
    driver.start();
    driver.queues[0]!.add([Uint8Array.of(2)], [1]);
    driver.queues[0]!.kick();
    expect(driver.queues[0]!.collect()).toEqual([]);
  });
});

describe('ring reset', () => {
  // 2.6.1
  it('takes one queue back and leaves the other', () => {
    const r = rig();
    const driver = driverOf(r).start();
    const { handler } = modern(r.virtio.function);
    handler.write(0x16, 0, 2);
    handler.write(0x3a, 1, 2);
    expect([handler.read(0x3a, 2), handler.read(0x1c, 2)]).toEqual([0, 0]);
    driver.queues[1]!.add([Uint8Array.of(1)], [1]);
    driver.queues[1]!.kick();
    expect(driver.queues[1]!.collect()).toHaveLength(1);
  });
});

describe('the PCI configuration access capability', () => {
  const setWindow = (cap: PciCapability, bar: number, offset: number, length: number): void => {
    cap.onWrite!(2, bar, 1);
    cap.onWrite!(6, offset, 4);
    cap.onWrite!(10, length, 4);
  };

  // 4.1.4.9
  it('reads and writes a bar through configuration space', () => {
    const { virtio } = rig();
    const cap = vendor(virtio.function, 5);
    setWindow(cap, 4, 0x14, 1);
    cap.onWrite!(14, STATUS_ACKNOWLEDGE, 1);
    expect(cap.onRead!(14, 1)).toBe(STATUS_ACKNOWLEDGE);
    setWindow(cap, 4, 0x2000, 4);
    expect(cap.onRead!(14, 4)).toBe(0x04030201);
    expect([cap.onRead!(0, 1), cap.onRead!(1, 1), cap.onRead!(2, 1), cap.onRead!(6, 4), cap.onRead!(10, 4)]).toEqual([20, 5, 4, 0x2000, 4]);
  });

  it('takes only windows within a bar of the very length of the access', () => {
    const { virtio } = rig();
    const cap = vendor(virtio.function, 5);
    for (const [bar, offset, length] of [
      [4, 0x4000, 4],
      [4, 0x3ffe, 4],
      [4, 0xffff_fffc, 4],
      [4, 0x2002, 4],
      [4, 0x2000, 2],
      [3, 0, 4],
      [0, 0, 4],
    ] as const) {
      setWindow(cap, bar, offset, length);
      expect(cap.onRead!(14, 4)).toBe(0);
      cap.onWrite!(14, 0xffff_ffff, 4);
    }
    setWindow(cap, 4, 0x2000, 4);
    expect(cap.onRead!(14, 4)).toBe(0x04030201);
  });

  it('keeps the fields that are not the driver’s', () => {
    const { virtio } = rig();
    const cap = vendor(virtio.function, 5);
    cap.onWrite!(0, 0xffff, 2);
    cap.onWrite!(3, 0xff, 1);
    expect([cap.onRead!(0, 2), cap.onRead!(3, 1)]).toEqual([0x0514, 0]);
  });
});

describe('the legacy interface of a transitional device', () => {
  const legacyDriver = (r: Rig, options: VirtioDriverOptions = {}): VirtioDriver => new VirtioDriver(r.memory, new LegacyPciPort(r.virtio.function, r.interrupts.msixEnabled), options);

  it('serves a driver that knows no other', () => {
    const r = rig({}, true);
    const driver = legacyDriver(r).start();
    expect(r.device.started! & VIRTIO_F_VERSION_1).toBe(0n);
    expect(driver.queues.map(({ size }) => size)).toEqual([16, 8]);
    driver.queues[1]!.add([Uint8Array.of(5, 6)], [2]);
    driver.queues[1]!.kick();
    expect(driver.queues[1]!.collect()).toMatchObject([{ data: Uint8Array.of(5, 6) }]);
    expect(r.interrupts.level).toBe(true);
    expect(driver.port.takeInterrupts()).toBe(1);
    expect(r.interrupts.level).toBe(false);
    expect(driver.port.readConfig(0, 4)).toBe(0x04030201);
  });

  it('has its vectors, and configuration behind them, while MSI-X is enabled', () => {
    const r = rig({}, true);
    r.interrupts.msixEnabled = true;
    const driver = legacyDriver(r, { vectors: [2, 0, 1] }).start();
    driver.queues[1]!.add([Uint8Array.of(5, 6)], [2]);
    driver.queues[1]!.kick();
    expect(r.interrupts.messages).toEqual([1]);
    expect(driver.port.readConfig(4, 1)).toBe(5);
    const { handler } = r.virtio.function.bars[0]!.region;
    expect([handler.read(0x14, 2), handler.read(0x16, 2)]).toEqual([2, 1]);
    handler.write(0x16, 9, 2);
    expect(handler.read(0x16, 2)).toBe(0xffff);
  });

  // Linux before 3.19 sets DRIVER_OK after virtio_blk's probe has read the partition table.
  it('serves a driver that rings before DRIVER_OK, and one that never turned bus mastering on', () => {
    const r = rig({}, true);
    const driver = legacyDriver(r);
    driver.negotiate();
    driver.setUpQueues();
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    expect(driver.queues[0]!.collect()).toHaveLength(1);
    driver.ready();
    expect(r.device.served).toBe(1);
  });

  it('reads back the page of a queue, and page 0 takes it away', () => {
    const r = rig({}, true);
    const driver = legacyDriver(r).start();
    const { handler } = r.virtio.function.bars[0]!.region;
    handler.write(0x0e, 0, 2);
    expect(handler.read(0x08, 4) * 4096).toBe(driver.queues[0]!.rings.descriptors);
    handler.write(0x08, 0, 4);
    expect(handler.read(0x08, 4)).toBe(0);
    handler.write(0x08, 0xffff_ffff, 4);
    expect(r.events.map(({ code }) => code)).toEqual(['ring-address']);
  });

  it('leaves the modern interface usable after a reset', () => {
    const r = rig({}, true);
    legacyDriver(r).start();
    const driver = driverOf(r).start();
    expect(r.device.started! & VIRTIO_F_VERSION_1).toBe(VIRTIO_F_VERSION_1);
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    expect(driver.queues[0]!.collect()).toHaveLength(1);
  });
});

for (const transitional of [false, true]) {
  describeDevice(
    transitional ? 'VirtioPci, transitional' : 'VirtioPci',
    (bench) => {
      const interrupts = { intx: bench.irqs.line('intx'), msiEnabled: false, msixEnabled: false, notify: () => undefined };
      return new VirtioPci({ memory: bench.memory, interrupts, device: new EchoDevice() }, { transitional });
    },
    (virtio, bench) => {
      const port = transitional ? new LegacyPciPort(virtio.function) : new PciPort(virtio.function);
      const driver = new VirtioDriver(bench.memory, port).start();
      driver.queues[0]!.add([Uint8Array.of(1, 2)], [2]);
      driver.queues[0]!.kick();
      if (!transitional) vendor(virtio.function, 5).onWrite!(6, 0x2000, 4);
    },
    {
      // The driver's own memory of the rings is not in the snapshot; a bare ring of the doorbell shows where the device is.
      goOn: (virtio, bench) => {
        const port = transitional ? new LegacyPciPort(virtio.function) : new PciPort(virtio.function);
        const isr = port.takeInterrupts();
        bench.memory.writeU16(0x1_0000 + 16 * 16 + 2, 2);
        port.notify(0);
        return { isr, again: port.takeInterrupts(), status: port.status, config: port.readConfig(0, 4) };
      },
    },
  );
}
