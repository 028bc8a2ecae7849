import { ata, AtaDisk } from '@pckit/ata';
import { FakeGuestMemory, FakeIngress } from '@pckit/device-testing';
import { PiixIde } from '@pckit/piix-ide';
import { IdeDriver } from '@pckit/piix-ide/testing';

// Any disk will do: here, one in which every byte of a sector is the sector's number.
const backend = { size: 1 << 20, readOnly: true, synchronous: true, read: (at: number, into: Uint8Array) => into.forEach((_, i) => (into[i] = (at + i) >> 9)), write: () => undefined, flush: () => undefined };
const memory = new FakeGuestMemory();
const ingress = new FakeIngress();
const irq14 = { set: (level: boolean) => console.log(`IRQ 14 ${level ? 'up' : 'down'}`) };
const ide = new PiixIde({ memory, ingress, irqs: [irq14, irq14], drives: [new AtaDisk(backend)] });

// A guest reads sectors 5 and 6 by DMA, into two places.
const driver = new IdeDriver(ide, memory).start();
driver.prepareDma(0x1000, [[0x2000, 512], [0x4000, 512]], 'in');
driver.issue({ command: ata.CMD_READ_DMA, lba: 5, count: 2 });
driver.go();
ingress.deliver();
console.log(`status ${driver.answer().status.toString(16)}, bytes ${memory.readU8(0x2000)} and ${memory.readU8(0x4000)}`);
