import { createProcessor, processorMemoryBytes } from '@pckit/x86-jit';

// RAM behind the processor's own part of one WebAssembly memory.
const offset = processorMemoryBytes(1);
const memory = new WebAssembly.Memory({ initial: offset / 65536 + 1, maximum: offset / 65536 + 1 });
const ports: number[] = [];
const bus = {
  readMemory: () => 0, writeMemory: () => undefined, readMemory64: () => 0n, writeMemory64: () => undefined,
  readPort: () => 0, writePort: (_port: number, value: number) => void ports.push(value),
};
const { vcpus: [cpu] } = createProcessor({
  memory, ranges: [{ start: 0, length: 65536, offset }], ports: [{ bus }], clock: { now: () => 0 }, tscHz: 1e9, entropy: { fill: (b) => b.fill(4) },
});

// Real mode at 0000:1000H: mov cx,100; xor ax,ax; again: add ax,cx; loop again; out 80h,ax; hlt
new Uint8Array(memory.buffer).set([0xb9, 100, 0, 0x31, 0xc0, 0x01, 0xc8, 0xe2, 0xfc, 0xe7, 0x80, 0xf4], offset + 0x1000);
cpu!.start(0, 0x1000);
const exit = cpu!.run(1_000_000);
console.log(`${exit} after ${cpu!.instructions} instructions; the guest says ${ports[0]}`);
