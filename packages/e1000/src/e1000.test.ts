import { Bench, FakeEthernetPort, SeededRandom, describeDevice } from '@pckit/device-testing';
import { onesComplementSum } from '@pckit/ethernet-offload';
import type { FrameOffload } from '@pckit/interfaces';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import { E1000 } from './e1000.js';
import * as reg from './registers.js';
import { E1000Driver, type E1000DriverOptions } from './testing/e1000-driver.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
const MULTICAST = Uint8Array.of(0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb);
const OTHER = Uint8Array.of(0x52, 0x54, 0, 0, 0, 9);

class Cable extends FakeEthernetPort {
  takesOffloads = false;
  ready = 0;
  readonly offloads: (FrameOffload | undefined)[] = [];
  #receive!: (frame: Uint8Array, offload?: FrameOffload) => boolean;

  override send(frame: Uint8Array, offload?: FrameOffload): void {
    super.send(frame);
    this.offloads.push(offload === undefined ? undefined : { ...offload });
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

interface Rig {
  readonly bench: Bench;
  readonly cable: Cable;
  readonly card: E1000;
  readonly driver: E1000Driver;
}

function rig(options: E1000DriverOptions = {}): Rig {
  const bench = new Bench();
  const cable = new Cable();
  const card = new E1000({ memory: bench.memory, clock: bench.clock, irq: bench.irqs.line('inta'), port: cable }, { mac: MAC });
  return { bench, cable, card, driver: new E1000Driver(bench.memory, card.function, options) };
}

function frame(length: number, to: Uint8Array = MAC, seed = 1): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 13 + seed) & 0xff);
  bytes.set(to);
  bytes.set([0x52, 0x55, 10, 0, 2, 2, 0x88, 0xb5], 6);
  return bytes;
}

/** TCP over IPv4 with all checksums, or with none and no length, as a driver leaves it to the card. */
function tcpFrame(payload: number, finished: boolean): Uint8Array {
  const bytes = frame(54 + payload);
  const length = finished ? 40 + payload : 0;
  bytes.set([0x08, 0x00, 0x45, 0, length >> 8, length & 0xff, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15, 0, 80, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0], 12);
  const view = new DataView(bytes.buffer);
  const pseudo = onesComplementSum(bytes, 26, 34, 6 + (finished || payload < 1461 ? 20 + payload : 0));
  view.setUint16(50, finished ? 0xffff & ~onesComplementSum(bytes, 34, bytes.length, pseudo) : pseudo);
  if (finished) view.setUint16(24, 0xffff & ~onesComplementSum(bytes, 14, 34));
  return bytes;
}

/** What a receiver of IPv4 and TCP checks. */
function expectWhole(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(view.getUint16(16)).toBe(bytes.length - 14);
  expect(onesComplementSum(bytes, 14, 34)).toBe(0xffff);
  expect(onesComplementSum(bytes, 34, bytes.length, onesComplementSum(bytes, 26, 34, 6 + bytes.length - 34))).toBe(0xffff);
}

/** As it lies in a descriptor: the upper byte of the sum first. */
function packetChecksum(bytes: Uint8Array, start: number): number {
  const sum = onesComplementSum(bytes, start, bytes.length);
  return (sum >>> 8) | ((sum & 0xff) << 8);
}

/** A frame as it lies in memory: with its FCS. */
function withFcs(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 4);
  out.set(bytes);
  new DataView(out.buffer).setUint32(bytes.length, crc32(bytes), true);
  return out;
}

