/** A root shell on the serial console of a disk from packages/debian-image/scripts/make-rootfs.sh. */
import type { ConsoleRun } from './pckit.js';
import { patient, type Report } from './report.js';

/** Of `plainShell`. */
export const PROMPT = 'pckit# ';
const LOGIN_PATIENCE = patient(1800);
const COMMAND_PATIENCE = patient(1200);

/** @param boot seconds until `login:` @param answer seconds for what comes after it */
export async function login(machine: ConsoleRun, boot = LOGIN_PATIENCE, answer = COMMAND_PATIENCE): Promise<void> {
  await machine.shows('login: ', boot);
  machine.type('root\n');
  await machine.shows('Password: ', answer);
  machine.type('pckit\n');
  await machine.shows('~# ', answer);
  await plainShell(machine, answer);
}

/** A shell that edits no lines, so that what is shown is what was typed and its output; and nothing of the kernel's in between. */
export async function plainShell(machine: ConsoleRun, answer = COMMAND_PATIENCE): Promise<void> {
  machine.type(`dmesg -n 1; exec env PS1='pckit''# ' sh\n`);
  await machine.shows(PROMPT, answer);
}

export interface CommandResult {
  /** What it printed. */
  readonly output: string;
  readonly status: number;
}

/** @param answer seconds for each command @returns a function that types a command */
export function typist(report: Report, answer = COMMAND_PATIENCE): (machine: ConsoleRun, text: string) => Promise<CommandResult> {
  return async (machine, text) => {
    const before = performance.now();
    machine.type(`${text}; echo "[""status $?]"\n`);
    // The echo of what was typed ends with a new line of its own.
    await machine.shows('\n', answer);
    const output = await machine.shows('[status ', answer);
    const status = Number(await machine.shows(']', answer));
    await machine.shows(PROMPT, answer);
    report.note(`${text.split('\n')[0]}: ${((performance.now() - before) / 1000).toFixed(1)} s`);
    return { output: output.replace(/\r/g, '').trim(), status };
  };
}
