import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onesComplementSum } from './internet-checksum.js';
import { findIpHeaders, type IpHeaders } from './ip-headers.js';
import { Segmenter, type Offload } from './segmenter.js';

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);

interface FrameOptions {
  readonly version?: 4 | 6;
  readonly protocol?: 'tcp' | 'udp';
  readonly tags?: number;
  readonly ipOptions?: number;
  readonly tcpOptions?: number;
  readonly flags?: number;
}

/** A frame as a driver with offload hands it over: lengths of the whole, the pseudo header's sum (without length) in the checksum field. */
function frame(payload: Uint8Array, { version = 4, protocol = 'tcp', tags = 0, ipOptions = 0, tcpOptions = 12, flags = 0x18 }: FrameOptions = {}): { bytes: Uint8Array; transport: number } {
  const ip = 14 + 4 * tags;
  const transport = ip + (version === 4 ? 20 + ipOptions : 40);
  const header = protocol === 'tcp' ? 20 + tcpOptions : 8;
  const bytes = new Uint8Array(transport + header + payload.length);
  const view = new DataView(bytes.buffer);
  for (let tag = 0; tag < tags; tag++) view.setUint32(12 + 4 * tag, 0x8100_0005);
  view.setUint16(ip - 2, version === 4 ? 0x0800 : 0x86dd);
  const number = protocol === 'tcp' ? 6 : 17;
  if (version === 4) {
    bytes[ip] = 0x40 | ((20 + ipOptions) / 4);
    view.setUint16(ip + 2, (bytes.length - ip) & 0xffff);
    view.setUint16(ip + 4, 0xfffe);
    view.setUint16(ip + 6, 0x4000);
    bytes[ip + 8] = 64;
    bytes[ip + 9] = number;
    bytes.set([10, 0, 2, 15, 10, 0, 2, 2], ip + 12);
  } else {
    bytes[ip] = 0x60;
    view.setUint16(ip + 4, (bytes.length - ip - 40) & 0xffff);
    bytes[ip + 6] = number;
    bytes.set(pattern(32), ip + 8);
  }
  view.setUint16(transport, 1024);
  view.setUint16(transport + 2, 80);
  if (protocol === 'tcp') {
    view.setUint32(transport + 4, 0xffff_ff00);
    bytes[transport + 12] = (header / 4) << 4;
    bytes[transport + 13] = flags;
    view.setUint16(transport + 14, 500);
  } else {
    view.setUint16(transport + 4, (8 + payload.length) & 0xffff);
  }
  bytes.set(payload, transport + header);
  const addresses = version === 4 ? onesComplementSum(bytes, ip + 12, ip + 20) : onesComplementSum(bytes, ip + 8, ip + 40);
  view.setUint16(transport + (protocol === 'tcp' ? 16 : 6), onesComplementSum(new Uint8Array(0), 0, 0, addresses + number + (bytes.length - transport)));
  return { bytes, transport };
}

function cut(bytes: Uint8Array, offload: Offload): Uint8Array[] {
  const segmenter = new Segmenter();
  const count = segmenter.begin(bytes, offload);
  return Array.from({ length: count }, (_, i) => segmenter.packet(i).slice());
}

/** What a receiver checks: lengths, the IPv4 header's checksum, the transport's. @returns the transport's bytes */
function check(packet: Uint8Array, checksummed = true): { headers: IpHeaders; transport: Uint8Array } {
  const headers: IpHeaders = { ip: 0, version: 4, protocol: 0, transport: 0, nextHeaderAt: 0 };
  expect(findIpHeaders(packet, headers)).toBe(true);
  const { ip, version, transport, protocol } = headers;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (version === 4) {
    expect(view.getUint16(ip + 2)).toBe(packet.length - ip);
    expect(onesComplementSum(packet, ip, transport)).toBe(0xffff);
  } else {
    expect(view.getUint16(ip + 4)).toBe(packet.length - ip - 40);
  }
  if (checksummed) {
    const addresses = version === 4 ? onesComplementSum(packet, ip + 12, ip + 20) : onesComplementSum(packet, ip + 8, ip + 40);
    expect(onesComplementSum(packet, transport, packet.length, addresses + protocol + packet.length - transport)).toBe(0xffff);
  }
  return { headers, transport: packet.slice(transport) };
}