describe('sending', () => {
  it('takes a legacy descriptor, and reports it done', () => {
    const { cable, driver, bench } = rig();
    const at = driver.send(frame(100));
    expect(cable.sent).toEqual([frame(100)]);
    expect(bench.memory.readU8(at + 12)).toBe(1);
    expect([driver.read(reg.TDH), driver.read(reg.TDT)]).toEqual([1, 1]);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_LSC | reg.ICR_TXDW | reg.ICR_TXQE);
    expect(driver.read(reg.ICR)).toBe(0);
  });

  it('puts a frame together from several descriptors, and pads it', () => {
    const { cable, driver } = rig();
    const whole = frame(50);
    driver.queue(driver.place(whole.subarray(0, 20)), (0x02 << 24) | 20, 0);
    driver.queue(driver.place(whole.subarray(20)), (0x03 << 24) | 30, 0);
    driver.kick();
    const padded = new Uint8Array(60);
    padded.set(whole);
    expect(cable.sent).toEqual([padded]);
  });

  it('writes back only descriptors that ask for it', () => {
    const { bench, driver } = rig();
    const at = driver.queue(driver.place(frame(60)), (0x03 << 24) | 60, 0);
    driver.kick();
    expect(bench.memory.readU8(at + 12)).toBe(0);
    expect(driver.read(reg.ICR) & reg.ICR_TXDW).toBe(0);
  });

  it('inserts a legacy checksum', () => {
    const { cable, driver } = rig();
    const bytes = tcpFrame(100, true);
    const open = bytes.slice();
    new DataView(open.buffer).setUint16(50, onesComplementSum(bytes, 26, 34, 6 + 120));
    driver.send(open, 0x04, { start: 34, field: 50 });
    expect(cable.sent).toEqual([bytes]);
  });

  it('inserts the checksums that a context says', () => {
    const { cable, driver } = rig();
    const whole = tcpFrame(100, true);
    const open = whole.slice();
    new DataView(open.buffer).setUint16(24, 0);
    new DataView(open.buffer).setUint16(50, onesComplementSum(whole, 26, 34, 6 + 120));
    driver.context();
    driver.data(open, 0x0b, 3);
    driver.kick();
    expect(cable.sent).toEqual([whole]);
    expectWhole(cable.sent[0]!);
  });

  it('segments TCP', () => {
    const { cable, driver } = rig();
    const bytes = tcpFrame(4000, false);
    driver.context({ tse: true, mss: 1460, payload: 4000, headers: 54 });
    driver.data(bytes.subarray(0, 54), 0x06, 3);
    driver.data(bytes.subarray(54), 0x0f, 0);
    driver.kick();
    expect(cable.sent.map(({ length }) => length)).toEqual([1514, 1514, 1134]);
    cable.sent.forEach(expectWhole);
    expect(Uint8Array.from(cable.sent.flatMap((packet) => [...packet.subarray(54)]))).toEqual(bytes.slice(54));
    expect([driver.read(0x40f8), driver.read(0x4080)]).toEqual([1, 3]);
  });

  it('leaves both to a port that takes unfinished frames', () => {
    const { cable, driver } = rig();
    cable.takesOffloads = true;
    driver.context({ tse: true, mss: 1460, payload: 4000, headers: 54 });
    driver.data(tcpFrame(4000, false), 0x0f, 3);
    driver.context();
    driver.data(tcpFrame(100, true), 0x0b, 2);
    driver.kick();
    expect(cable.sent.map(({ length }) => length)).toEqual([4054, 154]);
    expect(new DataView(cable.sent[0]!.buffer).getUint16(16)).toBe(4040);
    expect(onesComplementSum(cable.sent[0]!, 14, 34)).toBe(0xffff);
    expect(cable.offloads).toEqual([
      { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1460 },
      { checksumStart: 34, checksumOffset: 16, segmentation: 'none', segmentBytes: 0 },
    ]);
  });

  it('inserts VLAN tags while CTRL.VME is set', () => {
    const { cable, driver } = rig();
    driver.send(frame(100), 0x40, undefined, 0x6007);
    driver.write(reg.CTRL, reg.CTRL_SLU | reg.CTRL_VME);
    driver.send(frame(100), 0x40, undefined, 0x6007);
    expect(cable.sent[0]).toEqual(frame(100));
    const tagged = cable.sent[1]!;
    expect([...tagged.subarray(12, 18)]).toEqual([0x81, 0x00, 0x60, 0x07, 0x88, 0xb5]);
    expect([tagged.length, tagged.slice(18)]).toEqual([104, frame(100).slice(14)]);
  });

  it('takes an FCS that software put there away', () => {
    const { cable, driver } = rig();
    const whole = withFcs(frame(100));
    driver.queue(driver.place(whole), (0x01 << 24) | whole.length, 0);
    driver.kick();
    expect(cable.sent).toEqual([frame(100)]);
  });

  it('drops what is longer than any frame, and goes on', () => {
    const { cable, driver } = rig();
    for (let i = 0; i < 4; i++) driver.queue(0, (0x20 << 24) | (1 << 20) | 30_000, 0);
    driver.queue(0, (0x2b << 24) | (1 << 20) | 30_000, 0);
    driver.send(frame(60));
    expect(cable.sent).toEqual([frame(60)]);
  });

  it('waits for the link, the bus, and TCTL.EN', () => {
    const { card, cable, driver } = rig();
    card.setLink(false);
    driver.send(frame(60));
    expect(cable.sent).toHaveLength(0);
    card.setLink(true);
    expect(cable.sent).toHaveLength(1);
    card.function.onBusMaster?.(false);
    driver.send(frame(60));
    driver.write(reg.TCTL, 0);
    card.function.onBusMaster?.(true);
    expect(cable.sent).toHaveLength(1);
    driver.write(reg.TCTL, reg.TCTL_EN);
    expect(cable.sent).toHaveLength(2);
  });

  it('holds TXDW back by TIDV and TADV for descriptors with IDE', () => {
    const { bench, driver } = rig();
    driver.write(reg.TIDV, 8);
    driver.write(reg.TADV, 12);
    driver.read(reg.ICR);
    driver.send(frame(60), 0x80);
    bench.clock.advance(7 * 1024);
    driver.send(frame(60), 0x80);
    bench.clock.advance(4 * 1024);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_TXQE);
    bench.clock.advance(1024);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_TXDW);
    driver.send(frame(60), 0x80);
    driver.write(reg.TIDV, 0x8000_0008);
    expect(driver.read(reg.ICR) & reg.ICR_TXDW).toBe(reg.ICR_TXDW);
  });
});

