import { listen, type Listener } from '@pckit/gdbstub/node';
import { CliError, reasonOf } from './cli-error.js';
import type { Machine } from './machine.js';
import type { GdbOption } from './parse/gdb-option.js';

export interface GdbContext {
  readonly machine: Machine;
  /** The debugger wants the run's end. */
  readonly quit: () => void;
  readonly say: (message: string) => void;
}

/** Waits for debuggers. */
export async function openGdb({ host, port }: GdbOption, { machine, quit, say }: GdbContext): Promise<Listener> {
  const target = machine.debugTarget({ kill: quit });
  try {
    const listener = await listen(target, {
      host,
      port,
      connected: (peer) => say(`a debugger came from ${peer}`),
      disconnected: (peer) => say(`the debugger from ${peer} has left`),
    });
    say(`gdb: target remote ${listener.host}:${listener.port}`);
    return listener;
  } catch (error) {
    throw new CliError('input', `--gdb: can't listen on ${host}:${port}: ${reasonOf(error)}`, 'Choose another port, or 0 for any free one.', { cause: error });
  }
}
