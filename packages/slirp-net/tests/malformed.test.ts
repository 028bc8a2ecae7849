import { mkdtempSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tftpFolder } from '@pckit/slirp-net/node';
import { rig, type FakeStream, type Rig } from '@pckit/slirp-net/testing';

/** What user-mode stacks got wrong before: named after the public reports of other implementations. Frames are made by hand here, not by our own code. */
const GATEWAY = [0x52, 0x55, 0x0a, 0, 2, 2];
const GUEST = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}
const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];

interface Ip {
  protocol?: number;
  to?: number[];
  from?: number[];
  total?: number;
  ihl?: number;
  options?: number[];
  id?: number;
  offset?: number;
  more?: boolean;
  ttl?: number;
}
function ip4(payload: readonly number[], { protocol = 17, to = [10, 0, 2, 2], from = [10, 0, 2, 15], options = [], total = 20 + options.length + payload.length, ihl = 5 + options.length / 4, id = 7, offset = 0, more = false, ttl = 64 }: Ip = {}): Uint8Array {
  const head = [0x40 | ihl, 0, ...u16(total), ...u16(id), ...u16((offset >>> 3) | (more ? 0x2000 : 0)), ttl, protocol, 0, 0, ...from, ...to, ...options];
  const check = sum(head.slice(0, Math.max(20, ihl * 4)));
  head.splice(10, 2, ...u16(check));
  return Uint8Array.from([...GATEWAY, ...GUEST, 8, 0, ...head, ...payload]);
}
function udp(data: readonly number[], { to = 69, from = 4000, length = 8 + data.length }: { to?: number; from?: number; length?: number } = {}): number[] {
  return [...u16(from), ...u16(to), ...u16(length), 0, 0, ...data];
}
function tcp(fields: { from?: number; to?: number; seq?: number; ack?: number; flags?: number; window?: number; offset?: number; options?: number[]; data?: number[]; dst?: number[]; src?: number[] }): Uint8Array {
  const { from = 5000, to = 80, seq = 0, ack = 0, flags = 2, window = 1024, options = [], offset = 5 + options.length / 4, data = [], dst = [93, 184, 216, 34], src = [10, 0, 2, 15] } = fields;
  const segment = [...u16(from), ...u16(to), ...u32(seq), ...u32(ack), (offset << 4) & 255, flags, ...u16(window), 0, 0, 0, 0, ...options, ...data];
  const check = sum([...src, ...dst, 0, 6, ...u16(segment.length), ...segment]);
  segment.splice(16, 2, ...u16(check));
  return ip4(segment, { protocol: 6, to: dst, from: src });
}
const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));

interface World extends Rig {
  send: (frame: Uint8Array) => void;
  /** Frames that went to the guest. */
  out: Uint8Array[];
}
function world(options: Parameters<typeof rig>[0] = {}): World {
  const out: Uint8Array[] = [];
  let inject: ((frame: Uint8Array) => void) | undefined;
  const made = rig({
    ...options,
    middleware: [
      {
        toGuest: (frame, next) => {
          out.push(frame.slice());
          // What is made by hand here is not the guest stack's business: it would reset it.
          const byHand = frame[23] === 6 && frame[12] === 8 && (frame[36] << 8) + frame[37] === 5000;
          return byHand || next(frame);
        },
        fromGuest: (frame, next) => {
          inject = next;
          next(frame);
        },
      },
    ],
  });
  out.length = 0;
  return { ...made, out, send: (frame) => inject?.(frame) };
}

/** Another flow of the same guest works all the while. */
function stillWorks({ guest, host, clock }: World): void {
  const socket = guest.connect('10.0.2.2', 8080);
  clock.settle();
  const stream = host.streams.at(-1) as FakeStream;
  socket.connection.write(Uint8Array.of(1, 2, 3));
  clock.settle();
  stream.events.data(Uint8Array.of(4, 5));
  clock.settle();
  expect([[...stream.all()], [...socket.all()]]).toEqual([[1, 2, 3], [4, 5]]);
  socket.connection.abort();
  clock.settle();
}