describe('receiving', () => {
  it('stores a frame with its FCS, and says so', () => {
    const { cable, driver } = rig();
    driver.offer(8);
    expect(cable.deliver(frame(100))).toBe(true);
    expect(driver.received()).toEqual([{ status: 0x07, checksum: packetChecksum(frame(100), 0), errors: 0, special: 0, bytes: withFcs(frame(100)) }]);
    expect(driver.read(reg.RDH)).toBe(1);
    expect(driver.read(reg.ICR) & reg.ICR_RXT0).toBe(reg.ICR_RXT0);
  });

  it('strips the FCS when RCTL.SECRC is set, and pads short frames', () => {
    const { cable, driver } = rig({ rctl: reg.RCTL_SECRC });
    driver.offer(8);
    cable.deliver(frame(42));
    const [got] = driver.received();
    expect([got!.bytes.length, got!.bytes.slice(0, 42)]).toEqual([60, frame(42)]);
  });

  it('spreads a frame over descriptors when its buffers are small', () => {
    const { cable, driver } = rig({ rctl: 2 << reg.RCTL_BSIZE_SHIFT });
    driver.offer(8);
    cable.deliver(frame(1400));
    const used = driver.received();
    expect(used.map(({ status, bytes }) => [status, bytes.length])).toEqual([[0x05, 512], [0x05, 512], [0x07, 380]]);
    expect(Uint8Array.from(used.flatMap(({ bytes }) => [...bytes]))).toEqual(withFcs(frame(1400)));
  });

  it('refuses a frame without descriptors for all of it, and says when there are more', () => {
    const { cable, driver } = rig({ rctl: 3 << reg.RCTL_BSIZE_SHIFT });
    expect(cable.deliver(frame(100))).toBe(false);
    driver.offer(3);
    expect(cable.deliver(frame(1000))).toBe(false);
    expect(driver.received()).toEqual([]);
    const before = cable.ready;
    driver.offer(2);
    expect(cable.ready).toBe(before + 1);
    expect(cable.deliver(frame(1000))).toBe(true);
    expect(driver.received()).toHaveLength(4);
    expect(driver.read(0x40a0)).toBe(2);
  });

  it('drops frames while it is off, without a link, or when they are too long', () => {
    const { card, cable, driver } = rig();
    driver.offer(8);
    card.setLink(false);
    expect(cable.deliver(frame(100))).toBe(true);
    card.setLink(true);
    expect(cable.deliver(frame(1519))).toBe(true);
    expect(driver.received()).toEqual([]);
    expect(driver.read(0x40ac)).toBe(1);
    driver.write(reg.RCTL, reg.RCTL_EN | reg.RCTL_LPE);
    expect(cable.deliver(frame(4000))).toBe(true);
    expect(driver.received()).toHaveLength(2);
    driver.write(reg.RCTL, 0);
    expect(cable.deliver(frame(100))).toBe(true);
    expect(driver.received()).toEqual([]);
  });

  it('filters addresses as the manual says', () => {
    const { cable, driver } = rig();
    driver.offer(15);
    const passes = (to: Uint8Array): number => {
      cable.deliver(frame(60, to));
      const [got] = driver.received();
      if (got !== undefined) driver.offer(1);
      return got?.status ?? 0;
    };
    const four = (): number[] => [MAC, OTHER, MULTICAST, BROADCAST].map(passes);
    expect(four()).toEqual([7, 0, 0, 7]);
    driver.write(reg.RCTL, reg.RCTL_EN);
    expect(four()).toEqual([7, 0, 0, 0]);
    driver.write(reg.RCTL, reg.RCTL_EN | reg.RCTL_UPE);
    expect(four()).toEqual([7, 7, 0, 0]);
    driver.write(reg.RCTL, reg.RCTL_EN | reg.RCTL_MPE);
    expect(four()).toEqual([7, 0, 7, 7]);
    driver.write(reg.RA + 8, 0x0000_5452);
    driver.write(reg.RA + 12, 0x8000_0900);
    driver.write(reg.RCTL, reg.RCTL_EN);
    expect(four()).toEqual([7, 7, 0, 0]);
    for (const [mo, shift] of [[0, 4], [1, 3], [2, 2], [3, 0]] as const) {
      const hash = (0xfb00 >>> shift) & 0xfff;
      for (let i = 0; i < 128; i++) driver.write(reg.MTA + 4 * i, 0);
      driver.write(reg.MTA + 4 * (hash >>> 5), 1 << (hash & 31));
      driver.write(reg.RCTL, reg.RCTL_EN | (mo << reg.RCTL_MO_SHIFT));
      expect(passes(MULTICAST)).toBe(0x87);
    }
  });

  it('strips VLAN tags, and filters by VFTA', () => {
    const { cable, driver } = rig();
    const tagged = frame(104);
    tagged.set([0x81, 0x00, 0x60, 0x07], 12);
    driver.offer(8);
    cable.deliver(tagged);
    driver.write(reg.CTRL, reg.CTRL_SLU | reg.CTRL_VME);
    cable.deliver(tagged);
    driver.write(reg.RCTL, reg.RCTL_EN | reg.RCTL_VFE);
    cable.deliver(tagged);
    driver.write(reg.VFTA, 1 << 7);
    cable.deliver(tagged);
    expect(driver.received().map(({ status, special, bytes }) => [status, special, bytes.length])).toEqual([[0x07, 0, 108], [0x0f, 0x6007, 104], [0x0f, 0x6007, 104]]);
  });

  it('checks checksums when RXCSUM asks for it', () => {
    const { cable, driver } = rig();
    driver.offer(8);
    driver.write(reg.RXCSUM, reg.RXCSUM_IPOFL | reg.RXCSUM_TUOFL);
    cable.deliver(tcpFrame(100, true));
    const bad = tcpFrame(100, true);
    bad[60]! ^= 1;
    cable.deliver(bad);
    const worse = tcpFrame(100, true);
    worse[22]! ^= 1;
    cable.deliver(worse);
    cable.deliver(frame(100));
    expect(driver.received().map(({ status, errors }) => [status, errors])).toEqual([[0x63, 0], [0x63, 0x20], [0x63, 0x40], [0x07, 0]]);
  });

  it.each([0, reg.RXCSUM_TUOFL, reg.RXCSUM_IPOFL | reg.RXCSUM_TUOFL])('sums packets from PCSS on, whatever else it checks (RXCSUM %#x)', (checks) => {
    const { cable, driver } = rig();
    const bad = tcpFrame(333, true);
    bad[60]! ^= 0x81;
    const frames = [frame(77), frame(30), tcpFrame(0, true), tcpFrame(100, true), tcpFrame(1459, true), bad];
    for (const start of [0, 1, 14, 25, 34, 40, 0xff]) {
      driver.write(reg.RXCSUM, checks | start);
      driver.offer(frames.length);
      for (const each of frames) cable.deliver(each);
      const padded = frames.map((each) => (each.length < 60 ? Uint8Array.from({ length: 60 }, (_, i) => each[i] ?? 0) : each));
      expect(driver.received().map(({ checksum }) => checksum)).toEqual(padded.map((each) => packetChecksum(each, start)));
    }
  });

  it('says of what it cut that it is whole, and sums that, too', () => {
    const { cable, driver } = rig();
    const whole = tcpFrame(2501, false);
    driver.write(reg.RXCSUM, reg.RXCSUM_IPOFL | reg.RXCSUM_TUOFL);
    driver.offer(8);
    cable.deliver(whole, { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1000 });
    const packets = driver.received();
    expect(packets.map(({ status, errors, bytes }) => [status, errors, bytes.length])).toEqual([[0x63, 0, 1058], [0x63, 0, 1058], [0x63, 0, 559]]);
    for (const { bytes, checksum } of packets) {
      const sent = bytes.slice(0, -4);
      expectWhole(sent);
      expect(bytes).toEqual(withFcs(sent));
      expect(checksum).toBe(packetChecksum(sent, 0));
    }
    // A lone packet's checksum is made from what the network says, and is checked like any other's.
    cable.deliver(tcpFrame(100, true), { checksumStart: 34, checksumOffset: 10, segmentation: 'none', segmentBytes: 0 });
    expect(driver.received().map(({ status, errors }) => [status, errors])).toEqual([[0x63, 0x20]]);
  });

  it('cuts what the network left whole, going on where descriptors ran out', () => {
    const { cable, driver } = rig();
    const whole = tcpFrame(2500, false);
    const offload: FrameOffload = { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1000 };
    driver.offer(2);
    expect(cable.deliver(whole, offload)).toBe(false);
    driver.offer(2);
    expect(cable.deliver(whole, offload)).toBe(true);
    const packets = driver.received().map(({ bytes }) => bytes.slice(0, -4));
    packets.forEach(expectWhole);
    expect(Uint8Array.from(packets.flatMap((packet) => [...packet.subarray(54)]))).toEqual(whole.slice(54));
  });

  it('holds RXT0 back by RDTR and RADV, and warns of few descriptors', () => {
    const { bench, cable, driver } = rig();
    driver.offer(10);
    driver.write(reg.RDTR, 8);
    driver.write(reg.RADV, 12);
    driver.read(reg.ICR);
    cable.deliver(frame(60));
    bench.clock.advance(7 * 1024);
    cable.deliver(frame(60));
    bench.clock.advance(4 * 1024);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_RXDMT0);
    bench.clock.advance(1024);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_RXT0);
    cable.deliver(frame(60));
    driver.write(reg.RDTR, 0x8000_0000);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_RXT0);
  });
});

