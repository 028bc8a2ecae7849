import { describe, expect, it } from 'vitest';
import { configure, type NetworkOptions } from '../options.js';
import { FakeHost } from '../testing/fake-host.js';
import { HandClock } from '../testing/hand-clock.js';
import { NetworkTimers } from '../timers.js';
import { formatAddress } from '../wire/address.js';
import { buildDhcp, type DhcpMessage, parseDhcp } from '../wire/dhcp.js';
import { buildDhcpv6, buildIaNa, parseDhcpv6 } from '../wire/dhcpv6.js';
import { DhcpServer } from './dhcp-server.js';
import { Dhcpv6Server } from './dhcpv6-server.js';
import type { TftpFolder } from './tftp.js';
import { TftpServer } from './tftp-server.js';

function options(more: Partial<NetworkOptions> = {}): NetworkOptions {
  const clock = new HandClock();
  return { host: new FakeHost((run) => clock.defer(run)), clock, ...more };
}

describe('DHCP', () => {
  function server(more: Partial<NetworkOptions> = {}): { ask: (type: number | undefined, client: number, extra?: (readonly [number, Uint8Array])[], ciaddr?: number[]) => { type: number | undefined; yours: string; to: string; reply: DhcpMessage } | undefined; clock: HandClock } {
    const given = options(more);
    const config = configure(given);
    const clock = given.clock as HandClock;
    const dhcp = new DhcpServer(new NetworkTimers(clock), config, config.ipv4!, given);
    return {
      clock,
      ask: (type, client, extra = [], ciaddr = [0, 0, 0, 0]) => {
        const request = { transaction: 9, broadcast: false, hardwareAddress: Uint8Array.of(0x52, 0x54, 0, 0, client >> 8, client & 255) };
        const message = buildDhcp({ request, operation: 1, clientAddress: Uint8Array.from(ciaddr), options: [...(type === undefined ? [] : [[53, Uint8Array.of(type)] as const]), ...extra] });
        const answer = dhcp.answer(message);
        if (answer === undefined) return undefined;
        const reply = parseDhcp(answer.message)!;
        return { type: reply.type, yours: formatAddress(answer.message, 16, 4), to: formatAddress(answer.to), reply };
      },
    };
  }
  const address = (...bytes: number[]): readonly [number, Uint8Array] => [50, Uint8Array.from(bytes)];
  const gateway: readonly [number, Uint8Array] = [54, Uint8Array.of(10, 0, 2, 2)];

  it('offers, acknowledges and keeps an address for each client', () => {
    const { ask } = server();
    expect(ask(1, 1)).toMatchObject({ type: 2, yours: '10.0.2.15', to: '10.0.2.15' });
    expect(ask(3, 1, [gateway, address(10, 0, 2, 15)])).toMatchObject({ type: 5, yours: '10.0.2.15' });
    expect(ask(1, 2)).toMatchObject({ type: 2, yours: '10.0.2.16' });
    expect(ask(1, 1)).toMatchObject({ yours: '10.0.2.15' });
    // Renewal, to the address that the client has.
    expect(ask(3, 1, [], [10, 0, 2, 15])).toMatchObject({ type: 5, yours: '10.0.2.15', to: '10.0.2.15' });
  });

  it('refuses what is another\'s or not of the pool, and is silent about another server\'s offer', () => {
    const { ask } = server();
    ask(1, 1);
    ask(3, 1, [gateway, address(10, 0, 2, 15)]);
    for (const wanted of [address(10, 0, 2, 15), address(10, 0, 2, 2), address(10, 0, 2, 255), address(192, 168, 0, 5)]) expect(ask(3, 2, [gateway, wanted])).toMatchObject({ type: 6, to: '255.255.255.255' });
    expect(ask(3, 2, [[54, Uint8Array.of(10, 0, 2, 99)], address(10, 0, 2, 16)])).toBeUndefined();
  });

  it('forgets what was released, declined for a while, and what nobody took', () => {
    const { ask, clock } = server();
    ask(1, 1);
    clock.advance(61_000);
    expect(ask(1, 2)).toMatchObject({ yours: '10.0.2.15' });
    ask(3, 2, [gateway, address(10, 0, 2, 15)]);
    ask(7, 2, [gateway], [10, 0, 2, 15]);
    expect(ask(1, 3)).toMatchObject({ yours: '10.0.2.15' });
    ask(4, 3, [gateway, address(10, 0, 2, 15)]);
    expect(ask(1, 3)).toMatchObject({ yours: '10.0.2.16' });
  });

  it('runs out of addresses and says nothing then', () => {
    const { ask } = server({ ipv4: { network: '10.9.0.0/28' } });
    const given = Array.from({ length: 20 }, (_, client) => ask(1, client)?.yours);
    expect(given.filter((one) => one !== undefined)).toHaveLength(11);
    expect(new Set(given).size).toBe(12);
  });

  it('tells what there is to tell, and under restrict no way out', () => {
    const told = (more: Partial<NetworkOptions>): Record<number, string> => Object.fromEntries([...server(more).ask(8, 1, [], [10, 0, 2, 15])!.reply.options].map(([code, value]) => [code, Buffer.from(value).toString('hex')]));
    const all = told({ hostname: 'h', domain: 'd.e', searchDomains: ['d.e'], bootFile: 'pxe.0', tftp: { open: () => Promise.resolve(undefined) }, mtu: 9000 });
    expect(all).toEqual({ 53: '05', 54: '0a000202', 1: 'ffffff00', 28: '0a0002ff', 26: '2328', 3: '0a000202', 6: '0a000203', 12: '68', 15: '642e65', 119: '0164016500', 66: Buffer.from('10.0.2.2').toString('hex'), 67: Buffer.from('pxe.0').toString('hex') });
    expect(Object.keys(told({ restrict: true }))).toEqual(['1', '26', '28', '53', '54']);
  });

  it('answers BOOTP', () => expect(server().ask(undefined, 1)).toMatchObject({ type: undefined, yours: '10.0.2.15' }));
});

