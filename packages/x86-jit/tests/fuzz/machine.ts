/** Executes programs on the emulated processor, in user mode. */
import { X86_64_V3 } from '../../src/cpu/cpuid.js';
import type { ProcessorOptions } from '../../src/processor.js';
import { Efer, State } from '../../src/state-layout.js';
import { Layout, TestMachine } from '../machine/test-machine.js';
import type { Fault, Outcome } from './outcome.js';
import { Space, type Program } from './program.js';

const MOST_INSTRUCTIONS = 3_000_000;
const CODES = new Set([8, 10, 11, 12, 13, 14, 17]);
const HLT = 0xf4;
const PF = 14;
const UD = 6;

export class FuzzMachine {
  readonly #machine: TestMachine;
  /** Instructions executed so far. */
  instructions = 0n;

  /**
   * @param options of `createProcessor`, beside the model: which tiers there are
   * @param slice instructions that are run at once
   */
  constructor(
    options: Partial<ProcessorOptions> = {},
    private readonly slice = MOST_INSTRUCTIONS,
  ) {
    this.#machine = new TestMachine({ cpl: 3, model: X86_64_V3, processor: options });
    for (let vector = 0; vector < 32; vector++) this.#machine.write(Layout.handlers + 16 * vector, Uint8Array.of(HLT));
    // INT3, which fills the rest of the code pages, is allowed at CPL 3 as under Linux: byte 5 of the gate.
    this.#machine.write(Layout.idt + 3 * 16 + 5, Uint8Array.of(0xee));
    // All but the program's own pages is the system's.
    for (let page = 0; page < Layout.size; page += 4096) this.#machine.protect(page, 3);
    const give = (from: number, size: number, rights: number): void => {
      for (let page = from; page < from + size; page += 4096) this.#machine.protect(page, rights);
    };
    give(Space.code, Space.codeSize, 7);
    give(Space.data, Space.dataSize - 4096, 7);
    give(Space.data + Space.dataSize - 4096, 4096, 5);
    give(Space.stack, Space.stackSize, 7);
    // Only code is executable: bit 63 of an entry.
    for (let page = Space.data; page < Layout.size; page += 4096) this.#machine.view.setUint32(Layout.pageTable + (page >> 12) * 8 + 4, 0x80000000, true);
  }

  #start(rip: number, flags: number, registers: BigUint64Array): void {
    const { cpu } = this.#machine;
    this.#machine.reset();
    cpu.setU64(State.xcr0, 7n);
    cpu.setU32(State.efer, cpu.efer | Efer.NXE);
    registers.forEach((value, k) => cpu.setGpr(k, value));
    cpu.eflags = (flags & 0xcd5) | 0x202;
    cpu.updateMode();
    cpu.setU64(State.rip, BigInt(rip));
  }

  /** @returns why the program didn't end, if it did not */
  run(program: Program): Outcome | string {
    const machine = this.#machine;
    const { cpu, view, ram } = machine;
    const { u8 } = cpu.host;
    machine.write(Space.code, program.code);
    ram.set(program.data, Space.data);
    ram.set(program.stack, Space.stack);
    u8.set(program.ymm, cpu.base + State.ymm);
    cpu.setU32(State.mxcsr, program.mxcsr);
    const { starts } = program;
    const end = BigInt(starts.at(-1)!);
    const faults: Fault[] = [];
    let part = 0;
    this.#start(starts[0]!, program.flags, program.registers);
    for (;;) {
      const before = machine.vcpu.instructions;
      let exit = machine.vcpu.run(this.slice);
      for (let left = MOST_INSTRUCTIONS - this.slice; exit === 'budget' && left > 0; left -= this.slice) exit = machine.vcpu.run(this.slice);
      this.instructions += machine.vcpu.instructions - before;
      if (exit !== 'halted') return `run ended with ${exit} at ${machine.rip.toString(16)}`;
      const vector = Math.floor((machine.rip - Layout.handlers) / 16);
      let at = Number(cpu.gpr(4));
      if (CODES.has(vector)) at += 8;
      const [ip, flags] = [view.getBigUint64(at, true), view.getUint32(at + 16, true)];
      const registers = BigUint64Array.from({ length: 16 }, (_, k) => cpu.gpr(k));
      registers[4] = view.getBigUint64(at + 24, true);
      if (vector === UD && ip === end) {
        return {
          registers, flags, faults, ymm: u8.slice(cpu.base + State.ymm, cpu.base + State.ymm + 512), mxcsr: cpu.u32(State.mxcsr),
          code: ram.slice(Space.code, Space.code + Space.codeSize), data: ram.slice(Space.data, Space.data + Space.dataSize), stack: ram.slice(Space.stack, Space.stack + Space.stackSize),
        };
      }
      faults.push({ vector, flags, ip, address: vector === PF ? cpu.u64(State.cr2) : 0n });
      for (let k = part; k < starts.length - 1; k++) if (ip >= BigInt(starts[k]!) && ip < BigInt(starts[k + 1]!)) part = k;
      part++;
      this.#start(starts[part]!, flags, registers);
    }
  }
}