describe('interrupts', () => {
  it('follow causes and mask, and a read takes the causes', () => {
    const { bench, driver } = rig();
    driver.read(reg.ICR);
    driver.write(reg.ICS, reg.ICR_TXDW | reg.ICR_RXT0);
    expect(bench.irqs.level('inta')).toBe(false);
    driver.write(reg.IMS, reg.ICR_RXT0);
    expect(bench.irqs.level('inta')).toBe(true);
    driver.write(reg.IMC, reg.ICR_RXT0);
    expect([bench.irqs.level('inta'), driver.read(reg.IMS)]).toEqual([false, 0]);
    driver.write(reg.IMS, 0xffff_ffff);
    expect([bench.irqs.level('inta'), driver.read(reg.IMS)]).toEqual([true, reg.ICR_ALL]);
    driver.write(reg.ICR, reg.ICR_TXDW);
    expect([bench.irqs.level('inta'), driver.read(reg.ICR)]).toEqual([true, reg.ICR_RXT0]);
    expect([bench.irqs.level('inta'), driver.read(reg.ICR), driver.read(reg.ICS), driver.read(reg.IMC)]).toEqual([false, 0, 0, 0]);
  });

  it('come no sooner after each other than ITR says', () => {
    const { bench, driver } = rig();
    driver.read(reg.ICR);
    bench.clock.advance(1_000_000);
    driver.write(reg.ITR, 1000);
    driver.write(reg.IMS, reg.ICR_RXT0);
    driver.write(reg.ICS, reg.ICR_RXT0);
    expect(bench.irqs.level('inta')).toBe(true);
    driver.read(reg.ICR);
    driver.write(reg.ICS, reg.ICR_RXT0);
    bench.clock.advance(255_999);
    expect(bench.irqs.level('inta')).toBe(false);
    bench.clock.advance(1);
    expect(bench.irqs.level('inta')).toBe(true);
  });

  it('tell of the link', () => {
    const { card, driver } = rig();
    driver.read(reg.ICR);
    card.setLink(false);
    expect([driver.read(reg.ICR), driver.read(reg.STATUS) & reg.STATUS_LU]).toEqual([reg.ICR_LSC, 0]);
    card.setLink(true);
    expect([driver.read(reg.ICR), driver.read(reg.STATUS) & reg.STATUS_LU]).toEqual([reg.ICR_LSC, reg.STATUS_LU]);
  });
});

