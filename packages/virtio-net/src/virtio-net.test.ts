import { FakeClock, FakeEthernetPort, FakeGuestMemory, SeededRandom, describeDevice } from '@pckit/device-testing';
import type { FrameOffload } from '@pckit/interfaces';
import { STATUS_DEVICE_NEEDS_RESET, VIRTIO_F_RING_EVENT_IDX, VirtioMmio, VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, LegacyPciPort, MmioPort } from '@pckit/virtio/testing';
import type { VirtioDriverOptions } from '@pckit/virtio/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_MRG_RXBUF,
} from './config.js';
import { NetDriver } from './testing/net-driver.js';
import { VirtioNet, type VirtioNetOptions } from './virtio-net.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
const ALL = (1n << 24n) - 1n | (0xffn << 24n) | (1n << 32n);

interface Sent {
  readonly frame: Uint8Array;
  readonly offload: FrameOffload | undefined;
}

class Cable extends FakeEthernetPort {
  readonly frames: Sent[] = [];
  ready = 0;
  #receive!: (frame: Uint8Array, offload?: FrameOffload) => boolean;

  constructor(readonly takesOffloads: boolean) {
    super();
  }

  override send(frame: Uint8Array, offload?: FrameOffload): void {
    this.frames.push({ frame: frame.slice(), offload: offload === undefined ? undefined : { ...offload } });
  }

  override attach(receive: (frame: Uint8Array, offload?: FrameOffload) => boolean): void {
    this.#receive = receive;
  }

  override deliver(frame: Uint8Array, offload?: FrameOffload): boolean {
    return this.#receive(frame, offload);
  }

  onReady(): void {
    this.ready++;
  }
}

class Rig {
  readonly clock = new FakeClock();
  readonly memory = new FakeGuestMemory({ length: 4 << 20 });
  readonly interrupts = new FakePciInterrupts();
  readonly cable: Cable;
  readonly net: VirtioNet;
  readonly virtio: VirtioPci;

  constructor(takesOffloads = false, options: Partial<VirtioNetOptions> = {}) {
    this.cable = new Cable(takesOffloads);
    this.net = new VirtioNet({ port: this.cable, clock: this.clock }, { mac: MAC, ...options });
    this.virtio = new VirtioPci({ memory: this.memory, interrupts: this.interrupts, device: this.net }, { transitional: true });
  }

  driver(options: VirtioDriverOptions & { headerLength?: number } = {}): NetDriver {
    return new NetDriver(this.memory, this.virtio.function, options);
  }
}

function frame(length: number, to: Uint8Array = MAC, seed = 1): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 13 + seed) & 0xff);
  bytes.set(to);
  bytes.set([0x52, 0x55, 10, 0, 2, 2, 0x88, 0xb5], 6);
  return bytes;
}

/** 10.0.2.2 to 10.0.2.15 with `payload` bytes of TCP, its checksum unfinished. */
function tcpFrame(payload: number, flags = 0x18): Uint8Array {
  const bytes = frame(54 + payload);
  bytes.set([0x08, 0x00, 0x45, 0, (40 + payload) >> 8, (40 + payload) & 0xff, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15, 0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0], 12);
  return bytes;
}

const TSO: FrameOffload = { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1000 };