const tcp = (transport: number, segmentBytes: number): Offload => ({ checksumStart: transport, checksumOffset: 16, segmentation: 'tcp', segmentBytes });
const udp = (transport: number, segmentation: 'udp' | 'udp-fragments', segmentBytes: number): Offload => ({ checksumStart: transport, checksumOffset: 6, segmentation, segmentBytes });

describe('a frame with an unfinished checksum', () => {
  it.each([4, 6] as const)('is finished (IPv%i)', (version) => {
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const length of [0, 1, 9, 1000]) {
        const { bytes, transport } = frame(pattern(length), { version, protocol, tags: 1 });
        if (version === 4) new DataView(bytes.buffer).setUint16(28, 0xffff & ~onesComplementSum(bytes, 18, 38));
        const [packet] = cut(bytes, { checksumStart: transport, checksumOffset: protocol === 'tcp' ? 16 : 6, segmentation: 'none', segmentBytes: 0 });
        check(packet!);
        expect(packet!.slice(transport + 18)).toEqual(bytes.slice(transport + 18));
      }
    }
  });

  it('gives nothing where the field is not in it', () => {
    expect(cut(new Uint8Array(60), { checksumStart: 44, checksumOffset: 16, segmentation: 'none', segmentBytes: 0 })).toEqual([]);
    expect(cut(new Uint8Array(61), { checksumStart: 43, checksumOffset: 16, segmentation: 'none', segmentBytes: 0 })).toHaveLength(1);
  });
});

describe('TCP segmentation', () => {
  it.each([
    ['IPv4', {}],
    ['IPv4 with options', { ipOptions: 8 }],
    ['IPv6', { version: 6 }],
    ['IPv6 in a VLAN', { version: 6, tags: 2, tcpOptions: 0 }],
  ] as const)('cuts %s into packets that add up', (_, options) => {
    for (const [length, mss] of [[1, 1448], [1448, 1448], [1449, 1448], [65000, 1448], [65000, 65000], [100, 8]] as const) {
      const payload = pattern(length);
      const { bytes, transport } = frame(payload, options);
      const packets = cut(bytes, tcp(transport, mss));
      expect(packets).toHaveLength(Math.ceil(length / mss));
      const data: number[] = [];
      packets.forEach((packet, i) => {
        const { headers, transport: segment } = check(packet);
        const view = new DataView(segment.buffer);
        expect(view.getUint32(4)).toBe((0xffff_ff00 + data.length) % 2 ** 32);
        expect(segment[13]).toBe(i === packets.length - 1 ? 0x18 : 0x10);
        if (headers.version === 4) expect(new DataView(packet.buffer).getUint16(headers.ip + 4)).toBe((0xfffe + i) & 0xffff);
        data.push(...segment.subarray((segment[12]! >>> 4) * 4));
      });
      expect(Uint8Array.from(data)).toEqual(payload);
    }
  });

  it('says FIN and PSH in the last packet, CWR in the first', () => {
    const { bytes, transport } = frame(pattern(30), { flags: 0x80 | 0x40 | 0x10 | 0x08 | 0x01 });
    expect(cut(bytes, tcp(transport, 10)).map((packet) => packet[transport + 13])).toEqual([0xd0, 0x50, 0x59]);
  });

  it('gives nothing for what is not TCP, is a fragment, or would be cut too fine', () => {
    const { bytes, transport } = frame(pattern(30));
    expect(cut(bytes, tcp(transport, 7))).toEqual([]);
    expect(cut(frame(pattern(30), { protocol: 'udp' }).bytes, tcp(transport, 10))).toEqual([]);
    bytes[21] = 1;
    expect(cut(bytes, tcp(transport, 10))).toEqual([]);
  });
});

