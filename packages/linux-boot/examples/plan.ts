// What would lie where, and how would the processor start? node plan.ts KERNEL [INITRD [COMMAND LINE...]]
import { readFileSync } from 'node:fs';
import { BootError, describePlan, planBoot } from '@pckit/linux-boot';

const [kernel, initrd, ...commandLine] = process.argv.slice(2);
try {
  const plan = planBoot({
    kernel: readFileSync(kernel ?? '/vmlinuz'),
    ...(initrd === undefined ? {} : { initrd: readFileSync(initrd) }),
    commandLine: commandLine.join(' '),
    memory: { ramBytes: 2 ** 30 },
  });
  process.stdout.write(describePlan(plan));
  // A machine would now do: for (const { address, bytes } of plan.segments) ram.set(bytes, address);
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
