import { describeDevice, FakeGuestMemory, IrqRecorder } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { EchoDevice, MmioPort, VirtioDriver } from './testing/index.js';
import { VIRTIO_F_VERSION_1 } from './virtio-device.js';
import { VirtioMmio } from './virtio-mmio.js';

function rig(legacy = false) {
  const memory = new FakeGuestMemory();
  const irqs = new IrqRecorder();
  const device = new EchoDevice();
  const virtio = new VirtioMmio({ memory, irq: irqs.line('irq'), device }, { legacy });
  return { memory, irqs, device, virtio };
}

describe.each([false, true])('virtio-mmio, legacy: %s', (legacy) => {
  it('comes up and serves', () => {
    const { memory, irqs, device, virtio } = rig(legacy);
    const driver = new VirtioDriver(memory, new MmioPort(virtio.region)).start();
    expect(driver.port.legacy).toBe(legacy);
    expect(driver.features & VIRTIO_F_VERSION_1).toBe(legacy ? 0n : VIRTIO_F_VERSION_1);
    for (let i = 0; i < 40; i++) {
      driver.queues[0]!.add([Uint8Array.of(1, i)], [1, 1]);
      driver.queues[0]!.kick();
      expect(irqs.level('irq')).toBe(true);
      expect(driver.port.takeInterrupts()).toBe(1);
      expect(irqs.level('irq')).toBe(false);
      expect(driver.queues[0]!.collect()[0]?.data).toEqual(Uint8Array.of(1, i));
    }
    expect(device.served).toBe(40);
  });

  it('tells of changed configuration', () => {
    const { memory, device, virtio, irqs } = rig(legacy);
    const driver = new VirtioDriver(memory, new MmioPort(virtio.region)).start();
    const generation = driver.port.configGeneration();
    device.config[3] = 0x44;
    device.host.configChanged();
    expect(irqs.level('irq')).toBe(true);
    expect(driver.port.takeInterrupts()).toBe(2);
    if (!legacy) expect(driver.port.configGeneration()).not.toBe(generation);
    expect(driver.port.readConfig(0, 4)).toBe(0x44030201);
    driver.port.writeConfig(0, 9, 1);
    expect(device.config[0]).toBe(9);
  });

  it('forgets everything on status 0', () => {
    const { memory, virtio, irqs } = rig(legacy);
    const driver = new VirtioDriver(memory, new MmioPort(virtio.region)).start();
    driver.queues[0]!.add([Uint8Array.of(1)], [1]);
    driver.queues[0]!.kick();
    driver.port.setStatus(0);
    expect(irqs.level('irq')).toBe(false);
    expect(driver.port.takeInterrupts()).toBe(0);
    virtio.region.handler.write(0x030, 0, 4);
    expect(virtio.region.handler.read(legacy ? 0x040 : 0x044, 4)).toBe(0);
  });

  it('takes any access without harm', () => {
    const { virtio } = rig(legacy);
    for (const value of [0, 1, 2, 0xff, 0xffff_ffff]) {
      for (let offset = 0; offset < virtio.region.length; offset += 4) {
        virtio.region.handler.write(offset, value, 4);
        expect(virtio.region.handler.read(offset, 4)).toBeLessThan(2 ** 32);
        expect(virtio.region.handler.read(offset + 1, 1)).toBeLessThan(256);
        virtio.region.handler.write(offset + 2, 1, 2);
      }
    }
  });

  describeDevice(
    `VirtioMmio, legacy: ${legacy}`,
    (bench) => new VirtioMmio({ memory: bench.memory, irq: bench.irqs.line('irq'), device: new EchoDevice() }, { legacy }),
    (virtio, bench) => {
      const driver = new VirtioDriver(bench.memory, new MmioPort(virtio.region)).start();
      driver.queues[0]!.add([Uint8Array.of(1, 2)], [2]);
      driver.queues[0]!.kick();
    },
    {
      goOn: (virtio, bench) => {
        const read = (offset: number): number => virtio.region.handler.read(offset, 4);
        const seen = [read(0x060), read(0x070), read(0x040), read(0x044)];
        bench.memory.writeU16(0x1_0000 + 16 * 16 + 2, 2);
        virtio.region.handler.write(0x050, 0, 4);
        virtio.region.handler.write(0x064, 3, 4);
        return seen;
      },
    },
  );
});

describe('virtio-mmio, version 2', () => {
  it('takes a queue away when QueueReady is cleared', () => {
    const { memory, virtio } = rig();
    new VirtioDriver(memory, new MmioPort(virtio.region)).start();
    const { handler } = virtio.region;
    handler.write(0x030, 1, 4);
    expect(handler.read(0x044, 4)).toBe(1);
    handler.write(0x044, 0, 4);
    expect(handler.read(0x044, 4)).toBe(0);
  });

  // 4.2.2.1: "If no region exists, both read as all-ones".
  it('has no shared memory', () => {
    const { handler } = rig().virtio.region;
    for (const offset of [0x0b0, 0x0b4]) expect(handler.read(offset, 4)).toBe(0xffff_ffff);
  });
});