describe('UDP', () => {
  it.each([4, 6] as const)('is cut into datagrams (IPv%i)', (version) => {
    const payload = pattern(5000);
    const { bytes, transport } = frame(payload, { version, protocol: 'udp' });
    const packets = cut(bytes, udp(transport, 'udp', 1200));
    const pieces = packets.map((packet) => {
      const datagram = check(packet).transport;
      expect(new DataView(datagram.buffer).getUint16(4)).toBe(datagram.length);
      return datagram.slice(8);
    });
    expect(pieces.map((piece) => piece.length)).toEqual([1200, 1200, 1200, 1200, 200]);
    expect(Uint8Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(payload);
  });

  it('is cut into IPv4 fragments of one datagram', () => {
    const payload = pattern(5000);
    const { bytes, transport } = frame(payload, { protocol: 'udp' });
    const packets = cut(bytes, udp(transport, 'udp-fragments', 1485));
    const whole = new Uint8Array(bytes.length);
    whole.set(bytes.subarray(0, transport));
    let at = 0;
    packets.forEach((packet, i) => {
      const view = new DataView(packet.buffer);
      expect(onesComplementSum(packet, 14, 34)).toBe(0xffff);
      expect(view.getUint16(16)).toBe(packet.length - 14);
      expect(view.getUint16(18)).toBe(0xfffe);
      expect(view.getUint16(20)).toBe((i < packets.length - 1 ? 0x2000 : 0) | (at / 8));
      whole.set(packet.subarray(34), transport + at);
      at += packet.length - 34;
    });
    expect(packets[0]!.length).toBe(34 + 1480);
    expect(at).toBe(5008);
    expect(check(fixIpv4(whole)).transport.slice(8)).toEqual(payload);
  });

  it('is cut into IPv6 fragments of one datagram', () => {
    const payload = pattern(3000);
    const { bytes, transport } = frame(payload, { version: 6, protocol: 'udp' });
    const packets = cut(bytes, udp(transport, 'udp-fragments', 1440));
    const whole = bytes.slice();
    let at = 0;
    packets.forEach((packet, i) => {
      const view = new DataView(packet.buffer);
      expect(packet[20]).toBe(44);
      expect(packet[54]).toBe(17);
      expect(view.getUint16(18)).toBe(packet.length - 54);
      expect(view.getUint16(56)).toBe(at | (i < packets.length - 1 ? 1 : 0));
      expect(view.getUint32(58)).toBe(new DataView(packets[0]!.buffer).getUint32(58));
      whole.set(packet.subarray(62), transport + at);
      at += packet.length - 62;
    });
    expect(check(whole).transport.slice(8)).toEqual(payload);
  });
});

/** The reassembled header as a receiver would see it. */
function fixIpv4(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  view.setUint16(20, 0);
  view.setUint16(24, 0);
  view.setUint16(24, 0xffff & ~onesComplementSum(bytes, 14, 34));
  return bytes;
}

describe('hostile frames', () => {
  const kinds = fc.constantFrom('none', 'tcp', 'udp', 'udp-fragments') as fc.Arbitrary<Offload['segmentation']>;
  const offloads: fc.Arbitrary<Offload> = fc.record({ checksumStart: fc.integer({ min: 0, max: 65535 }), checksumOffset: fc.integer({ min: 0, max: 65535 }), segmentation: kinds, segmentBytes: fc.integer({ min: 0, max: 65535 }) });

  it('at every truncation are cut within bounds or not at all', () => {
    for (const version of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const { bytes, transport } = frame(pattern(40), { version, protocol, tags: 1 });
        for (let length = 0; length <= bytes.length; length++) {
          const short = bytes.slice(0, length);
          for (const segmentation of ['none', 'tcp', 'udp', 'udp-fragments'] as const) {
            for (const packet of cut(short, { checksumStart: transport, checksumOffset: 6, segmentation, segmentBytes: segmentation === 'none' ? 0 : 16 })) expect(packet.length).toBeLessThanOrEqual(length + 8);
          }
        }
      }
    }
  });

  it('of any kind never throw', () => {
    const seeds = [frame(pattern(60)), frame(pattern(60), { version: 6 }), frame(pattern(60), { protocol: 'udp' }), frame(pattern(60), { version: 6, protocol: 'udp', tags: 2 })];
    fc.assert(
      fc.property(fc.nat(3), fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }), offloads, fc.nat(140), (seed, edits, offload, length) => {
        const bytes = seeds[seed]!.bytes.slice(0, length);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        const before = bytes.slice();
        const packets = cut(bytes, offload);
        expect(packets.length).toBeLessThanOrEqual(70);
        expect(bytes).toEqual(before);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  it('of the greatest size are cut within the scratch', () => {
    for (const options of [{}, { version: 6, tags: 2 }] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        for (const length of [65400, 65500, 66000, 200_000]) {
          const { bytes, transport } = frame(new Uint8Array(length), { ...options, protocol });
          for (const segmentation of ['none', 'tcp', 'udp', 'udp-fragments'] as const)
            for (const segmentBytes of [1448, 65000, 65535]) cut(bytes, { checksumStart: transport, checksumOffset: 6, segmentation, segmentBytes });
        }
      }
    }
  });
});
