/** One boot of a machine, and guest programs run in it one after the other. */
import { tool } from './guest-image.js';
import type { GuestProgram } from './programs.js';
import { start, type Cost, type Machine, type Subject } from './subject.js';

export interface ProgramRun extends Cost {
  readonly program: GuestProgram;
  readonly checksum: string;
}

export interface Order {
  readonly program: GuestProgram;
  readonly repeats: number;
}

const READY_PATIENCE = 300;
const PROGRAM_PATIENCE = 600;

/**
 * The guest waits for orders on its console, idle. The emulator's CPU time is read before an order is given and after its answer has come, so that
 * neither the guest's clock nor the time it takes us to read matters.
 */
export async function runPrograms(subject: Subject, machine: Machine, orders: readonly Order[], { cpuTime, log, done }: { readonly cpuTime: string; readonly log: string; readonly done: (run: ProgramRun) => void }): Promise<void> {
  const patience = READY_PATIENCE + PROGRAM_PATIENCE * orders.length;
  const run = start(subject, machine, log, patience);
  const cpu = (): number => Number(tool(cpuTime, [String(run.pid)])) / 1e9;
  try {
    await run.shows('bench: ready', READY_PATIENCE);
    for (const { program, repeats } of orders) {
      await settled(cpu);
      const cpuBefore = cpu();
      const wallBefore = performance.now();
      run.type(`${program.name} ${repeats}\n`);
      await run.shows(`= ${program.name} `, PROGRAM_PATIENCE);
      const checksum = (await run.shows('\n', PROGRAM_PATIENCE)).trim();
      const wallSeconds = (performance.now() - wallBefore) / 1000;
      done({ program, checksum, wallSeconds, cpuSeconds: cpu() - cpuBefore });
    }
    run.type('off\n');
    await run.finished;
  } finally {
    run.kill();
    await run.finished;
  }
}

/** Until the machine is idle: boot's last work, or a compiler's threads, must not be put to the next program's account. */
async function settled(cpu: () => number): Promise<void> {
  for (let last = cpu(), tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = cpu();
    if (now - last < 0.01) return;
    last = now;
  }
}