describe('fragments', () => {
  const payload = udp(Array.from({ length: 1400 }, (_, i) => i & 255), { to: 7 });

  it('CVE-2019-14378: a fragment that overlaps the one before ends the datagram, and nothing is written past it', () => {
    const w = world();
    w.send(ip4(payload.slice(0, 800), { more: true, to: [1, 2, 3, 4] }));
    w.send(ip4(payload.slice(400, 1408), { offset: 400, to: [1, 2, 3, 4] }));
    expect(w.host.sockets).toHaveLength(0);
    // What comes then begins anew.
    w.send(ip4(payload.slice(0, 800), { more: true, to: [1, 2, 3, 4] }));
    w.send(ip4(payload.slice(800), { offset: 800, to: [1, 2, 3, 4] }));
    expect(w.host.sockets[0].sent[0].bytes).toHaveLength(1400);
    stillWorks(w);
  });

  it('CVE-2019-14378: a first fragment larger than what the others announced', () => {
    const w = world();
    w.send(ip4(payload.slice(0, 8), { offset: 8, more: false, to: [1, 2, 3, 4] }));
    w.send(ip4(payload.slice(0, 1000), { more: true, to: [1, 2, 3, 4] }));
    expect(w.host.sockets).toHaveLength(0);
    stillWorks(w);
  });

  it('CVE-2020-1983: a fragment that is all overlap, and one beyond 64 KiB', () => {
    const w = world();
    for (const offset of [0, 0, 8, 16, 65_528, 65_520]) w.send(ip4(Array.from({ length: 64 }, () => 1), { offset, more: offset !== 16, to: [1, 2, 3, 4] }));
    expect(w.host.sockets).toHaveLength(0);
    stillWorks(w);
  });

  it('endless: datagrams that are never complete are bounded, and forgotten', () => {
    const w = world();
    for (let id = 0; id < 400; id++) for (const offset of [0, 2960, 5920]) w.send(ip4(Array.from({ length: 1400 }, () => 1), { id, offset, more: true, to: [1, 2, 3, 4] }));
    const held = (w.network as unknown as { ip: { context: { reassembly: { held: number; datagrams: Map<string, unknown> } } } }).ip.context.reassembly;
    expect(held.held).toBeLessThanOrEqual(1 << 20);
    expect(held.datagrams.size).toBeLessThanOrEqual(64);
    w.clock.advance(61_000);
    expect(held.held).toBe(0);
    for (let offset = 0; offset < 60_000; offset += 16) w.send(ip4(Array.from({ length: 8 }, () => 1), { offset, more: true, to: [1, 2, 3, 4] }));
    expect(held.held).toBeLessThan(8 * 200);
    stillWorks(w);
  });

  it('empty ones, and lengths that are no multiple of eight', () => {
    const w = world();
    for (const length of [0, 1, 7, 9]) w.send(ip4(Array.from({ length }, () => 1), { more: true, to: [1, 2, 3, 4] }));
    expect((w.network as unknown as { ip: { context: { reassembly: { held: number } } } }).ip.context.reassembly.held).toBe(0);
    stillWorks(w);
  });

  it('IPv6: overlapping ones end their datagram (RFC 5722); a chain of extension headers ends', () => {
    const w = world();
    const ip6 = (next: number, body: readonly number[]): Uint8Array =>
      Uint8Array.from([...GATEWAY, ...GUEST, 0x86, 0xdd, 0x60, 0, 0, 0, ...u16(body.length), next, 64, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 0x15, 0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 1, ...body]);
    const piece = (offset: number, more: number, data: readonly number[]): Uint8Array => ip6(44, [17, 0, ...u16(offset | more), 0, 0, 0, 9, ...data]);
    w.send(piece(0, 1, Array.from({ length: 64 }, () => 1)));
    w.send(piece(32, 0, Array.from({ length: 64 }, () => 1)));
    expect(w.host.sockets).toHaveLength(0);
    const chain = Array.from({ length: 60 }, () => [0, 0, 0, 0, 0, 0, 0, 0]).flat();
    const before = w.network.statistics().counters.malformed;
    w.send(ip6(0, chain));
    w.send(ip6(0, [17, 255, 0, 0, 0, 0, 0, 0]));
    w.send(ip6(43, [17, 0, 0, 1, 0, 0, 0, 0, ...udp([1])]));
    expect(w.network.statistics().counters.malformed).toBe(before + 2);
    expect(w.host.sockets).toHaveLength(0);
    stillWorks(w);
  });
});

