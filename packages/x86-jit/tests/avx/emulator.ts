/** Executes AVX cases as code on the emulated processor. */
import { X86_64_V3 } from '../../src/cpu/cpuid.js';
import { State as Block } from '../../src/state-layout.js';
import { Layout, TestMachine } from '../machine/test-machine.js';
import type { Case } from '../sse/cases.js';
import type { Outcome } from '../sse/native.js';
import { State } from './cases.js';

const PF = 14;

/** With AVX enabled. */
export function avxMachine(): TestMachine {
  const machine = new TestMachine({ model: X86_64_V3 });
  machine.cpu.setU64(Block.xcr0, 7n);
  machine.cpu.updateMode();
  return machine;
}

export class AvxEmulator {
  readonly #machine = avxMachine();
  /** Ends with its page; the next one is missing. */
  readonly #memory = Layout.data + 4096 - State.memorySize;
  #code = '';

  constructor() {
    this.#machine.protect(Layout.data + 4096, 0);
  }

  execute({ code, state }: Case): Outcome {
    const machine = this.#machine;
    const memory = this.#memory;
    const { cpu } = machine;
    const input = new DataView(state.buffer, state.byteOffset, State.size);
    const text = code.join();
    if (text !== this.#code) machine.write(machine.codeAddress, code);
    this.#code = text;
    const vectors = cpu.host.u8.subarray(cpu.base + Block.ymm, cpu.base + Block.ymm + 32 * State.registers);
    vectors.set(state.subarray(State.ymm, State.ymm + 32 * State.registers));
    machine.ram.set(state.subarray(State.memory, State.memory + State.memorySize), memory);
    cpu.setGpr(0, input.getBigUint64(State.rax, true));
    cpu.setGpr(1, input.getBigUint64(State.rcx, true));
    cpu.setGpr(2, input.getBigUint64(State.rdx, true));
    const pointer = BigInt(memory + input.getUint32(State.pointer, true));
    cpu.setGpr(6, pointer);
    cpu.setGpr(7, pointer);
    cpu.eflags = (input.getUint32(State.eflags, true) & ~0x200) | 2;
    cpu.setU32(Block.mxcsr, input.getUint32(State.mxcsr, true));

    machine.rip = machine.codeAddress;
    const exception = machine.run(1);
    const expected = machine.codeAddress + (exception ? 0 : code.length);
    if (machine.rip !== expected) throw new Error(`RIP is ${machine.rip.toString(16)} after ${text}`);

    const after = Uint8Array.from(state);
    const output = new DataView(after.buffer);
    after.set(vectors, State.ymm);
    after.set(machine.ram.subarray(memory, memory + State.memorySize), State.memory);
    output.setBigUint64(State.rax, cpu.gpr(0), true);
    output.setBigUint64(State.rcx, cpu.gpr(1), true);
    output.setBigUint64(State.rdx, cpu.gpr(2), true);
    output.setUint32(State.eflags, cpu.eflags | 0x200, true);
    output.setUint32(State.mxcsr, cpu.u32(Block.mxcsr), true);
    output.setUint32(State.vector, exception?.vector ?? 0, true);
    output.setUint32(State.fault, exception?.vector === PF ? Number(cpu.u64(Block.cr2)) - memory : 0, true);
    return { state: after, trapped: exception !== undefined };
  }
}
