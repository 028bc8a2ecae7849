import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPc, type MachineStop } from '../src/index.js';

// Our own guest kernels (see guests/): how they are assembled, and run here and under QEMU.

const FOLDER = fileURLToPath(new URL('../guests/', import.meta.url));

export interface GuestRun {
  /** What it printed to port E9H. */
  readonly output: string;
  readonly stop: MachineStop;
}

export interface GuestOptions {
  readonly cpus?: number;
  /** How the run ends, if not by the debug exit port with 0. */
  readonly stop?: Partial<MachineStop>;
}

const MEMORY_MIB = 128;
/** Far more than any of them needs: one that hangs ends here. */
const INSTRUCTION_LIMIT = 60_000_000;

export function guestImage(name: string): Uint8Array {
  return readFileSync(join(FOLDER, `${name}.elf`));
}

export function expectedOutput(name: string): string {
  return readFileSync(join(FOLDER, `${name}.txt`), 'utf8');
}

/** In deterministic time, until it ends by the debug exit port or a reset. */
export async function runGuest(name: string, options: GuestOptions = {}): Promise<GuestRun> {
  let output = '';
  const pc = createPc({
    memoryBytes: MEMORY_MIB << 20,
    cpus: options.cpus ?? 1,
    time: { kind: 'deterministic' },
    rng: false,
    onReset: 'stop',
    debugConsole: { write: (byte) => (output += String.fromCharCode(byte)) },
    boot: { kernel: guestImage(name) },
  });
  pc.machine.powerOn();
  const stop = await pc.machine.run({ untilInstructions: INSTRUCTION_LIMIT });
  return { output, stop };
}

function have(...tools: string[]): boolean {
  return tools.every((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined);
}

const required = process.env.PCKIT_REQUIRE_TOOLS === '1';
/** Whether to skip what needs the tools; where they are required, a missing one is to fail. */
export const noBinutils = !required && !have('as', 'ld', 'objcopy');
export const noQemu = !required && !have('qemu-system-x86_64');

/** Assembles one from its source. */
export function assembleGuest(name: string): Uint8Array {
  const out = mkdtempSync(join(tmpdir(), 'pckit-guest-'));
  try {
    execFileSync(join(FOLDER, 'build.sh'), [out, name]);
    return readFileSync(join(out, `${name}.elf`));
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** What it prints under QEMU's TCG. */
export function runGuestInQemu(name: string, options: GuestOptions = {}): string {
  const out = mkdtempSync(join(tmpdir(), 'pckit-guest-'));
  try {
    const log = join(out, 'output');
    const result = spawnSync(
      'qemu-system-x86_64',
      [
        // On threads of their own its processors were seen to stay in code that another had changed, for ever.
        ...['-machine', 'pc', '-accel', 'tcg,thread=single', '-cpu', 'max,vendor=GenuineIntel'],
        ...['-m', `${MEMORY_MIB}`, '-smp', `${options.cpus ?? 1}`],
        ...['-nodefaults', '-display', 'none', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
        ...['-debugcon', `file:${log}`, '-kernel', join(FOLDER, `${name}.elf`)],
      ],
      { timeout: 60_000, encoding: 'utf8' },
    );
    if (result.error) throw result.error;
    return readFileSync(log, 'latin1');
  } finally {
    rmSync(out, { recursive: true });
  }
}

/**
 * What of an output is compared with QEMU's. Lines that begin with `~` are not: there TCG deviates from the manual, and
 * the guest's source says how.
 */
export function comparable(output: string): string[] {
  return output.split('\n').filter((line) => !line.startsWith('~'));
}

/**
 * TCG reports a reserved bit in a page-table entry without P (SDM vol. 3, 4.7: bit 3 "can be set only if bit 0 is also set").
 */
export function correctReservedBit(output: string): string {
  const present = (_: string, head: string, digit: string, tail: string): string =>
    head + (parseInt(digit, 16) | 1).toString(16) + tail;
  return output.replace(/(#PF\([0-9a-f]{3})([8ace])(\))/g, present).replace(/( [ku][rwx]=[01])([8ace])(:)/g, present);
}