describe('IP', () => {
  it('length fields past the end of the frame, and shorter than the header', () => {
    const w = world();
    for (const total of [0, 19, 28, 37, 1500, 65_535]) w.send(ip4(udp([1]), { total }));
    for (const ihl of [0, 1, 4, 15]) w.send(ip4(udp([1]), { ihl }));
    expect(w.network.statistics().counters.malformed).toBeGreaterThanOrEqual(8);
    stillWorks(w);
  });

  it('options of every kind and length', () => {
    const w = world();
    for (let kind = 0; kind < 256; kind++) for (const length of [0, 1, 2, 3, 4, 7, 8, 9, 39, 40, 255]) w.send(ip4(udp([1], { to: 9 }), { options: [kind, length, 4, 0, 0, 0, 0, 0], to: [1, 2, 3, 4] }));
    // A whole option area without an end.
    w.send(ip4(udp([1], { to: 9 }), { options: Array.from({ length: 40 }, () => 7), to: [1, 2, 3, 4] }));
    stillWorks(w);
  });

  it('source routes are refused', () => {
    const w = world();
    for (const kind of [131, 137]) w.send(ip4(udp([1], { to: 9 }), { options: [kind, 7, 4, 6, 6, 6, 6, 0], to: [1, 2, 3, 4] }));
    expect(w.host.sockets).toHaveLength(0);
    expect(w.out.map((frame) => [frame[34], frame[35]])).toEqual([
      [3, 5],
      [3, 5],
    ]);
  });

  it('from impossible addresses, and to them', () => {
    const w = world();
    for (const from of [[127, 0, 0, 1], [255, 255, 255, 255], [224, 0, 0, 1], [10, 0, 2, 255], [10, 0, 2, 2]]) w.send(ip4(udp([1], { to: 9 }), { from, to: [1, 2, 3, 4] }));
    for (const to of [[127, 0, 0, 1], [0, 0, 0, 0], [240, 0, 0, 1], [10, 0, 2, 77]]) w.send(ip4(udp([1], { to: 9 }), { to }));
    expect(w.host.sockets.flatMap(({ sent }) => sent)).toEqual([]);
    stillWorks(w);
  });

  it('errors are not answered with errors, nor sent without end', () => {
    const w = world();
    w.send(ip4([3, 1, 0xfc, 0xfe, 0, 0, 0, 0], { protocol: 1, to: [1, 2, 3, 4], ttl: 1 }));
    expect(w.out).toEqual([]);
    for (let i = 0; i < 1000; i++) w.send(ip4(udp([1], { to: 9 }), { to: [1, 2, 3, 4], ttl: 1 }));
    expect(w.out.length).toBeLessThanOrEqual(50);
    stillWorks(w);
  });

  it('CVE-2020-10756: an ICMPv6 echo whose length field exceeds the packet gives nothing of our memory away', () => {
    const w = world();
    const frame = [...GATEWAY, ...GUEST, 0x86, 0xdd, 0x60, 0, 0, 0, ...u16(1000), 58, 64, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 0x15, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 2, 128, 0, 0, 0, 0, 1, 0, 1];
    w.send(Uint8Array.from(frame));
    expect(w.out).toEqual([]);
    expect(w.network.statistics().counters.malformed).toBe(1);
    stillWorks(w);
  });
});

