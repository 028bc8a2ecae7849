import { disconnected, type Device } from '@pckit/interfaces';
import { Machine, startRealMode, x86Processor } from '@pckit/machine';
import { Uart16550 } from '@pckit/pc-chipset';

/** A device of our own: each read of its port throws the die. */
class Die implements Device<{ version: 1; seed: number }> {
  readonly name = 'die';
  readonly region = { name: 'die', length: 1, handler: { read: () => this.#throw(), write: () => undefined } };
  #seed = 1;
  #throw(): number {
    this.#seed = (this.#seed * 25173 + 13849) % 65536;
    return 1 + ((this.#seed >> 8) % 6);
  }
  reset(): void {
    this.#seed = 1;
  }
  save(): { version: 1; seed: number } {
    return { version: 1, seed: this.#seed };
  }
  restore(state: { version: 1; seed: number }): void {
    this.#seed = state.seed;
  }
}

// mov cx,10; throw: mov dx,300h; in al,dx; add al,'0'; mov dx,3f8h; out dx,al; loop throw; hlt
const CODE = Uint8Array.of(0xb9, 10, 0, 0xba, 0x00, 0x03, 0xec, 0x04, 0x30, 0xba, 0xf8, 0x03, 0xee, 0xe2, 0xf4, 0xf4);

const machine = new Machine({ ramBytes: 1 << 20, processor: x86Processor(), time: { kind: 'deterministic' } });
const port = { write: (byte: number) => void process.stdout.write(String.fromCharCode(byte)), attach: () => undefined };
const uart = machine.add(new Uart16550({ irq: disconnected, port, clock: machine.clock }, { name: 'uart' }));
machine.ports.map(0x3f8, uart.regions.registers);
machine.ports.map(0x300, machine.add(new Die()).region);
machine.addProcessors();
machine.firmware = () => startRealMode(machine, CODE);
machine.powerOn();
const end = await machine.run();
process.stdout.write(`\n${end.reason} after ${end.instructions} instructions\n`);
