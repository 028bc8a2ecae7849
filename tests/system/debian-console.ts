/** A root shell on the serial console of a disk from packages/debian-image/scripts/make-rootfs.sh. */
import type { ConsoleRun } from './pckit.js';
import { patient, type Report } from './report.js';

const PROMPT = 'pckit# ';
const LOGIN_PATIENCE = 1800;
const COMMAND_PATIENCE = 1200;

export async function login(machine: ConsoleRun): Promise<void> {
  await machine.shows('login: ', patient(LOGIN_PATIENCE));
  machine.type('root\n');
  await machine.shows('Password: ', patient(COMMAND_PATIENCE));
  machine.type('pckit\n');
  await machine.shows('~# ', patient(COMMAND_PATIENCE));
  await plainShell(machine);
}

/** A shell that edits no lines, so that what is shown is what was typed and its output; and nothing of the kernel's in between. */
export async function plainShell(machine: ConsoleRun): Promise<void> {
  machine.type(`dmesg -n 1; exec env PS1='pckit''# ' sh\n`);
  await machine.shows(PROMPT, patient(COMMAND_PATIENCE));
}

export interface CommandResult {
  /** What it printed. */
  readonly output: string;
  readonly status: number;
}

/** @returns a function that types a command */
export function typist(report: Report): (machine: ConsoleRun, text: string) => Promise<CommandResult> {
  return async (machine, text) => {
    const before = performance.now();
    machine.type(`${text}; echo "[""status $?]"\n`);
    // The echo of what was typed ends with a new line of its own.
    await machine.shows('\n', patient(COMMAND_PATIENCE));
    const output = await machine.shows('[status ', patient(COMMAND_PATIENCE));
    const status = Number(await machine.shows(']', patient(COMMAND_PATIENCE)));
    await machine.shows(PROMPT, patient(COMMAND_PATIENCE));
    report.note(`${text.split('\n')[0]}: ${((performance.now() - before) / 1000).toFixed(1)} s`);
    return { output: output.replace(/\r/g, '').trim(), status };
  };
}