describe('virtio-net sends', () => {
  it('what the driver gives it, at once, and gives the buffers back', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.send(frame(60));
    driver.send(frame(1514, BROADCAST));
    expect(rig.cable.frames.map((sent) => sent.frame)).toEqual([frame(60), frame(1514, BROADCAST)]);
    expect(driver.transmitQueue.collect().map(({ written }) => written)).toEqual([0, 0]);
    expect(rig.net.statistics).toMatchObject({ transmitted: 2, transmittedBytes: 1574 });
  });

  it('with one interrupt for the frames of half a millisecond', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.send(frame(60));
    rig.clock.advance(400_000);
    driver.send(frame(61));
    expect(rig.interrupts.rises).toBe(0);
    rig.clock.advance(100_000);
    expect(rig.interrupts.rises).toBe(1);
    expect(driver.transmitQueue.collect()).toHaveLength(2);
    rig.clock.advance(1_000_000);
    expect(rig.interrupts.rises).toBe(1);
  });

  it('with an interrupt at once when a quarter of the queue was sent', () => {
    const rig = new Rig(false, { queueSize: 16 });
    const driver = rig.driver();
    for (let i = 0; i < 3; i++) driver.send(frame(60 + i));
    expect(rig.interrupts.rises).toBe(0);
    driver.send(frame(63));
    expect(rig.interrupts.rises).toBe(1);
  });

  it('with an interrupt for each frame where there is no clock', () => {
    const cable = new Cable(false);
    const memory = new FakeGuestMemory({ length: 4 << 20 });
    const interrupts = new FakePciInterrupts();
    const driver = new NetDriver(memory, new VirtioPci({ memory, interrupts, device: new VirtioNet({ port: cable }, { mac: MAC }) }).function);
    driver.send(frame(60));
    expect(interrupts.rises).toBe(1);
  });

  it('a frame whose header and bytes lie in one buffer or in many', () => {
    const rig = new Rig();
    const driver = rig.driver();
    const whole = frame(200);
    const together = new Uint8Array(212);
    together.set(whole, 12);
    driver.transmitQueue.add([together], []);
    driver.transmitQueue.add([together.subarray(0, 5), together.subarray(5, 13), together.subarray(13, 100), together.subarray(100)], []);
    driver.transmitQueue.kick();
    expect(rig.cable.frames.map((sent) => sent.frame)).toEqual([whole, whole]);
  });

  it('finishes checksums and cuts TCP for a port that takes only whole frames', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.send(tcpFrame(2500), { flags: 1, gsoType: 1, gsoSize: 1000, csumStart: 34, csumOffset: 16 });
    expect(rig.cable.frames.map((sent) => sent.frame.length)).toEqual([1054, 1054, 554]);
    driver.send(frame(80), { flags: 1, csumStart: 34, csumOffset: 16 });
    expect(rig.cable.frames[3]!.offload).toBeUndefined();
    expect(rig.cable.frames[3]!.frame).not.toEqual(frame(80));
  });

  it('hands unfinished frames to a port that takes them', () => {
    const rig = new Rig(true);
    const driver = rig.driver();
    driver.send(tcpFrame(2500), { flags: 1, gsoType: 1, gsoSize: 1000, csumStart: 34, csumOffset: 16 });
    driver.send(frame(80), { flags: 1, csumStart: 34, csumOffset: 6 });
    driver.send(frame(80));
    expect(rig.cable.frames).toEqual([
      { frame: tcpFrame(2500), offload: TSO },
      { frame: frame(80), offload: { checksumStart: 34, checksumOffset: 6, segmentation: 'none', segmentBytes: 0 } },
      { frame: frame(80), offload: undefined },
    ]);
  });

  it('drops what is no frame, and what it can not cut as told', () => {
    const rig = new Rig(true);
    const driver = rig.driver();
    driver.send(frame(14).subarray(0, 13));
    driver.send(new Uint8Array(70_000));
    driver.send(frame(80), { flags: 1, csumStart: 70, csumOffset: 16 });
    expect(rig.cable.frames).toEqual([]);
    expect(driver.transmitQueue.collect()).toHaveLength(3);
    expect(rig.net.statistics.transmitDropped).toBe(3);
  });

  it('says that a chain without a header breaks the protocol', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.transmitQueue.add([new Uint8Array(11)], []);
    driver.transmitQueue.kick();
    expect(driver.driver.port.status & STATUS_DEVICE_NEEDS_RESET).not.toBe(0);
  });

  it('works for a legacy driver, whose header has 10 bytes', () => {
    const rig = new Rig();
    const driver = new NetDriver(rig.memory, new LegacyPciPort(rig.virtio.function), { headerLength: 10, features: ALL & ~VIRTIO_NET_F_MRG_RXBUF });
    driver.send(frame(70));
    expect(rig.cable.frames.map((sent) => sent.frame)).toEqual([frame(70)]);
    driver.offer(1526);
    expect(rig.cable.deliver(frame(90))).toBe(true);
    expect(driver.received().map((got) => got.frame)).toEqual([frame(90)]);
    driver.driver.port.writeConfig(0, 0x02, 1);
    driver.driver.port.writeConfig(5, 0x99, 1);
    expect([0, 5].map((at) => driver.driver.port.readConfig(at, 1))).toEqual([0x02, 0x99]);
  });

  it('works over MMIO', () => {
    const cable = new Cable(false);
    const memory = new FakeGuestMemory({ length: 4 << 20 });
    const mmio = new VirtioMmio({ memory, irq: { set: () => undefined }, device: new VirtioNet({ port: cable }, { mac: MAC }) });
    const driver = new NetDriver(memory, new MmioPort(mmio.region));
    driver.send(frame(64));
    expect(cable.frames).toHaveLength(1);
  });
});

