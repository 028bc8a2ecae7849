// What a request costs the host from doorbell to used ring, guest's and processor's share aside.
//   node --conditions=@pckit/source --import tsx packages/virtio-blk/bench/requests.ts
import { FakeGuestMemory, FakeIngress } from '@pckit/device-testing';
import { VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, PciPort, VirtioDriver } from '@pckit/virtio/testing';
import { VIRTIO_BLK_T_IN, VirtioBlk } from '../src/index.js';

const bytes = new Uint8Array(64 << 20);
const backend = {
  size: bytes.length,
  readOnly: false,
  synchronous: true,
  read: (at: number, into: Uint8Array) => into.set(bytes.subarray(at, at + into.length)),
  write: (at: number, from: Uint8Array) => bytes.set(from, at),
  flush: () => undefined,
};

function measure(length: number, depth: number): number {
  const memory = new FakeGuestMemory({ length: 16 << 20 });
  const ingress = new FakeIngress();
  const virtio = new VirtioPci({ memory, interrupts: new FakePciInterrupts(), device: new VirtioBlk({ backend, ingress }) });
  const driver = new VirtioDriver(memory, new PciPort(virtio.function)).start();
  const queue = driver.queues[0]!;
  const header = new Uint8Array(16);
  header[0] = VIRTIO_BLK_T_IN;
  const times: number[] = [];
  for (let round = 0; round < 96_000 / depth; round++) {
    for (let i = 0; i < depth; i++) queue.add([header], [length, 1]);
    const start = process.hrtime.bigint();
    queue.kick();
    ingress.deliver();
    times.push(Number(process.hrtime.bigint() - start) / depth / 1000);
    queue.collect();
    memory.writes.length = ingress.delivered.length = 0;
  }
  return times.sort((a, b) => a - b)[times.length >> 1] as number;
}

const rows: Record<string, Record<string, string>> = {};
for (const depth of [1, 32]) {
  rows[`${depth} in one ring`] = Object.fromEntries([512, 4096, 65536].map((length) => [`${length} bytes`, `${measure(length, depth).toFixed(2)} us`]));
}
console.table(rows);