describe('short headers', () => {
  it('CVE-2020-29129 (and 29130): frames and ARP cut short anywhere', () => {
    const w = world();
    const arp = Uint8Array.from([255, 255, 255, 255, 255, 255, ...GUEST, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...GUEST, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
    for (let length = 0; length < arp.length; length++) w.send(arp.slice(0, length));
    expect(w.out).toEqual([]);
    w.send(arp);
    expect(w.out).toHaveLength(1);
  });

  it('CVE-2021-3592: BOOTP requests cut short anywhere answer nothing but what was sent', () => {
    const w = world();
    const dhcp = [1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0x80, 0, ...Array.from({ length: 16 }, () => 0), ...GUEST, ...Array.from({ length: 202 }, () => 0), 99, 130, 83, 99, 53, 1, 1, 255];
    for (let length = 0; length < 236; length++) w.send(ip4(udp(dhcp.slice(0, length), { from: 68, to: 67 }), { from: [0, 0, 0, 0], to: [255, 255, 255, 255] }));
    expect(w.out).toEqual([]);
    w.send(ip4(udp(dhcp, { from: 68, to: 67 }), { from: [0, 0, 0, 0], to: [255, 255, 255, 255] }));
    expect(w.out).toHaveLength(1);
    // Options that reach past the end.
    for (const tail of [[53], [53, 200], [53, 200, 1], [50, 5, 1, 2, 3, 4]]) w.send(ip4(udp([...dhcp.slice(0, 240), ...tail], { from: 68, to: 67 }), { from: [0, 0, 0, 0], to: [255, 255, 255, 255] }));
    expect(w.out).toHaveLength(1);
  });

  it('CVE-2021-3593, CVE-2021-3594: UDP headers cut short, over both families, and lengths that lie', () => {
    const w = world();
    for (let length = 0; length < 8; length++) w.send(ip4(udp([]).slice(0, length), { to: [1, 2, 3, 4] }));
    for (const length of [0, 1, 7, 10, 1500, 65_535]) w.send(ip4(udp([1], { length, to: 9 }), { to: [1, 2, 3, 4] }));
    for (let length = 0; length < 8; length++) w.send(Uint8Array.from([...GATEWAY, ...GUEST, 0x86, 0xdd, 0x60, 0, 0, 0, ...u16(length), 17, 64, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 0x15, 0x20, 1, ...Array.from({ length: 14 }, () => 1), ...udp([]).slice(0, length)]));
    expect(w.host.sockets).toHaveLength(0);
    stillWorks(w);
  });

  it('CVE-2021-3595: TFTP requests cut short anywhere, and without an end', async () => {
    const names: string[] = [];
    const w = world({ network: { tftp: { open: (name) => (names.push(name), Promise.resolve(undefined)) } } });
    const request = [0, 1, ...ascii('file'), 0, ...ascii('octet'), 0];
    for (let length = 0; length < request.length; length++) w.send(ip4(udp(request.slice(0, length))));
    w.send(ip4(udp([0, 1, ...Array.from({ length: 1400 }, () => 65)])));
    expect(names).toEqual([]);
    w.send(ip4(udp(request)));
    await new Promise((done) => setImmediate(done));
    expect(names).toEqual(['file']);
    stillWorks(w);
  });
});

describe('protocols', () => {
  it('TFTP: names that lead out of the folder find nothing', async () => {
    const base = mkdtempSync(join(tmpdir(), 'slirp-net-'));
    try {
      mkdirSync(join(base, 'served', 'sub'), { recursive: true });
      writeFileSync(join(base, 'secret'), 'secret');
      writeFileSync(join(base, 'served', 'sub', 'file'), 'content');
      symlinkSync('../secret', join(base, 'served', 'link'));
      symlinkSync('/etc/passwd', join(base, 'served', 'absolute'));
      const folder = tftpFolder(join(base, 'served'));
      for (const name of ['../secret', 'sub/../../secret', '..\\secret', '/../secret', 'link', 'absolute', 'sub/file\0.txt', '', '/', '.', 'sub', `${'../'.repeat(40)}etc/passwd`]) {
        expect(await folder.open(name).catch(() => undefined), name).toBeUndefined();
      }
      const file = await folder.open('/sub/file');
      expect(new TextDecoder().decode(await file!.read(0, 512))).toBe('content');
      file!.close();
    } finally {
      rmSync(base, { recursive: true });
    }
  });

  it('CVE-2020-7039, CVE-2020-8608: protocols with addresses in their text (IRC, FTP) pass through as they are: nothing is parsed, nothing can overflow', () => {
    const w = world();
    const socket = w.guest.connect('93.184.216.34', 6667);
    w.clock.settle();
    const line = new TextEncoder().encode(`PRIVMSG x :\x01DCC CHAT chat ${'9'.repeat(2000)} 1\x01\r\nDCC SEND file 2130706433 1024 1\r\n`);
    socket.connection.write(line.slice());
    w.clock.settle();
    expect(Buffer.compare(w.host.streams[0].all(), line)).toBe(0);
  });

  it('DNS: an answer is not taken for a query, and none is sent round in circles', () => {
    const w = world();
    const query = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1];
    for (let length = 0; length < 17; length++) w.send(ip4(udp(query.slice(0, length), { to: 53 }), { to: [10, 0, 2, 3] }));
    w.send(ip4(udp([1, 2, 0x81, ...query.slice(3)], { to: 53 }), { to: [10, 0, 2, 3] }));
    expect(w.host.queries).toHaveLength(0);
    // A name that points at itself is the resolver's to refuse: it is passed on as bytes, once.
    w.send(ip4(udp([...query.slice(0, 12), 0xc0, 12, 0, 1, 0, 1], { to: 53 }), { to: [10, 0, 2, 3] }));
    expect(w.host.queries).toHaveLength(1);
  });

  it('DNS: a flood of questions is bounded', () => {
    const w = world();
    w.host.answer = () => new Promise(() => {});
    const query = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1];
    for (let i = 0; i < 1000; i++) w.send(ip4(udp(query, { to: 53, from: 4000 + i }), { to: [10, 0, 2, 3] }));
    expect(w.host.queries).toHaveLength(64);
    stillWorks(w);
  });
});