describe('virtio-net receives', () => {
  it('into the buffers that there are, and interrupts', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.offer(1526, 1526);
    expect(rig.cable.deliver(frame(60))).toBe(true);
    expect(rig.interrupts.rises).toBe(1);
    expect(driver.received()).toEqual([{ header: { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, numBuffers: 1 }, frame: frame(60) }]);
  });

  it('a frame over several buffers when they may be merged', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.offer(100, 100, 1000, 1000, 100);
    expect(rig.cable.deliver(frame(1514))).toBe(true);
    const [got] = driver.received();
    expect(got!.header.numBuffers).toBe(4);
    expect(got!.frame).toEqual(frame(1514));
    expect(driver.receiveQueue.outstanding).toBe(1);
  });

  it('refuses a frame without buffers for all of it, leaves them, and says when there are more', () => {
    const rig = new Rig();
    const driver = rig.driver();
    expect(rig.cable.deliver(frame(60))).toBe(false);
    driver.offer(100, 100);
    const before = rig.cable.ready;
    expect(rig.cable.deliver(frame(400))).toBe(false);
    expect(driver.receiveQueue.collect()).toEqual([]);
    driver.offer(300);
    expect(rig.cable.ready).toBe(before + 1);
    expect(rig.cable.deliver(frame(400))).toBe(true);
    expect(driver.received()[0]!.frame).toEqual(frame(400));
    expect(rig.net.statistics).toMatchObject({ received: 1, receiveStalls: 2 });
  });

  it('wants no rings from the driver while it has buffers', () => {
    const rig = new Rig();
    const driver = rig.driver();
    expect(driver.driver.features & VIRTIO_F_RING_EVENT_IDX).not.toBe(0n);
    driver.offer(1526);
    driver.offer(1526);
    expect(driver.receiveQueue.suppressedKicks).toBe(1);
  });

  it('drops a frame that is larger than a buffer when they may not be merged', () => {
    const rig = new Rig();
    const driver = rig.driver({ features: ALL & ~VIRTIO_NET_F_MRG_RXBUF });
    driver.offer(100, 1526);
    expect(rig.cable.deliver(frame(400))).toBe(true);
    expect(rig.net.statistics.receiveDropped).toBe(1);
    expect(rig.cable.deliver(frame(400))).toBe(true);
    expect(driver.receiveQueue.collect().map(({ written }) => written)).toEqual([0, 412]);
  });

  it('drops frames while there is no driver, the link is down, or they are no frames', () => {
    const rig = new Rig();
    expect(rig.cable.deliver(frame(60))).toBe(true);
    const driver = rig.driver();
    driver.offer(1526, 1526);
    expect(rig.cable.deliver(frame(14).subarray(0, 13))).toBe(true);
    rig.net.setLink(false);
    expect(rig.cable.deliver(frame(60))).toBe(true);
    driver.send(frame(60));
    expect(rig.cable.frames).toEqual([]);
    expect(driver.received()).toEqual([]);
    expect(rig.net.statistics).toMatchObject({ receiveDropped: 3, transmitDropped: 1 });
  });

  it('leaves checksums and segmentation to a driver that takes them', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.offer(4096);
    expect(rig.cable.deliver(tcpFrame(2500), TSO)).toBe(true);
    expect(driver.received()).toEqual([{ header: { flags: 1, gsoType: 1, hdrLen: 54, gsoSize: 1000, csumStart: 34, csumOffset: 16, numBuffers: 1 }, frame: tcpFrame(2500) }]);
  });

  describe('says of a whole frame whose checksum is right that it is', () => {
    const DATA_VALID = 2;
    /** With the checksum that its headers and payload have. */
    const packet = (version: 4 | 6, protocol: 6 | 17, payload: number, spoil: (bytes: Uint8Array, transport: number) => void = () => {}): Uint8Array => {
      const header = protocol === 6 ? 20 : 8;
      const transport = version === 4 ? 34 : 54;
      const length = header + payload;
      const bytes = frame(transport + length);
      if (version === 4) bytes.set([0x08, 0x00, 0x45, 0, (20 + length) >> 8, (20 + length) & 0xff, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15], 12);
      else bytes.set([0x86, 0xdd, 0x60, 0, 0, 0, length >> 8, length & 0xff, protocol, 64], 12);
      if (protocol === 6) bytes[transport + 12] = 0x50;
      else bytes.set([length >> 8, length & 0xff], transport + 4);
      const checksum = transport + (protocol === 6 ? 16 : 6);
      bytes.set([0, 0], checksum);
      let sum = protocol + length;
      for (let i = version === 4 ? 26 : 22; i < bytes.length; i++) sum += (i & 1) === 0 ? bytes[i]! << 8 : bytes[i]!;
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      bytes.set([(~sum >> 8) & 0xff, ~sum & 0xff], checksum);
      spoil(bytes, transport);
      return bytes;
    };
    const flagsOf = (whole: Uint8Array, features = ALL): number => {
      const rig = new Rig();
      const driver = rig.driver({ features });
      driver.offer(4096);
      expect(rig.cable.deliver(whole)).toBe(true);
      const [got] = driver.received();
      expect(got!.frame).toEqual(whole);
      return got!.header.flags;
    };

    for (const version of [4, 6] as const) {
      for (const protocol of [6, 17] as const) {
        it(`(IPv${version}, protocol ${protocol})`, () => {
          for (const payload of [0, 1, 2, 3, 7, 33, 1400, 1401]) {
            expect(flagsOf(packet(version, protocol, payload))).toBe(DATA_VALID);
            // Any bit of what it covers.
            for (const at of [version === 4 ? 29 : 25, -1]) expect(flagsOf(packet(version, protocol, payload, (bytes) => (bytes[at < 0 ? bytes.length - 1 : at]! ^= 4)))).toBe(0);
          }
          expect(flagsOf(packet(version, protocol, 100), ALL & ~(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN))).toBe(0);
          expect(flagsOf(packet(version, protocol, 2048))).toBe(0);
        });
      }
    }

    it('padding does not count, and nothing is said of other things', () => {
      const padded = new Uint8Array(60).fill(9);
      padded.set(packet(4, 17, 3));
      expect(flagsOf(padded)).toBe(DATA_VALID);
      const right = packet(4, 17, 100);
      expect(flagsOf(right.subarray(0, right.length - 1))).toBe(0);
      for (const spoil of [
        (bytes: Uint8Array, transport: number) => bytes.set([0, 0], transport + 6), // No checksum.
        (bytes: Uint8Array) => (bytes[20] = 0x20), // A fragment.
        (bytes: Uint8Array) => (bytes[23] = 1), // ICMP.
        (bytes: Uint8Array, transport: number) => (bytes[transport + 5]! -= 1), // UDP's length is another.
        (bytes: Uint8Array) => (bytes[17] = 12), // Less than its headers.
      ]) {
        expect(flagsOf(packet(4, 17, 100, spoil))).toBe(0);
      }
      expect(flagsOf(frame(60))).toBe(0);
    });
  });

  it.each([
    ['no segmentation', VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6, 0x18],
    ['no checksums', VIRTIO_NET_F_GUEST_CSUM, 0x18],
    ['no ECN', VIRTIO_NET_F_GUEST_ECN, 0x98],
  ])('finishes frames for a driver that takes %s, going on where buffers ran out', (_, without, flags) => {
    const rig = new Rig();
    const driver = rig.driver({ features: ALL & ~without });
    driver.offer(1526, 1526);
    const whole = tcpFrame(2500, flags);
    expect(rig.cable.deliver(whole, TSO)).toBe(false);
    expect(driver.received().map((got) => got.frame.length)).toEqual([1054, 1054]);
    driver.offer(1526, 1526);
    expect(rig.cable.deliver(whole, TSO)).toBe(true);
    expect(rig.cable.deliver(frame(60))).toBe(true);
    const [last, next] = driver.received();
    expect(last!.frame.subarray(54)).toEqual(whole.subarray(2054));
    expect(last!.header.gsoType).toBe(0);
    expect(next!.frame).toEqual(frame(60));
  });
});

