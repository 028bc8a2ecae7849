import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One access as a test generates it: what QEMU's qtest protocol and our regions both understand. */
export type Access =
  | { readonly op: 'outb'; readonly port: number; readonly value: number }
  | { readonly op: 'inb'; readonly port: number }
  | { readonly op: 'writel'; readonly address: number; readonly value: number }
  | { readonly op: 'readl'; readonly address: number };

/**
 * Performs the accesses on the chips of a stopped `qemu-system-x86_64 -machine pc`, in one go, through its qtest protocol. Time stands
 * still and no instruction runs.
 *
 * @returns what each read gave, in order
 */
export async function onQemu(accesses: readonly Access[]): Promise<number[]> {
  const script = accesses.map((access) => {
    switch (access.op) {
      case 'outb':
        return `outb ${access.port} ${access.value}`;
      case 'inb':
        return `inb ${access.port}`;
      case 'writel':
        return `writel ${access.address} ${access.value}`;
      case 'readl':
        return `readl ${access.address}`;
    }
  });
  const args = ['-machine', 'pc,accel=tcg,hpet=on', '-S', '-display', 'none', '-nodefaults', '-serial', 'null', '-serial', 'null'];
  args.push('-rtc', 'base=2024-02-28T10:00:00,clock=vm', '-qtest', 'stdio', '-qtest-log', 'none');
  const qemu = spawn('qemu-system-x86_64', args, { stdio: ['pipe', 'pipe', 'ignore'], timeout: 60_000 });
  const failed = new Promise<never>((_resolve, reject) => qemu.once('error', reject));
  qemu.stdin.write(`${script.join('\n')}\n`);
  const answers: string[] = [];
  const answered = (async (): Promise<void> => {
    // It stays when its input ends, so it is ended with the last answer.
    for await (const line of createInterface({ input: qemu.stdout })) {
      if ((line.startsWith('OK') || line.startsWith('FAIL')) && answers.push(line) === accesses.length) break;
    }
  })();
  try {
    await Promise.race([answered, failed]);
  } finally {
    qemu.kill('SIGKILL');
  }
  if (answers.length !== accesses.length) throw new Error(`QEMU gave ${answers.length} answers to ${accesses.length} accesses`);
  return answers.filter((_, i) => accesses[i].op === 'inb' || accesses[i].op === 'readl').map((line) => Number(line.slice(3)));
}