describe('TCP', () => {
  function established(w: World): { iss: number } {
    w.guest.listening = false;
    w.send(tcp({ seq: 1000, flags: 2, window: 4096 }));
    w.clock.settle();
    const synAck = w.out.at(-1) as Uint8Array;
    const iss = new DataView(synAck.buffer).getUint32(38);
    w.send(tcp({ seq: 1001, ack: iss + 1, flags: 16 }));
    w.clock.settle();
    return { iss };
  }

  it('segments outside the window are acknowledged and not taken', () => {
    const w = world();
    const { iss } = established(w);
    const stream = w.host.streams[0];
    for (const seq of [1001 + 200_000, 1001 - 100, 0x7fff_0000, 0xffff_0000]) w.send(tcp({ seq, ack: iss + 1, flags: 24, data: [1, 2, 3, 4] }));
    w.clock.settle();
    expect(stream.receivedBytes).toBe(0);
    w.send(tcp({ seq: 1001, ack: iss + 1, flags: 24, data: [9] }));
    w.clock.settle();
    expect([...stream.all()]).toEqual([9]);
  });

  it('RST and SYN in the window, but not at its edge, get a challenge (RFC 5961)', () => {
    const w = world();
    const { iss } = established(w);
    for (let i = 1; i < 200; i++) w.send(tcp({ seq: 1001 + i * 7, flags: 4 }));
    w.send(tcp({ seq: 1003, flags: 2 }));
    w.send(tcp({ seq: 1001 + 100_000, flags: 4 }));
    w.clock.settle();
    expect(w.host.streams[0].aborted).toBe(false);
    w.send(tcp({ seq: 1001, ack: iss + 1, flags: 24, data: [9] }));
    w.clock.settle();
    expect(w.host.streams[0].receivedBytes).toBe(1);
    w.send(tcp({ seq: 1002, flags: 4 }));
    w.clock.settle();
    expect(w.host.streams[0].aborted).toBe(true);
  });

  it('acknowledgements of what was never sent are refused', () => {
    const w = world();
    const { iss } = established(w);
    for (const ack of [iss + 2, iss + 50_000, iss - 5, iss + 0x7fff_ffff]) w.send(tcp({ seq: 1001, ack, flags: 24, data: [1] }));
    w.clock.settle();
    w.host.streams[0].events.data(Uint8Array.of(1, 2, 3));
    w.clock.advance(100);
    w.send(tcp({ seq: 1002, ack: iss + 4, flags: 16 }));
    w.clock.settle();
    expect([...w.network.flows()][0]).toMatchObject({ state: 'established' });
  });

  it('a flood of SYNs is bounded: no more dials than half-open connections', () => {
    const w = world({ network: { limits: { tcpHalfOpen: 100 } } });
    w.host.dial = () => undefined;
    for (let i = 0; i < 5000; i++) w.send(tcp({ from: 1024 + i, seq: i }));
    expect(w.host.streams).toHaveLength(100);
    expect(w.network.statistics().tcpFlows).toBe(100);
    for (const stream of [...w.host.streams]) stream.events.closed('timeout');
    w.host.dial = () => 'connect';
    stillWorks(w);
  });

  it('a flood of connections is bounded', () => {
    const w = world({ network: { limits: { tcpFlows: 50 } } });
    w.guest.listening = false;
    for (let i = 0; i < 500; i++) w.send(tcp({ from: 1024 + i, seq: i }));
    expect(w.network.statistics().tcpFlows).toBe(50);
  });

  it('header lengths and options that reach past the end', () => {
    const w = world();
    const before = w.network.statistics().counters.malformed;
    for (const offset of [0, 1, 4, 6, 15]) w.send(tcp({ offset }));
    for (const options of [[2, 0, 0, 0], [2, 9, 0, 0], [5, 1, 0, 0], [3, 40, 0, 0]]) w.send(tcp({ options }));
    expect(w.network.statistics().counters.malformed - before).toBe(9);
    expect(w.host.streams).toHaveLength(0);
    stillWorks(w);
  });

  it('SACK blocks that make no sense, and a segment size of one', () => {
    const w = world();
    w.guest.listening = false;
    w.send(tcp({ seq: 1000, flags: 2, window: 60_000, options: [2, 4, 0, 1, 1, 1, 4, 2] }));
    w.clock.settle();
    const iss = new DataView((w.out.at(-1) as Uint8Array).buffer).getUint32(38);
    const sack = (start: number, end: number): number[] => [1, 1, 5, 10, ...u32(start), ...u32(end)];
    w.send(tcp({ seq: 1001, ack: iss + 1, flags: 16, window: 60_000 }));
    w.host.streams[0].events.data(new Uint8Array(10_000));
    w.clock.settle();
    w.out.length = 0;
    for (const [start, end] of [[iss + 5, iss + 2], [iss - 10, iss - 5], [iss + 1, iss + 200], [iss + 100, iss + 0x4000_0000], [iss + 3000, iss + 3001], [0, 0xffff_ffff]]) w.send(tcp({ seq: 1001, ack: iss + 1, flags: 16, window: 60_000, options: sack(start, end) }));
    w.clock.advance(5000);
    expect(w.out.length).toBeLessThan(1000);
    expect(Math.min(...w.out.map((frame) => frame.length))).toBeGreaterThanOrEqual(54);
    stillWorks(w);
  });

  it('tiny segments out of order take no more than the window allows', () => {
    const w = world();
    const { iss } = established(w);
    for (let i = 0; i < 5000; i++) w.send(tcp({ seq: 1003 + 2 * i, ack: iss + 1, flags: 16, data: [1] }));
    const flows = (w.network as unknown as { tcp: Iterable<{ receiver: { pieces: unknown[] } }> }).tcp;
    for (const { receiver } of flows) expect(receiver.pieces.length).toBeLessThanOrEqual(2048);
    stillWorks(w);
  });
});

