/**
 * npm run test:network [-- LINK...]
 *
 * A Debian guest on the user-mode network, as people use it: DHCP, ssh, scp, ten sessions at once, apt-get, curl, dig, ping. Under pckit with both
 * cards and, through `pckit net`, under QEMU; `qemu-virtio` and `qemu-e1000` ask the same of QEMU's own network.
 */
import { createHash, randomBytes } from 'node:crypto';
import { resolve4 } from 'node:dns/promises';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { LINKS, NetworkGuest, type Link } from './network-guest.js';
import type { Finished } from './pckit.js';
import { Report, workFolder } from './report.js';

const DEFAULT_LINKS: readonly Link[] = ['virtio', 'e1000', 'stream-virtio', 'stream-e1000'];
const MEGABYTES = Number(process.env['PCKIT_MEGABYTES'] ?? 100);
const SESSIONS = 10;

const image = resolve(process.env['PCKIT_NETWORK_ROOTFS'] ?? '/var/tmp/pckit/bookworm-net.img');
if (!existsSync(image)) throw new Error(`no ${image}: make it with packages/debian-image/scripts/make-rootfs.sh ${image} (root and debootstrap), or set PCKIT_NETWORK_ROOTFS`);
const links = (process.argv.length > 2 ? process.argv.slice(2) : DEFAULT_LINKS) as readonly Link[];
for (const link of links) if (!LINKS.includes(link)) throw new Error(`there is no "${link}": ${LINKS.join(', ')}`);

const folder = workFolder('network');
const report = new Report();
const blob = randomBytes(MEGABYTES * 1_000_000);
const blobFile = join(folder, 'blob');
writeFileSync(blobFile, blob);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const said = ({ status, signal, console, stderr }: Finished): string => `${signal ?? `status ${String(status)}`}\n${console}${stderr}`;

function serveBlob(): Promise<Server> {
  const server = createServer((_request, response) => void response.end(blob));
  return new Promise((done) => server.listen({ host: '127.0.0.1', port: 0 }, () => done(server)));
}

async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const before = performance.now();
  const result = await run();
  report.note(`${what}: ${((performance.now() - before) / 1000).toFixed(1)} s`);
  return result;
}

async function configuration(guest: NetworkGuest, link: Link): Promise<void> {
  const addresses = await guest.type('ip -4 -o addr show scope global');
  report.check('DHCP gave an address', / inet 10\.0\.2\.15\/24 /.test(addresses.output), addresses.output);
  const driver = await guest.type('basename $(readlink /sys/class/net/e*/device/driver)');
  report.equal('the card has its driver', driver.output, link.endsWith('e1000') ? 'e1000' : 'virtio_net');
  const ping = await guest.type('ping -c 3 10.0.2.2');
  report.check('ping of the gateway', ping.output.includes('3 packets transmitted, 3 received, 0% packet loss'), ping.output);
}

async function names(guest: NetworkGuest): Promise<void> {
  const mirror = /^deb (?:\[.*\] )?https?:\/\/([^/ ]+)/m.exec((await guest.ssh('cat /etc/apt/sources.list')).console)?.[1] ?? '';
  const expected = await resolve4(mirror);
  for (const flag of ['', '+tcp ']) {
    const dig = await guest.ssh(`dig +short ${flag}${mirror} A`);
    report.check(`dig ${flag}finds the mirror`, dig.status === 0 && expected.some((address) => dig.console.split('\n').includes(address)), said(dig));
  }
  const update = await timed('apt-get update', () => guest.ssh('apt-get update 2>&1', 1200));
  report.check('apt-get update', update.status === 0 && !/^(W|E|Err)/m.test(update.console), said(update));
}

async function transfers(guest: NetworkGuest, port: number): Promise<void> {
  const sum = sha256(blob);
  const curl = await timed(`curl of ${MEGABYTES} MB`, () => guest.ssh(`curl -sS http://10.0.2.2:${port}/ | sha256sum`, 1200));
  report.check('curl brings the same bytes', curl.console.startsWith(sum), said(curl));
  const put = await timed(`scp of ${MEGABYTES} MB to the guest`, () => guest.scp(blobFile, 'guest:/root/blob'));
  report.check('scp to the guest', put.status === 0, said(put));
  const there = await guest.ssh('sha256sum < /root/blob');
  report.check('... brings the same bytes', there.console.startsWith(sum), said(there));
  const back = join(folder, 'back');
  const get = await timed(`scp of ${MEGABYTES} MB from the guest`, () => guest.scp('guest:/root/blob', back));
  report.check('scp from the guest', get.status === 0, said(get));
  report.equal('... brings the same bytes', get.status === 0 ? sha256(readFileSync(back)) : '', sum);
  rmSync(back, { force: true });
}

async function sessions(guest: NetworkGuest): Promise<void> {
  const runs = await timed(`${SESSIONS} sessions`, () => Promise.all(Array.from({ length: SESSIONS }, (_, i) => guest.ssh(`sleep 1; echo session ${i} of $(hostname)`))));
  const failed = runs.filter(({ console }, i) => console !== `session ${i} of pckit\n`);
  report.check(`${SESSIONS} ssh sessions at once`, failed.length === 0, `${failed.length} failed\n${failed.map(said).join('')}`);
}

async function system(link: Link): Promise<void> {
  const server = await serveBlob();
  const { port } = server.address() as AddressInfo;
  const guest = await timed('boot', () => NetworkGuest.boot({ link, image, folder, report }));
  try {
    await configuration(guest, link);
    const login = await timed('ssh', () => guest.ssh('echo "$USER on $(hostname)"'));
    report.check('ssh logs in', login.console === 'root on pckit\n', said(login));
    await sessions(guest);
    await names(guest);
    await transfers(guest, port);
    const log = await guest.type(`dmesg | grep -E 'NETDEV WATCHDOG|Call Trace|(e1000|virtio_net).*(error|[Rr]eset|hang)'`);
    report.equal('the kernel complains about no card', log.output, '');
    report.equal('the guest powers off', (await guest.powerOff()).status, 0);
  } finally {
    await guest.kill();
    server.closeAllConnections();
    server.close();
    rmSync(join(folder, `${link}.img`), { force: true });
  }
}

for (const link of links) await report.part(link, () => system(link));
rmSync(blobFile, { force: true });
process.exitCode = report.end();
