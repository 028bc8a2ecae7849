import { describeDevice, FakeGuestMemory, SeededRandom } from '@pckit/device-testing';
import { describe, expect, it } from 'vitest';
import { FakePciInterrupts, PciPort, VirtioDriver } from './testing/index.js';
import { VirtioPci } from './virtio-pci.js';
import { VirtioRng } from './virtio-rng.js';

function rig() {
  const memory = new FakeGuestMemory();
  const interrupts = new FakePciInterrupts();
  const virtio = new VirtioPci({ memory, interrupts, device: new VirtioRng({ entropy: new SeededRandom(5) }) }, { transitional: true });
  return { memory, interrupts, virtio, driver: new VirtioDriver(memory, new PciPort(virtio.function)).start() };
}

describe('the entropy device', () => {
  it('is 1AF4:1005 when transitional, with one queue of 8', () => {
    const { virtio, driver } = rig();
    expect(virtio.function.deviceId).toBe(0x1005);
    expect(driver.queues.map(({ size }) => size)).toEqual([8]);
  });

  it('fills every writable buffer from its source and interrupts', () => {
    const { interrupts, driver } = rig();
    driver.queues[0]!.add([], [64, 3]);
    driver.queues[0]!.add([], [32]);
    driver.queues[0]!.kick();
    const expected = new SeededRandom(5);
    const first = new Uint8Array(67);
    expected.fill(first.subarray(0, 64));
    expected.fill(first.subarray(64));
    const second = new Uint8Array(32);
    expected.fill(second);
    expect(driver.queues[0]!.collect()).toMatchObject([
      { written: 67, data: first },
      { written: 32, data: second },
    ]);
    expect(interrupts.rises).toBe(1);
  });

  it('gives a chain without room back empty', () => {
    const { driver } = rig();
    driver.queues[0]!.add([Uint8Array.of(1)], []);
    driver.queues[0]!.kick();
    expect(driver.queues[0]!.collect()).toMatchObject([{ written: 0 }]);
  });

  it('fills at most 64 KiB of one request', () => {
    const { driver } = rig();
    driver.queues[0]!.add([], [60_000, 60_000]);
    driver.queues[0]!.kick();
    const [chain] = driver.queues[0]!.collect();
    expect(chain?.written).toBe(65_536);
    expect(chain?.data.subarray(65_536).every((byte) => byte === 0)).toBe(true);
  });
});

describeDevice(
  'VirtioPci with VirtioRng',
  (bench) =>
    new VirtioPci({
      memory: bench.memory,
      interrupts: { intx: bench.irqs.line('intx'), msiEnabled: false, msixEnabled: false, notify: () => undefined },
      device: new VirtioRng({ entropy: new SeededRandom(5) }),
    }),
  (virtio, bench) => {
    const driver = new VirtioDriver(bench.memory, new PciPort(virtio.function)).start();
    driver.queues[0]!.add([], [16]);
    driver.queues[0]!.kick();
  },
  // The seed's position is the source's state, not the device's: only what needs no bytes is compared.
  { goOn: (virtio) => new PciPort(virtio.function).takeInterrupts() },
);
