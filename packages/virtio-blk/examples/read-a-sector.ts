import { FakeGuestMemory, FakeIngress } from '@pckit/device-testing';
import { VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, PciPort, VirtioDriver } from '@pckit/virtio/testing';
import { VIRTIO_BLK_T_IN, VirtioBlk } from '@pckit/virtio-blk';

// Any disk will do: here, one in which every byte of a sector is the sector's number.
const backend = { size: 1 << 20, readOnly: true, read: (at: number, into: Uint8Array) => void into.fill(at / 512), write: () => undefined, flush: () => undefined };
const memory = new FakeGuestMemory();
const ingress = new FakeIngress();
const virtio = new VirtioPci({ memory, interrupts: new FakePciInterrupts(), device: new VirtioBlk({ backend, ingress }) });

// A guest asks for sector 5: a header, room for 512 bytes, and one for the status.
const driver = new VirtioDriver(memory, new PciPort(virtio.function)).start();
const header = new Uint8Array(16);
new DataView(header.buffer).setUint32(0, VIRTIO_BLK_T_IN, true);
header[8] = 5;
driver.queues[0]?.add([header], [512, 1]);
driver.queues[0]?.kick();
ingress.deliver();
const [answer] = driver.queues[0]?.collect() ?? [];
console.log(`status ${answer?.data[512]}, first bytes ${answer?.data.slice(0, 4).join(' ')}`);