describe("virtio-net's control queue", () => {
  const number = (mac: Uint8Array): number[] => [...mac];
  const multicast = Uint8Array.of(0x01, 0x00, 0x5e, 0, 0, 1);
  const other = Uint8Array.of(0x52, 0x54, 0, 0, 0, 9);

  function accepted(rig: Rig, driver: NetDriver, ...frames: Uint8Array[]): boolean[] {
    return frames.map((one) => {
      driver.offer(2000);
      rig.cable.deliver(one);
      return driver.received().length > 0;
    });
  }

  it('sets the receive mode', () => {
    const rig = new Rig();
    const driver = rig.driver();
    const frames = [frame(60), frame(60, other), frame(60, multicast), frame(60, BROADCAST)];
    expect(accepted(rig, driver, ...frames)).toEqual([true, true, true, true]);
    expect(driver.command(0, 0, 0)).toBe(0);
    expect(accepted(rig, driver, ...frames)).toEqual([true, false, false, true]);
    expect(driver.command(0, 1, 1)).toBe(0);
    expect(accepted(rig, driver, ...frames)).toEqual([true, false, true, true]);
    expect(driver.command(0, 2, 1)).toBe(0);
    expect(accepted(rig, driver, ...frames)).toEqual([true, true, true, true]);
    expect([driver.command(0, 3, 1), driver.command(0, 4, 1), driver.command(0, 5, 1)]).toEqual([0, 0, 0]);
    expect(accepted(rig, driver, ...frames)).toEqual([false, false, false, false]);
  });

  it('filters by the tables, and lets all pass when they are too long', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.command(0, 0, 0);
    expect(driver.command(1, 0, 1, 0, 0, 0, ...number(other), 1, 0, 0, 0, ...number(multicast))).toBe(0);
    const second = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
    expect(accepted(rig, driver, frame(60, other), frame(60, multicast), frame(60, second))).toEqual([true, true, false]);
    const many = Array.from({ length: 65 }, (_, i) => [0x33, 0x33, 9, 9, 9, i]).flat();
    expect(driver.command(1, 0, 0, 0, 0, 0, 65, 0, 0, 0, ...many)).toBe(0);
    expect(accepted(rig, driver, frame(60, second), frame(60, other))).toEqual([true, false]);
  });

  it('sets the address, which is the permanent one again after a reset', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.command(0, 0, 0);
    expect(driver.command(1, 1, ...number(other))).toBe(0);
    expect(accepted(rig, driver, frame(60), frame(60, other))).toEqual([false, true]);
    expect(driver.driver.port.readConfig(5, 1)).toBe(9);
    rig.driver();
    expect(driver.driver.port.readConfig(5, 1)).toBe(0x56);
  });

  it('filters VLANs for a driver that negotiated it', () => {
    const tagged = frame(64);
    tagged.set([0x81, 0, 0x60, 7], 12);
    const rig = new Rig();
    const driver = rig.driver();
    expect(accepted(rig, driver, tagged, frame(64))).toEqual([false, true]);
    expect(driver.command(2, 0, 7, 0)).toBe(0);
    expect(accepted(rig, driver, tagged)).toEqual([true]);
    expect(driver.command(2, 1, 7, 0)).toBe(0);
    expect(accepted(rig, driver, tagged)).toEqual([false]);
    const without = new Rig();
    expect(accepted(without, without.driver({ features: ALL & ~VIRTIO_NET_F_CTRL_VLAN }), tagged)).toEqual([true]);
  });

  it('switches what the driver leaves to the device', () => {
    const rig = new Rig();
    const driver = rig.driver();
    driver.offer(4096, 4096, 4096);
    expect(driver.command(5, 0, 0x02, 0, 0, 0, 0, 0, 0, 0)).toBe(0);
    rig.cable.deliver(tcpFrame(1500), TSO);
    expect(driver.received().map(({ header }) => [header.flags, header.gsoType])).toEqual([[2, 0], [2, 0]]);
    expect(driver.command(5, 0, 0x02, 0x04, 0, 0, 0, 0, 0, 0)).toBe(1);
  });

  it('tells of the link, and asks for an announcement', () => {
    const rig = new Rig();
    const driver = rig.driver();
    const status = (): number => driver.driver.port.readConfig(6, 2);
    expect(status()).toBe(1);
    rig.net.setLink(false);
    expect([status(), driver.driver.port.takeInterrupts()]).toEqual([0, 2]);
    rig.net.setLink(true);
    rig.net.announce();
    expect([status(), driver.driver.port.takeInterrupts()]).toEqual([3, 2]);
    expect(driver.command(3, 0)).toBe(0);
    expect(status()).toBe(1);
  });

  it('refuses what it does not know', () => {
    const rig = new Rig();
    const driver = rig.driver();
    const commands = [[0, 6, 1], [0, 0], [0, 0, 1, 1], [1, 2, ...MAC], [1, 1, 1], [1, 0], [1, 0, 255, 255, 255, 255, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 1, 0, 0, 0], [2, 0, 0, 16], [2, 2, 1, 0], [3, 1], [4, 0, 1, 0], [5, 0, 0], [9, 0]];
    expect(commands.map(([kind, command, ...data]) => driver.command(kind!, command!, ...data))).toEqual(commands.map(() => 1));
    driver.driver.queues[2]!.add([Uint8Array.of(0)], [1]);
    driver.driver.queues[2]!.kick();
    expect(driver.driver.port.status & STATUS_DEVICE_NEEDS_RESET).not.toBe(0);
  });

  it('tells an MTU only where one was given', () => {
    expect(new Rig().net.features & 8n).toBe(0n);
    const rig = new Rig(false, { mtu: 9000 });
    expect(rig.net.features & 8n).toBe(8n);
    expect(rig.driver().driver.port.readConfig(10, 2)).toBe(9000);
  });
});

