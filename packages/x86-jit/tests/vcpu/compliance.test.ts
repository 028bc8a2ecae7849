import { describeDevice } from '@pckit/device-testing';
import { createProcessor, processorMemoryBytes } from '../../src/index.js';
import { hexBytes } from '../machine/test-machine.js';

// again: add eax,3; rol eax,7; adc ebx,eax; imul ecx,ebx,5; fld1; fstp st0; loop +0; jmp again
const PROGRAM = hexBytes('6683c003 66c1c007 6611c3 666bcb05 d9e8 ddd8 e200 ebe8');
const RAM = 0x10000;

describeDevice(
  'X86Vcpu',
  () => {
    const offset = processorMemoryBytes(1);
    const memory = new WebAssembly.Memory({ initial: (offset + RAM) / 65536, maximum: (offset + RAM) / 65536 });
    new Uint8Array(memory.buffer).set(PROGRAM, offset + 0x1000);
    const bus = {
      readMemory: () => 0, writeMemory: () => undefined, readMemory64: () => 0n, writeMemory64: () => undefined, readPort: () => 0, writePort: () => undefined,
    };
    const { vcpus } = createProcessor({
      memory, ranges: [{ start: 0, length: RAM, offset }], ports: [{ bus }], clock: { now: () => 0 }, tscHz: 1e9, entropy: { fill: (into) => into.fill(4) },
    });
    const [vcpu] = vcpus;
    if (!vcpu) throw new Error('no vCPU');
    return vcpu;
  },
  (vcpu) => {
    vcpu.start(0, 0x1000);
    vcpu.run(1001);
    // An NMI waits; its handler at 0000:0000 is a run of zeros, which is code too.
    vcpu.pins.nmi.set(true);
    vcpu.pins.nmi.set(false);
  },
  {
    goOn: (vcpu) => {
      vcpu.run(500);
      return { instructions: vcpu.instructions, halted: vcpu.halted };
    },
  },
);
