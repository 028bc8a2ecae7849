import type { Files } from '@pckit/gdbstub';
import { listen, type Listener } from '@pckit/gdbstub/node';
import type { KernelSymbols } from '@pckit/kernel-symbols';
import { CliError, reasonOf } from './cli-error.js';
import { explain } from './explain.js';
import { readKernelSymbols } from './kernel-symbols.js';
import type { Machine } from './machine.js';
import type { GdbOption } from './parse/gdb-option.js';

export interface GdbContext {
  readonly machine: Machine;
  /** What is booted, for its symbols. */
  readonly kernel: Uint8Array | undefined;
  /** The debugger wants the run's end. */
  readonly quit: () => void;
  readonly say: (message: string) => void;
}

/** What a debugger that was given no program finds: `target:` and this. */
const SYMBOL_FILE = '/vmlinux';

async function symbolsOf(kernel: Uint8Array, say: (message: string) => void): Promise<KernelSymbols | undefined> {
  try {
    return await readKernelSymbols(kernel);
  } catch (error) {
    const known = explain(error);
    if (known === undefined) throw error;
    say(`no symbols for debuggers: ${known.message}`);
    return undefined;
  }
}

function filesOf(symbols: KernelSymbols): Files {
  // Made when a debugger asks: it takes a second or two.
  let made: Uint8Array | undefined;
  return {
    open: (path) => {
      if (path !== SYMBOL_FILE) return undefined;
      const file = (made ??= symbols.symbolFile());
      return { size: file.length, read: (offset, length) => file.subarray(offset, offset + length) };
    },
  };
}

/** Waits for debuggers. */
export async function openGdb({ host, port }: GdbOption, { machine, kernel, quit, say }: GdbContext): Promise<Listener> {
  const symbols = kernel === undefined ? undefined : await symbolsOf(kernel, say);
  const target = machine.debugTarget({ kill: quit, image: symbols, ...(symbols === undefined ? {} : { files: filesOf(symbols), execFile: SYMBOL_FILE }) });
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