describe('registers', () => {
  const mdic = (driver: E1000Driver, operation: number, register: number, data = 0, phy = 1): number => {
    driver.write(reg.MDIC, (operation << 26) | (phy << 21) | (register << 16) | data);
    return driver.read(reg.MDIC);
  };

  it('reach the PHY through MDIC', () => {
    const { card, driver } = rig();
    expect([mdic(driver, 2, 2) & 0xffff, mdic(driver, 2, 3) & 0xffff]).toEqual([0x0141, 0x0c20]);
    expect(mdic(driver, 2, 1) & (reg.MDIC_R | reg.MDIC_E | 0x24)).toBe(reg.MDIC_R | 0x24);
    expect(mdic(driver, 2, 2, 0, 2) & reg.MDIC_E).toBe(reg.MDIC_E);
    mdic(driver, 1, 4, 0x0061);
    expect(mdic(driver, 2, 4) & 0xffff).toBe(0x0061);
    card.setLink(false);
    card.setLink(true);
    // Latched low until read.
    expect([mdic(driver, 2, 1) & 4, mdic(driver, 2, 1) & 4]).toEqual([0, 4]);
    driver.read(reg.ICR);
    mdic(driver, 1, 0, 0x1200);
    expect(driver.read(reg.ICR)).toBe(reg.ICR_LSC);
    mdic(driver, 1, 0, 0x0800);
    expect(driver.read(reg.STATUS) & reg.STATUS_LU).toBe(0);
  });

  it('read the EEPROM, by EERD and by EECD', () => {
    const { driver } = rig();
    driver.write(reg.EERD, (0x0d << 8) | 1);
    expect(driver.read(reg.EERD)).toBe(((0x100e << 16) | (0x0d << 8) | reg.EERD_DONE) >>> 0);
    driver.write(reg.EECD, reg.EECD_REQ);
    expect(driver.read(reg.EECD)).toBe(reg.EECD_REQ | reg.EECD_GNT | reg.EECD_PRES);
  });

  it('are reached through the I/O window too', () => {
    const { driver } = rig();
    driver.io.handler.write(0, reg.VET, 4);
    driver.io.handler.write(4, 0x88a8, 4);
    expect([driver.io.handler.read(0, 4), driver.io.handler.read(4, 4), driver.read(reg.VET)]).toEqual([reg.VET, 0x88a8, 0x88a8]);
    driver.io.handler.write(0, 0x8000_0000, 4);
    driver.io.handler.write(4, 1, 4);
    expect(driver.io.handler.read(4, 4)).toBe(0);
  });

  it('hold the address after a reset, and forget what was set up', () => {
    const { cable, driver } = rig();
    driver.write(reg.RA, 0);
    driver.write(reg.CTRL, reg.CTRL_RST);
    expect([driver.read(reg.RA), driver.read(reg.RA + 4)]).toEqual([0x1200_5452, 0x8000_5634]);
    expect([driver.read(reg.RCTL), driver.read(reg.IMS), driver.read(reg.CTRL) & reg.CTRL_RST]).toEqual([0, 0, 0]);
    expect(cable.deliver(frame(60))).toBe(true);
  });

  it('store what they can store', () => {
    const { driver } = rig();
    for (const [register, [, writable]] of reg.STORED) {
      driver.write(register, 0xffff_ffff);
      expect(driver.read(register) & writable).toBe(writable | 0);
    }
    expect([driver.read(0x5f00), driver.read(0x1_0000)]).toEqual([0, 0]);
  });

  it('count, and are cleared by being read', () => {
    const { cable, driver } = rig({ rctl: reg.RCTL_MPE });
    driver.offer(10);
    for (const to of [MAC, BROADCAST, MULTICAST]) cable.deliver(frame(100, to));
    cable.deliver(frame(60));
    driver.send(frame(1000));
    expect([0x4074, 0x4078, 0x407c, 0x405c, 0x4060, 0x40d0, 0x4080, 0x40ec, 0x40e8].map((register) => driver.read(register))).toEqual([4, 1, 1, 1, 3, 4, 1, 0, 1]);
    expect([0x4088, 0x4088, 0x408c, 0x4088, 0x4090].map((register) => driver.read(register))).toEqual([376, 376, 0, 0, 1004]);
    expect(driver.read(0x4074)).toBe(0);
  });
});

