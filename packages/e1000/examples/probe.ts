import { FakeClock, FakeEthernetPort, FakeGuestMemory } from '@pckit/device-testing';
import { disconnected } from '@pckit/interfaces';
import { E1000 } from '@pckit/e1000';

const port = new FakeEthernetPort();
const memory = new FakeGuestMemory();
const card = new E1000({ memory, clock: new FakeClock(), irq: disconnected, port }, { mac: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56) });

// What a driver does: the bus, the link, a ring of eight descriptors, and one frame of 60 bytes at 1000H.
const registers = card.function.bars[0]?.region.handler;
card.function.onBusMaster?.(true);
registers?.write(0x0000, 1 << 6, 4); // CTRL.SLU
registers?.write(0x3800, 0x8000, 4); // TDBAL
registers?.write(0x3808, 8 * 16, 4); // TDLEN
registers?.write(0x0400, 1 << 1, 4); // TCTL.EN
memory.writeAddress(0x8000, 0x1000);
memory.writeU32(0x8008, (0x0b << 24) | 60); // EOP, IFCS, RS
registers?.write(0x3818, 1, 4); // TDT
console.log(`status ${registers?.read(0x0008, 4).toString(16)}, ${port.sent[0]?.length} bytes sent, descriptor status ${memory.readU8(0x800c)}`);
