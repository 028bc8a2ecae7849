// What a frame costs the host between the driver's ring and the port, guest's and processor's share aside.
//   node --conditions=@pckit/source --import tsx packages/virtio-net/bench/frames.ts
import { FakeGuestMemory } from '@pckit/device-testing';
import type { EthernetPort, FrameOffload } from '@pckit/interfaces';
import { VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, PciPort, VirtioDriver } from '@pckit/virtio/testing';
import { VirtioNet } from '../src/index.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const DEPTH = 64;
const ROUNDS = 1500;

class Port implements EthernetPort {
  receive: (frame: Uint8Array, offload?: FrameOffload) => boolean = () => false;
  constructor(readonly takesOffloads: boolean) {}
  send(): void {}
  attach(receive: (frame: Uint8Array) => boolean): void {
    this.receive = receive;
  }
}

/** TCP over IPv4, its checksum unfinished. */
function frame(payload: number): Uint8Array {
  const bytes = new Uint8Array(54 + payload);
  bytes.set(MAC);
  bytes.set([0x08, 0x00, 0x45, 0, (40 + payload) >> 8, (40 + payload) & 0xff, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15, 0, 80, 0x10], 12);
  bytes[46] = 0x50;
  return bytes;
}

function measure(direction: 'send' | 'receive', payload: number, takesOffloads: boolean): number {
  const memory = new FakeGuestMemory({ length: 32 << 20 });
  const port = new Port(takesOffloads);
  const virtio = new VirtioPci({ memory, interrupts: new FakePciInterrupts(), device: new VirtioNet({ port }, { mac: MAC }) });
  const driver = new VirtioDriver(memory, new PciPort(virtio.function)).start();
  const queue = driver.queues[direction === 'send' ? 1 : 0]!;
  const bytes = frame(payload);
  const large = payload > 1460;
  const header = new Uint8Array(12);
  header.set([1, large ? 1 : 0, 54, 0, 1460 & 0xff, 1460 >> 8, 34, 0, 16, 0]);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS / (large ? 10 : 1); round++) {
    for (let i = 0; i < DEPTH; i++) queue.add(direction === 'send' ? [header, bytes] : [], direction === 'send' ? [] : [12 + bytes.length]);
    if (direction === 'receive') queue.kick();
    const start = process.hrtime.bigint();
    if (direction === 'send') queue.kick();
    else for (let i = 0; i < DEPTH; i++) port.receive(bytes);
    times.push(Number(process.hrtime.bigint() - start) / DEPTH / 1000);
    queue.collect();
    memory.writes.length = 0;
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

console.table({
  'send, the port takes unfinished frames': { '60 bytes': measure('send', 6, true).toFixed(2), '1514 bytes': measure('send', 1460, true).toFixed(2), '64 KiB': measure('send', 65_000, true).toFixed(2) },
  'send, whole frames': { '60 bytes': measure('send', 6, false).toFixed(2), '1514 bytes': measure('send', 1460, false).toFixed(2), '64 KiB': measure('send', 65_000, false).toFixed(2) },
  receive: { '60 bytes': measure('receive', 6, true).toFixed(2), '1514 bytes': measure('receive', 1460, true).toFixed(2), '64 KiB': measure('receive', 65_000, true).toFixed(2) },
});