describe('DHCPv6', () => {
  const given = options({ searchDomains: ['d.e'] });
  const config = configure(given);
  const ask = (server: Dhcpv6Server, type: number, more: (readonly [number, Uint8Array])[]): ReturnType<typeof parseDhcpv6> => {
    const answer = server.answer(buildDhcpv6({ type, transaction: Uint8Array.of(1, 2, 3), options: more }));
    return answer && parseDhcpv6(answer);
  };
  const client = (id: number): readonly [number, Uint8Array] => [1, Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, id)];
  const ia: readonly [number, Uint8Array] = [3, buildIaNa(Uint8Array.of(0, 0, 0, 1), undefined, 0).slice(0, 12)];
  const leased = (message: ReturnType<typeof parseDhcpv6>): string => formatAddress(message!.options.find(([code]) => code === 3)![1], 16, 16);

  it('gives each client its address, and all the configuration', () => {
    const server = new Dhcpv6Server(config, config.ipv6!, given);
    const advertised = ask(server, 1, [client(1), ia]);
    expect(advertised?.type).toBe(2);
    const id = advertised!.options.find(([code]) => code === 2)!;
    const reply = ask(server, 3, [client(1), id, ia]);
    expect([reply?.type, leased(reply), leased(advertised), leased(ask(server, 1, [client(2), ia]))]).toEqual([7, 'fec0::15', 'fec0::15', 'fec0::16']);
    const information = ask(server, 11, []);
    expect(information?.options.map(([code, value]) => [code, code === 23 ? formatAddress(value) : value.length])).toEqual([[2, 10], [23, 'fec0::3'], [24, 5]]);
    expect(ask(server, 3, [client(1), ia])).toBeUndefined();
    expect(ask(server, 3, [client(1), [2, Uint8Array.of(1)], ia])).toBeUndefined();
  });
});

describe('TFTP', () => {
  const content = Uint8Array.from({ length: 1300 }, (_, i) => i);
  function serve(): { send: (...bytes: number[]) => Promise<void>; out: number[][]; clock: HandClock; closed: () => number } {
    const clock = new HandClock();
    const out: number[][] = [];
    let closed = 0;
    const folder: TftpFolder = {
      open: (name) => Promise.resolve(name === 'file' ? { size: content.length, read: (at, length) => Promise.resolve(content.slice(at, at + length)), close: () => closed++ } : undefined),
    };
    const server = new TftpServer(new NetworkTimers(clock), folder, 1400);
    return {
      out,
      clock,
      closed: () => closed,
      send: async (...bytes) => {
        server.datagram(Uint8Array.from(bytes), 'client', (data) => out.push([...data]));
        await new Promise((done) => setImmediate(done));
      },
    };
  }
  const ascii = (...texts: string[]): number[] => texts.flatMap((text) => [...Buffer.from(text), 0]);

  it('sends a file block by block, each acknowledged; a short block ends it', async () => {
    const { send, out, closed } = serve();
    await send(0, 1, ...ascii('file', 'octet'));
    await send(0, 4, 0, 1);
    await send(0, 4, 0, 1);
    await send(0, 4, 0, 2);
    await send(0, 4, 0, 3);
    expect(out.map((block) => [block[1], block[3], block.length - 4])).toEqual([[3, 1, 512], [3, 2, 512], [3, 3, 276]]);
    expect(Buffer.compare(Buffer.from(out.flatMap((block) => block.slice(4))), content)).toBe(0);
    expect(closed()).toBe(1);
  });

  it('agrees on a block size and tells the size (RFC 2347 to 2349)', async () => {
    const { send, out } = serve();
    await send(0, 1, ...ascii('file', 'OCTET', 'blksize', '60000', 'tsize', '0', 'unknown', '1'));
    expect(Buffer.from(out[0]).toString()).toBe('\0\x06blksize\x001400\0tsize\x001300\0');
    await send(0, 4, 0, 0);
    expect(out[1]).toHaveLength(1304);
  });

  it('sends again what is not acknowledged, and gives up', async () => {
    const { send, out, clock, closed } = serve();
    await send(0, 1, ...ascii('file', 'octet'));
    clock.advance(60_000);
    expect([out.length, closed()]).toEqual([6, 1]);
  });

  it('says no', async () => {
    const { send, out } = serve();
    await send(0, 1, ...ascii('none', 'octet'));
    await send(0, 2, ...ascii('file', 'octet'));
    await send(0, 1, ...ascii('file', 'netascii'));
    await send(0, 1, ...ascii('file', 'mail'));
    expect(out.map(([, kind, , code]) => [kind, code])).toEqual([[5, 1], [5, 2], [5, 4], [5, 4]]);
  });
});

it('options that make no sense are refused with their value', () => {
  for (const wrong of [{ mtu: 100 }, { mtu: 1500.5 }, { mac: 'x' }, { mac: '01:00:00:00:00:00' }, { ipv4: { network: '10.0.2.0' } }, { ipv4: { network: '10.0.2.0/33' } }, { ipv4: { gateway: '10.0.3.1' } }, { ipv6: { prefix: 'fec0::/48' } }, { limits: { tcpBuffer: 1 } }] as Partial<NetworkOptions>[]) {
    expect(() => configure(options(wrong)), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: 'bad-option' }) as Error);
  }
  expect(formatAddress(configure(options({ ipv4: { network: '192.168.7.0/24' } })).ipv4!.dhcpStart)).toBe('192.168.7.15');
});
