/** `pckit net` with peers that none of us wrote: QEMU's card and Linux's driver and stack on one side, tshark on what was captured. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildGuestInitramfs, cachedGuest, fetchGuest } from '@pckit/debian-image/node';
import { RealClock } from '@pckit/slirp-net/node';
import { GuestStack } from '@pckit/slirp-net/testing';
import { program } from './run-cli.js';

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';
const guest = (await cachedGuest('bookworm-cloud')) ?? (required ? await fetchGuest('bookworm-cloud') : undefined);
const has = (tool: string): boolean => required || spawnSync(tool, ['--version']).status === 0;
const skip = guest === undefined || !has('qemu-system-x86_64') || !has('tshark');

const folder = mkdtempSync(join(tmpdir(), 'pckit-net-'));
afterAll(() => rmSync(folder, { recursive: true }));

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** What the guest does; each line that begins with "=" is looked at. */
const script = (http: number, sink: number): string => `
ip link set lo up; ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /bin/lease
ping -c 2 -W 10 10.0.2.2 > /dev/null && echo "=ping"
echo "=http $(wget -q -O - http://10.0.2.2:${http}/big | md5sum)"
head -c 3000000 /dev/zero | nc 10.0.2.2 ${sink} && echo "=sent"
cd /tmp; tftp -g -r boot/file 10.0.2.2 && echo "=tftp $(md5sum < file)"
tftp -g -r ../secret 10.0.2.2 || echo "=no secret"
wget -q -T 5 -O - http://10.0.2.2:1/ || echo "=refused"
for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 5 fec0::2 > /dev/null && break; sleep 1; done; echo "=ping6 $?"
echo "=dns $(nslookup -type=a localhost.invalid 2>&1 | grep -c NXDOMAIN)"
nc -l -p 2323 -e cat & sleep 1; echo "=listening"; wait
`;
const lease = '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr add $ip/$mask dev $interface; ip route add default via $router; echo "nameserver $dns" > /etc/resolv.conf; echo "=lease $ip/$mask $router $dns"\n';

it('gives whole frames to whoever is at the other end: a connection works without a capture', async () => {
  // When the card is unplugged its flows are reset.
  const echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1');
  const path = join(folder, 'plain');
  const net = spawn(process.execPath, [...program, 'net', '--listen', `unix:${path}`]);
  try {
    while (!existsSync(path)) {
      if (net.exitCode !== null) throw new Error('pckit net ended');
      await new Promise((done) => setTimeout(done, 50));
    }
    const cable = connect({ path });
    const port = {
      takesOffloads: false,
      send: (frame: Uint8Array) => void cable.write(Buffer.concat([Buffer.of(0, 0, frame.length >> 8, frame.length & 255), frame])),
      attach: (receive: (frame: Uint8Array) => boolean) => {
        let held = Buffer.alloc(0);
        cable.on('data', (bytes) => {
          held = Buffer.concat([held, bytes]);
          for (; held.length >= 4 && held.length >= 4 + held.readUInt32BE(0); held = held.subarray(4 + held.readUInt32BE(0))) receive(held.subarray(4, 4 + held.readUInt32BE(0)));
        });
      },
      onReady: () => {},
      detach: () => {},
    };
    const stack = new GuestStack({ clock: new RealClock(), port });
    const socket = stack.connect('10.0.2.2', (echo.address() as AddressInfo).port);
    const data = randomBytes(100_000);
    socket.connection.write(Uint8Array.from(data));
    while (socket.receivedBytes < data.length) await new Promise((done) => setTimeout(done, 5));
    expect(Buffer.compare(Buffer.from(socket.all()), data)).toBe(0);
    cable.destroy();
  } finally {
    net.kill('SIGKILL');
    echo.close();
  }
});

