/** Runs a plan on QEMU's processor: the plan's bytes by its loader device, the plan's state by a few instructions of firmware. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BootPlan } from '../src/index.js';

/** Why the QEMU tests can't run here, or undefined. Under PCKIT_REQUIRE_TOOLS=1 they run and fail. */
export function missingTool(): string | undefined {
  if (process.env['PCKIT_REQUIRE_TOOLS'] === '1') return undefined;
  return ['qemu-system-x86_64', 'nasm'].find((tool) => spawnSync(tool, ['--version']).status !== 0);
}

export interface QemuOptions {
  readonly memoryMib: number;
  /** Typed into the serial console once `prompt` has appeared. */
  readonly prompt?: string;
  readonly input?: string;
  readonly timeoutMs: number;
}

/** @returns what came out of the serial port, and the exit status (debug exit gives (value << 1) | 1) */
export async function runPlan(plan: BootPlan, options: QemuOptions): Promise<{ output: string; status: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), 'linux-boot-qemu-'));
  try {
    const { registers, tables } = plan;
    const define = (name: string, value: number): string => `-D${name}=0x${value.toString(16)}`;
    const bios = join(folder, 'bios');
    const assembled = spawnSync(
      'nasm',
      [
        ...['-f', 'bin', '-o', bios],
        define('GDT', tables.gdt ?? 0),
        define('CR3', registers.cr3),
        define('RIP', registers.rip),
        define('RSP', registers.general.rsp),
        define('RSI', registers.general.rsi),
        define('RBX', registers.general.rbx),
        define('RAX', registers.general.rax),
        ...(registers.mode === 'long64' ? ['-DLONG64'] : []),
        fileURLToPath(new URL('start-plan.asm', import.meta.url)),
      ],
      { encoding: 'utf8' },
    );
    if (assembled.status !== 0) throw new Error(`nasm: ${assembled.stderr}`);
    const parameters = ['-machine', 'pc', '-m', String(options.memoryMib), '-bios', bios];
    parameters.push('-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4');
    plan.segments.forEach((segment, index) => {
      const file = join(folder, `segment-${index}`);
      writeFileSync(file, segment.bytes);
      parameters.push('-device', `loader,file=${file},addr=0x${segment.address.toString(16)},force-raw=on`);
    });
    return await talk(parameters, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function talk(parameters: readonly string[], options: QemuOptions): Promise<{ output: string; status: number | null }> {
  return new Promise((resolve, reject) => {
    const qemu = spawn('qemu-system-x86_64', parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    const timer = setTimeout(() => qemu.kill('SIGKILL'), options.timeoutMs);
    let output = '';
    let typed = false;
    qemu.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      if (!typed && options.prompt !== undefined && output.includes(options.prompt)) {
        typed = true;
        qemu.stdin.write(options.input ?? '');
      }
    });
    qemu.on('error', reject);
    qemu.on('close', (status) => {
      clearTimeout(timer);
      resolve({ output, status });
    });
  });
}
