/** Executes cases as code on the emulated processor. */
import { State as Block } from '../../src/state-layout.js';
import { Layout, TestMachine } from '../machine/test-machine.js';
import { State, type Case } from './cases.js';
import type { Outcome } from './native.js';

const XM = 19;
/** In the upper halves of YMM0 to YMM2, which legacy SSE instructions keep. */
const UPPER = 0x5a;

export class Emulator {
  readonly #machine = new TestMachine();
  #code = '';

  execute({ code, state }: Case): Outcome {
    const machine = this.#machine;
    const { cpu } = machine;
    const { u8 } = cpu.host;
    const input = new DataView(state.buffer, state.byteOffset, State.size);
    const text = code.join();
    if (text !== this.#code) machine.write(machine.codeAddress, code);
    this.#code = text;
    for (let n = 0; n < 3; n++) {
      const at = cpu.base + Block.ymm + 32 * n;
      u8.set(state.subarray(State.xmm + 16 * n, State.xmm + 16 * n + 16), at);
      u8.fill(UPPER, at + 16, at + 32);
    }
    machine.ram.set(state.subarray(State.memory, State.memory + State.memorySize), Layout.data);
    cpu.setGpr(0, input.getBigUint64(State.rax, true));
    cpu.setGpr(1, input.getBigUint64(State.rcx, true));
    cpu.setGpr(2, input.getBigUint64(State.rdx, true));
    cpu.setGpr(6, BigInt(Layout.data));
    cpu.setGpr(7, BigInt(Layout.data));
    cpu.eflags = (input.getUint32(State.eflags, true) & ~0x200) | 2;
    cpu.setU32(Block.mxcsr, input.getUint32(State.mxcsr, true));

    machine.rip = machine.codeAddress;
    const exception = machine.run(1);
    if (exception !== undefined && exception.vector !== XM) throw new Error(`exception ${exception.vector} in ${text}`);
    const expected = machine.codeAddress + (exception ? 0 : code.length);
    if (machine.rip !== expected) throw new Error(`RIP is ${machine.rip.toString(16)} after ${text}`);

    const after = new Uint8Array(State.size);
    const output = new DataView(after.buffer);
    for (let n = 0; n < 3; n++) {
      const at = cpu.base + Block.ymm + 32 * n;
      after.set(u8.subarray(at, at + 16), State.xmm + 16 * n);
      if (u8.subarray(at + 16, at + 32).some((byte) => byte !== UPPER)) throw new Error(`${text} changed the upper half of YMM${n}`);
    }
    after.set(machine.ram.subarray(Layout.data, Layout.data + State.memorySize), State.memory);
    output.setBigUint64(State.rax, cpu.gpr(0), true);
    output.setBigUint64(State.rcx, cpu.gpr(1), true);
    output.setBigUint64(State.rdx, cpu.gpr(2), true);
    output.setUint32(State.eflags, cpu.eflags | 0x200, true);
    output.setUint32(State.mxcsr, cpu.u32(Block.mxcsr), true);
    return { state: after, trapped: exception !== undefined };
  }
}