describe.skipIf(skip)('pckit net (needs qemu-system-x86_64, tshark and the default guest)', () => {
  it('is a network to a Linux guest under QEMU, and its capture is in order', async () => {
    const closers: (() => void)[] = [];
    try {
      const big = randomBytes(3_000_000);
      const served = randomBytes(5000);
      mkdirSync(join(folder, 'tftp/boot'), { recursive: true });
      writeFileSync(join(folder, 'tftp/boot/file'), served);
      writeFileSync(join(folder, 'secret'), 'secret');
      let sent = 0;
      const http = createHttp((_request, response) => response.end(big)).listen(0, '127.0.0.1');
      const sink = createServer((socket) => socket.on('data', (bytes) => (sent += bytes.length)).on('end', () => socket.end()).on('error', () => socket.destroy())).listen(0, '127.0.0.1');
      closers.push(() => http.close(), () => sink.close());
      await new Promise((done) => setTimeout(done, 100));

      const socket = join(folder, 'net');
      const capture = join(folder, 'capture.pcap');
      const net = spawn(process.execPath, [...program, 'net', '--listen', `unix:${socket}`, '--net', `user,hostfwd=tcp::0-:2323,tftp=${join(folder, 'tftp')},pcap=${capture}`]);
      closers.push(() => net.kill('SIGKILL'));
      let said = '';
      net.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      while (!existsSync(socket) || !/tcp port \d+/.test(said)) {
        if (net.exitCode !== null) throw new Error(`pckit net ended: ${said}`);
        await new Promise((done) => setTimeout(done, 50));
      }
      const forwarded = Number(/tcp port (\d+)/.exec(said)?.[1]);

      const image = await buildGuestInitramfs(guest!, {
        load: ['virtio_net'],
        files: [
          { path: '/etc/rc', content: script((http.address() as AddressInfo).port, (sink.address() as AddressInfo).port) },
          { path: '/bin/lease', content: lease, mode: 0o755 },
        ],
      });
      writeFileSync(join(folder, 'initramfs'), image.bytes);
      const qemu = spawn('qemu-system-x86_64', [
        ...['-m', '256', '-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio'],
        ...['-kernel', join(guest!.folder, 'vmlinuz'), '-initrd', join(folder, 'initramfs'), '-append', 'console=ttyS0 quiet panic=-1 no_timer_check pckit.exec=true'],
        ...['-netdev', `stream,id=n,server=off,addr.type=unix,addr.path=${socket}`, '-device', 'virtio-net-pci,netdev=n,romfile='],
      ]);
      closers.push(() => qemu.kill('SIGKILL'));
      let console = '';
      let echoed = '';
      qemu.stdout.setEncoding('latin1').on('data', (text: string) => {
        console += text;
        if (!console.includes('=listening') || echoed !== '') return;
        echoed = ' ';
        const client = connect(forwarded, '127.0.0.1');
        client.on('data', (bytes) => {
          echoed += bytes.toString();
          if (echoed.length === 6) client.destroy();
        });
        client.on('error', () => {});
        client.write('hello');
      });
      await new Promise<void>((done, fail) => {
        const timer = setTimeout(() => fail(new Error(`no end in time; the console: ${console.slice(-3000)}`)), 110_000);
        qemu.on('exit', () => {
          clearTimeout(timer);
          done();
        });
      });
      const results = [...console.matchAll(/^=(.*?)\r?$/gm)].map((match) => match[1].trim().replace(/\s+-$/, ''));
      expect(results).toEqual(['lease 10.0.2.15/24 10.0.2.2 10.0.2.3', 'ping', `http ${md5(big)}`, 'sent', `tftp ${md5(served)}`, 'no secret', 'refused', 'ping6 0', expect.stringMatching(/^dns/) as string, 'listening']);
      expect([sent, echoed]).toEqual([3_000_000, ' hello']);

      net.kill('SIGINT');
      await new Promise((done) => net.on('exit', done));
      expect(net.exitCode).toBe(0);
      const filter = '_ws.malformed || _ws.expert.severity >= 8388608 || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"';
      const checks = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
      const tshark = spawnSync('tshark', ['-r', capture, ...checks, '-Y', filter], { encoding: 'utf8' });
      expect([tshark.status, tshark.stdout]).toEqual([0, '']);
      const all = spawnSync('tshark', ['-r', capture, '-T', 'fields', '-e', '_ws.col.Protocol'], { encoding: 'utf8' });
      for (const protocol of ['ARP', 'DHCP', 'TCP', 'HTTP', 'TFTP', 'ICMP', 'ICMPv6', 'DNS']) expect(all.stdout).toContain(protocol);
    } finally {
      for (const close of closers.reverse()) close();
    }
  });
});
