import { Cr0, Cr4, State, Vector } from '../state-layout.js';
import { X87State } from '../x87/index.js';
import { GuestFault, type CpuState } from './cpu-state.js';

/** The x87 state of each vCPU as an object, made at its first use. */
export function x87States(): (cpu: CpuState) => X87State {
  const states = new WeakMap<CpuState, X87State>();
  return (cpu) => {
    let state = states.get(cpu);
    if (state === undefined) states.set(cpu, (state = new X87State(cpu.host.view, cpu.base + State.x87)));
    return state;
  };
}

/** #NM, when there is no coprocessor or its state is another task's. SDM vol. 3, table 2-2. */
export function checkX87Available(cpu: CpuState): void {
  if (cpu.cr0 & (Cr0.EM | Cr0.TS)) throw new GuestFault(Vector.NM);
}

/** #UD and #NM of MMX instructions. SDM vol. 3, table 12-1. */
export function checkMmxAvailable(cpu: CpuState): void {
  if (cpu.cr0 & Cr0.EM) throw new GuestFault(Vector.UD);
  if (cpu.cr0 & Cr0.TS) throw new GuestFault(Vector.NM);
}

/** The same of instructions that use an XMM register. SDM vol. 3, 13.1.2. */
export function checkSseAvailable(cpu: CpuState): void {
  if (cpu.cr0 & Cr0.EM || !(cpu.cr4 & Cr4.OSFXSR)) throw new GuestFault(Vector.UD);
  if (cpu.cr0 & Cr0.TS) throw new GuestFault(Vector.NM);
}

/**
 * #MF for an exception that an earlier x87 instruction left pending. With CR0.NE clear a PC reports it as IRQ 13 instead (SDM vol. 1,
 * 8.7.2); there is no FERR# pin here, so the instruction executes as it does while IGNNE# is asserted.
 */
export function checkX87Exception(cpu: CpuState, x87: X87State): void {
  if (x87.pending && cpu.cr0 & Cr0.NE) throw new GuestFault(Vector.MF);
}
