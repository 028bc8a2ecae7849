import { Ahci } from '@pckit/ahci';
import { AhciDriver } from '@pckit/ahci/testing';
import { AtaDisk } from '@pckit/ata';
import { FakeGuestMemory, FakeIngress } from '@pckit/device-testing';

// Any disk will do: here, one in which every byte of a sector is the sector's number.
const backend = { size: 1 << 20, readOnly: true, synchronous: true, read: (at: number, into: Uint8Array) => into.forEach((_, i) => (into[i] = (at + i) >> 9)), write: () => undefined, flush: () => undefined };
const memory = new FakeGuestMemory();
const ingress = new FakeIngress();
const intx = { set: (level: boolean) => console.log(`INTA# ${level ? 'asserted' : 'released'}`) };
const interrupts = { intx, msiEnabled: false, msixEnabled: false, notify: () => undefined };
const ahci = new Ahci({ memory, ingress, interrupts, drives: [new AtaDisk(backend, { sata: true })] });

// A guest has two reads done side by side.
const driver = new AhciDriver(ahci, memory).start();
driver.prepareQueued(0, { lba: 5, sectors: 1, address: 0x2_0000 });
driver.prepareQueued(1, { lba: 9, sectors: 1, address: 0x3_0000 });
driver.ring(0b11, true);
ingress.deliver();
driver.acknowledge();
console.log(`bytes ${memory.readU8(0x2_0000)} and ${memory.readU8(0x3_0000)}`);