describe('virtio-net under attack', () => {
  it('lets chains of random shape and random headers pass or fail, never throw, and comes back after a reset', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.boolean(), (seed, takesOffloads) => {
        const random = new SeededRandom(seed);
        const rig = new Rig(takesOffloads, { queueSize: 16 });
        const driver = rig.driver();
        for (let step = 0; step < 60; step++) {
          const queue = driver.driver.queues[random.below(3)]!;
          queue.collect();
          const out = Array.from({ length: random.below(4) }, () => random.bytes(random.pick([1, 2, 10, 12, 14, 60, 200, 2000])));
          const into = Array.from({ length: random.below(3) }, () => random.pick([1, 12, 14, 100, 2000]));
          if (out.length + into.length > 0 && queue.room > 8) queue.add(out, into);
          // Damage of descriptors and rings.
          if (random.chance(0.3)) rig.memory.bytes[queue.rings.descriptors + random.below(64)] = random.below(256);
          if (random.chance(0.1)) rig.memory.bytes[queue.rings.available + random.below(8)] = random.below(256);
          queue.kick();
          rig.cable.deliver(tcpFrame(random.below(1500)), random.chance(0.5) ? { ...TSO, segmentBytes: random.below(1600), checksumStart: random.below(2000) } : undefined);
          try {
            queue.collect();
          } catch {
            // What the device did with damaged rings is the guest's own.
            break;
          }
        }
        const after = rig.driver({ base: 2 << 20 });
        after.offer(1526);
        after.send(frame(60));
        expect(rig.cable.frames.at(-1)!.frame).toEqual(frame(60));
        expect(rig.cable.deliver(frame(60))).toBe(true);
        expect(after.received()[0]!.frame).toEqual(frame(60));
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('takes any command', () => {
    const rig = new Rig();
    const driver = rig.driver();
    fc.assert(
      fc.property(fc.nat(6), fc.nat(6), fc.array(fc.nat(255), { maxLength: 40 }), (kind, command, data) => {
        expect([0, 1]).toContain(driver.command(kind, command, ...data));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

it('refuses options that are no card', () => {
  expect(() => new VirtioNet({ port: new Cable(false) }, { mac: BROADCAST })).toThrow('virtio-net: ff:ff:ff:ff:ff:ff is not a unicast MAC address');
  expect(() => new VirtioNet({ port: new Cable(false) }, { mac: MAC, mtu: 67 })).toThrow('MTU 67');
});

const cables = new WeakMap<object, Cable>();
const drivers = new WeakMap<object, NetDriver>();
describeDevice(
  'virtio-net',
  (bench) => {
    const cable = new Cable(false);
    const interrupts = new FakePciInterrupts();
    const virtio = new VirtioPci({ memory: bench.memory, interrupts: { ...interrupts, intx: bench.irqs.line('intx'), notify: () => undefined }, device: new VirtioNet({ port: cable, clock: bench.clock }, { mac: MAC, queueSize: 16 }) });
    cables.set(virtio, cable);
    return virtio;
  },
  (virtio, bench) => {
    const driver = new NetDriver(bench.memory, virtio.function, { features: ALL & ~VIRTIO_NET_F_GUEST_TSO4 });
    drivers.set(bench, driver);
    driver.command(0, 0, 0);
    driver.command(1, 1, 2, 0, 0, 0, 0, 1);
    driver.command(2, 0, 7, 0);
    driver.send(frame(100));
    driver.offer(1526, 1526);
    cables.get(virtio)!.deliver(tcpFrame(2500), TSO);
  },
  {
    goOn: (virtio, bench) => {
      const cable = cables.get(virtio)!;
      const before = cable.frames.length;
      // The driver's memory is the bench's; another driver object would lay it out anew.
      const own = Uint8Array.of(2, 0, 0, 0, 0, 1);
      const taken = [cable.deliver(tcpFrame(2500), TSO), cable.deliver(frame(60, own)), cable.deliver(frame(60))];
      const driver = new NetDriver(bench.memory, virtio.function);
      driver.send(frame(200));
      driver.offer(1526);
      taken.push(cable.deliver(frame(60)));
      return { taken, sent: cable.frames.slice(before).map((sent) => sent.frame) };
    },
  },
);
