import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, inPrefix, parseAddress, parseMac } from './address.js';
import { checksum } from './checksum.js';
import { buildDhcp, parseDhcp } from './dhcp.js';
import { buildDhcpv6, buildIaNa, parseDhcpv6 } from './dhcpv6.js';
import { encodeName } from './dns-name.js';
import { emptyIpPacket, parseIpv4, parseIpv6, writeIpv4, writeIpv6 } from './ip.js';
import { StreamFrames } from './stream-frames.js';
import { emptyTcpSegment, parseTcp } from './tcp.js';
import { buildTftpOptions, parseTftpRequest } from './tftp.js';
import { parseUdp } from './udp.js';
import { describeFrame } from '../middleware/tracer.js';

const bytes = fc.uint8Array({ maxLength: 400 });

describe('addresses', () => {
  it.each(['0.0.0.0', '255.255.255.255', '10.0.2.15', '::', '::1', 'fec0::2', 'fe80::5054:ff:fe12:3456', '2001:db8:0:1:1:1:1:1', '1:0:0:2::3', '2001:db8::1:0:0:1'])('%s is written as it was read (RFC 5952)', (text) =>
    expect(formatAddress(parseAddress(text)!)).toBe(text));
  it.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4.5', ':', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1.2.3.256', 'g::'])('"%s" is none', (text) => expect(parseAddress(text)).toBeUndefined());
  it('an IPv4 address may end an IPv6 address', () => expect(formatAddress(parseAddress('::ffff:10.0.2.2')!)).toBe('::ffff:a00:202'));
  it('any address goes both ways', () => fc.assert(fc.property(fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })), (a) => void expect(parseAddress(formatAddress(a))).toEqual(a)), { seed: 1 }));
  it('a prefix ends within a byte', () => {
    expect(inPrefix(Uint8Array.of(10, 0, 3, 1), 0, Uint8Array.of(10, 0, 2, 0), 23)).toBe(true);
    expect(inPrefix(Uint8Array.of(10, 0, 4, 1), 0, Uint8Array.of(10, 0, 2, 0), 23)).toBe(false);
  });
  it('MAC addresses', () => expect([parseMac('52:54:00:12:34:56'), parseMac('52:54:00:12:34'), parseMac('52-54-00-12-34-56')]).toEqual([Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56), undefined, undefined]));
});

describe('the checksum', () => {
  it('of the example of RFC 1071', () => expect(checksum(Uint8Array.of(0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7), 0, 8)).toBe(~0xddf2 & 0xffff));
  it('is what adding word by word gives, of any length and place', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(9), (data, skip) => {
        let sum = 0;
        for (let i = skip; i < data.length; i += 2) {
          sum += (data[i] << 8) | (i + 1 < data.length ? data[i + 1] : 0);
          sum = (sum & 0xffff) + (sum >>> 16);
        }
        expect(checksum(data, Math.min(skip, data.length), data.length)).toBe(~sum & 0xffff);
      }),
      { seed: 2 },
    ));
});

describe('parsers take any bytes, and every truncation of a good message', () => {
  const mac = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
  const dhcp = buildDhcp({ request: { transaction: 7, broadcast: true, hardwareAddress: mac }, operation: 1, bootFile: 'x', options: [[53, Uint8Array.of(1)], [12, new Uint8Array(300).fill(65)]] });
  const dhcpv6 = buildDhcpv6({ type: 1, transaction: mac.subarray(0, 3), options: [[1, mac], [3, buildIaNa(mac, new Uint8Array(16), 100)]] });
  const ip4 = new Uint8Array(48);
  writeIpv4(ip4, 0, { source: mac.subarray(0, 4), destination: mac.subarray(0, 4), protocol: 6, length: 28, hopLimit: 1, identification: 0, fragment: 0 });
  const ip6 = new Uint8Array(80);
  writeIpv6(ip6, 0, { source: new Uint8Array(16), destination: new Uint8Array(16), protocol: 0, length: 40, hopLimit: 1 });
  const packet = emptyIpPacket();
  const within = (part: Uint8Array): void => {
    expect(packet.payloadStart).toBeLessThanOrEqual(packet.payloadEnd);
    expect(packet.payloadEnd).toBeLessThanOrEqual(part.length);
  };
  const parsers: Record<string, (part: Uint8Array) => unknown> = {
    dhcp: parseDhcp,
    dhcpv6: parseDhcpv6,
    tftp: parseTftpRequest,
    ipv4: (part) => {
      if (!parseIpv4(part, 0, part.length, packet)) return;
      within(part);
      parseTcp(packet, emptyTcpSegment());
      parseUdp(packet, { sourcePort: 0, destinationPort: 0, dataStart: 0, dataEnd: 0 });
    },
    ipv6: (part) => {
      if (parseIpv6(part, 0, part.length, packet)) within(part);
    },
    tracer: describeFrame,
  };
  const samples: Record<string, Uint8Array> = { dhcp, dhcpv6, tftp: Uint8Array.of(0, 1, 65, 0, 65, 0, 66, 0, 67, 0), ipv4: ip4, ipv6: ip6, tracer: Uint8Array.from([...new Uint8Array(12), 8, 0, ...ip4]) };
  it.each(Object.keys(parsers))('%s', (name) => {
    for (let length = 0; length <= samples[name].length; length++) parsers[name](samples[name].slice(0, length));
    fc.assert(fc.property(bytes, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 5 }), (random, changes) => {
      parsers[name](random);
      const changed = samples[name].slice();
      for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
      parsers[name](changed);
    }), { seed: 3 });
  });
  it('and give back what was written', () => {
    expect(parseDhcp(dhcp)).toMatchObject({ transaction: 7, broadcast: true, hardwareAddress: mac, type: 1 });
    expect(parseDhcp(dhcp)?.options.get(12)).toHaveLength(300);
    expect(parseDhcpv6(dhcpv6)?.options.map(([code]) => code)).toEqual([1, 3]);
    expect(parseTftpRequest(Uint8Array.from([0, 1, ...new TextEncoder().encode('f\0octet\0')]))).toMatchObject({ name: 'f', mode: 'octet' });
    expect(new TextDecoder().decode(buildTftpOptions(new Map([['blksize', '8']])).subarray(2))).toBe('blksize\x008\0');
    expect([...encodeName('a.bc.')!]).toEqual([1, 97, 2, 98, 99, 0]);
    expect([encodeName(''), encodeName('a..b'), encodeName('a'.repeat(64))]).toEqual([undefined, undefined, undefined]);
  });
});

it('a stream is cut into the same frames wherever it is cut itself', () => {
  const frames = [Uint8Array.of(1), new Uint8Array(0), new Uint8Array(700).fill(3), Uint8Array.of(4, 5)];
  const stream = Uint8Array.from(frames.flatMap((frame) => [0, 0, frame.length >> 8, frame.length & 255, ...frame]));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
      const out: Uint8Array[] = [];
      const cutter = new StreamFrames();
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
      for (let i = 1; i < places.length; i++) expect(cutter.push(stream.subarray(places[i - 1], places[i]), (frame) => out.push(frame.slice()))).toBe(true);
      expect(out).toEqual(frames);
    }),
    { seed: 4 },
  );
  expect(new StreamFrames().push(Uint8Array.of(1, 0, 0, 0), () => {})).toBe(false);
});