describe('under attack', () => {
  it('takes any registers, rings and descriptors without a throw, and works after a reset', () => {
    const registers = [reg.TDBAL, reg.TDBAH, reg.TDLEN, reg.TDH, reg.TDT, reg.RDBAL, reg.RDBAH, reg.RDLEN, reg.RDH, reg.RDT, reg.TCTL, reg.RCTL, reg.CTRL, reg.RXCSUM, reg.TIDV, reg.RDTR, reg.MDIC, reg.EECD, reg.ITR, reg.IMS, reg.TXDCTL];
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.boolean(), (seed, takesOffloads) => {
        const random = new SeededRandom(seed);
        const { bench, cable, card, driver } = rig();
        cable.takesOffloads = takesOffloads;
        driver.offer(8);
        for (let step = 0; step < 40; step++) {
          const chance = random.below(4);
          if (chance === 0) driver.write(random.pick(registers), random.chance(0.5) ? random.u32() : random.below(0x1_0000));
          else if (chance === 1) {
            for (let i = random.below(4); i >= 0; i--) driver.queue(random.chance(0.2) ? random.u32() : driver.place(tcpFrame(random.below(2000), false)), random.chance(0.5) ? random.u32() : (random.u32() & 0xff30_07ff), random.u32());
            driver.kick();
          } else if (chance === 2) {
            cable.deliver(tcpFrame(random.below(3000), random.chance(0.5)), random.chance(0.3) ? { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: random.below(2000) } : undefined);
          } else {
            bench.clock.advance(random.below(100_000));
          }
          for (const sent of cable.sent) expect(sent.length).toBeLessThanOrEqual(65535 + 26);
          cable.sent.length = cable.offloads.length = 0;
          bench.memory.writes.length = 0;
        }
        card.setLink(true);
        const after = new E1000Driver(bench.memory, card.function);
        // What stood in the old ring went out when the cable came.
        cable.sent.length = 0;
        after.offer(4);
        after.send(frame(60));
        expect(cable.sent).toEqual([frame(60)]);
        expect(cable.deliver(frame(60))).toBe(true);
      }),
      { seed: 11, numRuns: 80 },
    );
  });
});

