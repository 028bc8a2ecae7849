import { describe, expect, it } from 'vitest';
import { parseMac } from './mac.js';
import { parseNet, parseNic } from './net-option.js';

const user = { kind: 'user', hostForwards: [], guestForwards: [], restrict: false, ipv6: true };

describe('--net', () => {
  it('takes a user network with forwards as QEMU writes them', () => {
    expect(parseNet('user')).toEqual(user);
    expect(parseNet('user,hostfwd=tcp::10021-:22,hostfwd=udp:127.0.0.1:53-10.0.2.15:5353,hostfwd=:80-:8080')).toEqual({
      ...user,
      hostForwards: [
        { protocol: 'tcp', hostAddress: '', hostPort: 10021, guestAddress: '', guestPort: 22 },
        { protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 53, guestAddress: '10.0.2.15', guestPort: 5353 },
        { protocol: 'tcp', hostAddress: '', hostPort: 80, guestAddress: '', guestPort: 8080 },
      ],
    });
    expect(parseNet('user,hostfwd=tcp:[::1]:10021-[fec0::15]:22')).toMatchObject({ hostForwards: [{ hostAddress: '::1', guestAddress: 'fec0::15' }] });
    expect(parseNet('user,guestfwd=tcp:10.0.2.100:80-unix:/run/web.sock,guestfwd=tcp:10.0.2.100:81-tcp:8080')).toEqual({
      ...user,
      guestForwards: [
        { guestAddress: '10.0.2.100', guestPort: 80, target: { kind: 'unix', path: '/run/web.sock' } },
        { guestAddress: '10.0.2.100', guestPort: 81, target: { kind: 'tcp', host: '127.0.0.1', port: 8080 } },
      ],
    });
    expect(parseNet('user,restrict,dns=10.0.2.53,pcap=a.pcap,ipv6=off')).toEqual({ ...user, restrict: true, dns: '10.0.2.53', pcap: 'a.pcap', ipv6: false });
    expect(parseNet('user,restrict=off')).toEqual(user);
  });

  it('takes a stream', () => {
    expect(parseNet('stream,listen=unix:/tmp/a.sock')).toEqual({ kind: 'stream', role: 'listen', address: { kind: 'unix', path: '/tmp/a.sock' } });
    expect(parseNet('stream,connect=tcp:[::1]:1234')).toEqual({ kind: 'stream', role: 'connect', address: { kind: 'tcp', host: '::1', port: 1234 } });
    expect(parseNet('stream,connect=tcp:1234')).toMatchObject({ address: { host: '127.0.0.1', port: 1234 } });
  });

  it.each([
    ['tap', '"tap"'],
    ['user,hostfwd=tcp::1', 'hostfwd=tcp::1'],
    ['user,hostfwd=tcp::70000-:22', 'is not a forward'],
    ['user,hostfwd=tcp::1-:0', 'is not a forward'],
    ['user,guestfwd=udp:1.2.3.4:5-tcp:6', 'is not a forward'],
    ['user,guestfwd=tcp:1.2.3.4:5-cmd:x', 'is not an address'],
    ['user,dns', 'has no value'],
    ['user,restrict=maybe', 'neither on nor off'],
    ['user,hostfd=1', '"hostfd=1"'],
    ['stream', 'neither where to listen nor where to connect'],
    ['stream,listen=tcp:1,connect=tcp:2', 'neither where to listen nor where to connect'],
    ['stream,listen=unix:', 'is not an address'],
    ['stream,listen=tcp:99999', 'is not an address'],
  ])('refuses %s', (text, message) => {
    expect(() => parseNet(text)).toThrow(message);
  });
});

describe('--nic', () => {
  it('takes a card and its options', () => {
    expect(parseNic('virtio')).toEqual({ model: 'virtio' });
    expect(parseNic('e1000,mac=52:54:00:aa:bb:cc')).toEqual({ model: 'e1000', mac: '52:54:00:aa:bb:cc' });
    expect(parseNic('virtio,mtu=9000')).toEqual({ model: 'virtio', mtu: 9000 });
    expect(parseNic('e1000,slot=5')).toEqual({ model: 'e1000', slot: 5 });
  });

  it.each(['ne2k', 'virtio,mac=01:00:5e:00:00:01', 'virtio,mac=52:54', 'e1000,mtu=9000', 'virtio,mtu=10', 'virtio,slot=1', 'virtio,slot=32', 'virtio,slot=x', 'virtio,x'])('refuses %s', (text) => {
    expect(() => parseNic(text)).toThrow('--nic');
  });
});

it('reads MAC addresses of single stations', () => {
  expect(parseMac('52-54-0-12-34-FF')).toEqual(Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0xff));
  expect(['', '52:54:00:12:34', '52:54:00:12:34:56:78', '5g:54:00:12:34:56', 'ff:ff:ff:ff:ff:ff'].map(parseMac)).toEqual(Array(5).fill(undefined));
});