describe('whatever comes', () => {
  it('random frames, and real ones with bytes changed or cut off, do no harm', () => {
    const w = world({ network: { tftp: { open: () => Promise.resolve(undefined) } } });
    w.guest.listening = false;
    const seeds = [
      ip4(udp([0, 1, ...ascii('file'), 0, ...ascii('octet'), 0])),
      ip4(udp([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1], { to: 53 }), { to: [10, 0, 2, 3] }),
      ip4([8, 0, 0xf7, 0xff, 0, 0, 0, 0], { protocol: 1 }),
      ip4(udp(Array.from({ length: 300 }, (_, i) => i & 255), { from: 68, to: 67 })),
      tcp({ options: [2, 4, 5, 180, 4, 2, 1, 1, 3, 3, 7, 0] }),
      tcp({ flags: 24, ack: 1, data: [1, 2, 3] }),
      Uint8Array.from([...GATEWAY, ...GUEST, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255, 0xfe, 0x80, ...Array.from({ length: 13 }, () => 0), 1, 0xff, 2, ...Array.from({ length: 13 }, () => 0), 2, 135, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 2, 1, 1, ...GUEST]),
      Uint8Array.from([...GATEWAY, ...GUEST, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 44, 64, 0xfe, 0xc0, ...Array.from({ length: 13 }, () => 0), 0x15, 0x20, 1, ...Array.from({ length: 14 }, () => 1), 17, 0, 0, 1, 0, 0, 0, 9, ...Array.from({ length: 16 }, () => 0)]),
    ];
    for (const frame of seeds) for (let length = 0; length <= frame.length; length++) w.send(frame.slice(0, length));
    const mend = (frame: Uint8Array): Uint8Array => {
      // The header's checksum is made right again, so that what lies behind it is reached.
      if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0) return frame;
      frame[24] = frame[25] = 0;
      const header = Math.min(frame.length, 14 + (frame[14] & 15) * 4);
      const check = sum([...frame.subarray(14, header)]);
      frame.set(u16(check), 24);
      return frame;
    };
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }), fc.nat(400), (index, changes, cut) => {
        const frame = seeds[index].slice(0, Math.max(14, seeds[index].length - (cut < 40 ? cut : 0)));
        for (const [at, value] of changes) if (at < frame.length && at >= 12) frame[at] = value;
        w.send(mend(frame));
        w.clock.settle();
      }),
      { seed: 5, numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => w.send(Uint8Array.from([...GATEWAY, ...GUEST, ...bytes]))), { seed: 6, numRuns: 1000 });
    w.clock.advance(1000);
    stillWorks(w);
    w.clock.advance(4_000_000);
    expect(w.network.statistics().udpFlows).toBe(0);
  });
});