it('refuses an address that is no station’s', () => {
  expect(() => new E1000({ memory: new Bench().memory, clock: new Bench().clock, irq: new Bench().irqs.line('a'), port: new Cable() }, { mac: BROADCAST })).toThrow('unicast');
});

const cables = new WeakMap<E1000, Cable>();
describeDevice(
  'e1000',
  (bench) => {
    const cable = new Cable();
    const card = new E1000({ memory: bench.memory, clock: bench.clock, irq: bench.irqs.line('inta'), port: cable }, { mac: MAC });
    cables.set(card, cable);
    return card;
  },
  (card, bench) => {
    const driver = new E1000Driver(bench.memory, card.function);
    driver.write(reg.IMS, 0xffff_ffff);
    driver.write(reg.ITR, 2000);
    driver.write(reg.RDTR, 100);
    driver.write(reg.RADV, 200);
    driver.write(reg.TIDV, 50);
    driver.offer(2);
    cables.get(card)!.deliver(tcpFrame(2500, false), { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1000 });
    driver.context();
    driver.send(frame(100), 0x80);
    driver.queue(driver.place(frame(100)), (0x02 << 24) | 40, 0);
    driver.kick();
    driver.write(reg.EECD, reg.EECD_REQ | reg.EECD_CS);
    driver.write(reg.EECD, reg.EECD_REQ | reg.EECD_CS | reg.EECD_DI | reg.EECD_SK);
    driver.write(reg.VFTA + 8, 5);
    driver.write(reg.MDIC, (1 << 26) | (1 << 21) | (4 << 16) | 0x61);
  },
  {
    goOn: (card, bench) => {
      const cable = cables.get(card)!;
      const before = cable.sent.length;
      const read = (register: number): number => card.function.bars[0]!.region.handler.read(register, 4);
      const write = (register: number, value: number): void => card.function.bars[0]!.region.handler.write(register, value, 4);
      bench.clock.advance(30_000);
      const seen = [read(reg.ICR), read(reg.STATUS), read(reg.MDIC)];
      write(reg.TDT, 0);
      const taken = cable.deliver(tcpFrame(2500, false), { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1000 });
      write(reg.RDT, 4);
      seen.push(cable.deliver(frame(60)) ? 1 : 0, read(reg.RDH), read(0x4074));
      bench.clock.advance(1_000_000);
      return { seen, taken, sent: cable.sent.slice(before) };
    },
    survivesReset: ['eeprom'],
  },
);
