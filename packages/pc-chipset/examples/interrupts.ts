// A UART interrupts through the 8259 pair, as a guest would see it.
import { I8259PicPair, Uart16550 } from '@pckit/pc-chipset';

let intr = false;
const pic = new I8259PicPair({ intr: { set: (level) => (intr = level) } });
const output: number[] = [];
const uart = new Uart16550(
  {
    irq: pic.irq(4),
    port: { write: (byte) => output.push(byte), attach: () => undefined },
    clock: { now: () => 0, timer: () => ({ deadline: Infinity, arm: () => undefined, cancel: () => undefined }) },
  },
  { name: 'com1' },
);
const { master } = pic.regions;
for (const [port, value] of [[0, 0x11], [1, 0x20], [1, 0x04], [1, 0x01], [1, 0x00]]) master.handler.write(port, value, 1);
const registers = uart.regions.registers.handler;
for (const character of 'hello') registers.write(0, character.charCodeAt(0), 1);
registers.write(4, 0x08, 1); // MCR: OUT2 lets interrupts through
registers.write(1, 0x02, 1); // IER: transmitter holding register empty
console.log(String.fromCharCode(...output), intr, `vector 0x${pic.acknowledge().toString(16)}`);
