import { FakeGuestMemory } from '@pckit/device-testing';
import type { EthernetPort } from '@pckit/interfaces';
import { VirtioPci } from '@pckit/virtio';
import { FakePciInterrupts, PciPort, VirtioDriver } from '@pckit/virtio/testing';
import { VirtioNet } from '@pckit/virtio-net';

// A network with nothing in it but an echo. (On a machine, what comes back enters through the door.)
let receive: (frame: Uint8Array) => boolean = () => false;
const port: EthernetPort = { send: (frame) => void receive(frame), attach: (to) => void (receive = to) };
const memory = new FakeGuestMemory();
const card = new VirtioNet({ port }, { mac: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56) });
const virtio = new VirtioPci({ memory, interrupts: new FakePciInterrupts(), device: card });

// A guest gives the card a buffer to receive into, and sends a frame behind a header of 12 bytes.
const driver = new VirtioDriver(memory, new PciPort(virtio.function)).start();
const [receiveQueue, transmitQueue] = driver.queues;
receiveQueue?.add([], [1526]);
transmitQueue?.add([new Uint8Array(12), new Uint8Array(60).fill(0x42)], []);
transmitQueue?.kick();
const [answer] = receiveQueue?.collect() ?? [];
console.log(`${answer?.written} bytes came back, ${card.statistics.transmitted} frame was sent`);
