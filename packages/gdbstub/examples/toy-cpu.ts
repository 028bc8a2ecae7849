import { i386, type Breakpoint, type Target } from '@pckit/gdbstub';
import { listen } from '@pckit/gdbstub/node';

// A processor that knows three instructions of the i386: INC EAX, NOP, JMP rel8. It counts, for ever.
const memory = new Uint8Array(4096);
memory.set([0x40, 0x90, 0xeb, 0xfc], 0x100);
const registers = new Uint32Array(10);
const [EAX, EIP] = [0, 8];
registers[EIP] = 0x100;

function step(): void {
  const opcode = memory[registers[EIP] & 4095];
  if (opcode === 0x40) registers[EAX]++;
  registers[EIP] += opcode === 0xeb ? 2 + ((memory[(registers[EIP] + 1) & 4095] << 24) >> 24) : 1;
}

const breakpoints = new Set<Breakpoint>();
let interrupted = false;

export const target: Target = {
  architecture: i386(),
  threads: () => [{ id: 1, name: 'toy' }],
  readRegister: (_thread, number) => (number < registers.length ? new Uint8Array(registers.slice(number, number + 1).buffer) : undefined),
  writeRegister(_thread, number, value) {
    if (number >= registers.length) return false;
    registers[number] = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
    return true;
  },
  readMemory: (_thread, address, length) => memory.slice(Number(address), Number(address) + length),
  writeMemory(_thread, address, bytes) {
    if (address + BigInt(bytes.length) > 4096n) return false;
    memory.set(bytes, Number(address));
    return true;
  },
  resume(plan, stopped) {
    interrupted = false;
    const run = (): void => {
      for (let n = 0; n < 10_000; n++) {
        step();
        if (plan.get(1)?.kind === 'step') return stopped({ reason: 'step', thread: 1 });
        const hit = [...breakpoints].find(({ address, stops }) => address === BigInt(registers[EIP]) && stops(1));
        if (hit !== undefined) return stopped({ reason: 'breakpoint', thread: 1, kind: hit.kind });
      }
      if (interrupted) stopped({ reason: 'interrupt', thread: 1 });
      else setImmediate(run);
    };
    run();
  },
  interrupt: () => void (interrupted = true),
  breakpoints: { insert: (breakpoint) => breakpoints.add(breakpoint).size > 0, remove: (breakpoint) => void breakpoints.delete(breakpoint) },
};

export const listener = await listen(target, { port: Number(process.env['PORT'] ?? 1234) });
console.log(`gdb -ex 'target remote :${listener.port}'`);
