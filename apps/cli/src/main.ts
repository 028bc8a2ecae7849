#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { CliError, formatError } from './cli-error.js';
import { EXIT_HOST_FAILURE, EXIT_INTERNAL, EXIT_USAGE } from './exit-code.js';
import { explain } from './explain.js';
import { createProgram, parse, type Actions } from './program.js';

const debug = process.env['PCKIT_DEBUG'] === '1';

function report(text: string): void {
  process.stderr.write(text);
}

/** Shows an error, whatever it is. @returns the exit status */
function fail(error: unknown): number {
  const known = explain(error);
  if (debug) report(`${error instanceof Error ? error.stack : String(error)}\n`);
  if (known === undefined) {
    const message = error instanceof Error ? error.message : String(error);
    report(formatError(new CliError('host', `a fault in pckit: ${message}`, 'Please report it, with what PCKIT_DEBUG=1 shows besides.')));
    return EXIT_INTERNAL;
  }
  report(formatError(known));
  return known.code === 'host' || known.code === 'setup' ? EXIT_HOST_FAILURE : EXIT_USAGE;
}

function version(): string {
  // Beside src and dist alike.
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

async function main(args: readonly string[]): Promise<number> {
  let status = 0;
  const actions: Actions = {
      // Loaded when needed: "pckit --help" compiles no processor.
      boot: async (options) => {
        const [{ boot }, { openGuestStore }] = await Promise.all([import('./commands/boot.js'), import('./guest-store.js')]);
        status = await boot(options, { stdin: process.stdin, stdout: process.stdout, process, report, guests: openGuestStore(process.env) });
      },
      symbols: async (request) => {
        const { symbols } = await import('./commands/symbols.js');
        await symbols(request, (message) => report(`pckit: ${message}\n`));
      },
      guest: async (request) => {
        const [{ guest }, { openGuestStore }] = await Promise.all([import('./commands/guest.js'), import('./guest-store.js')]);
        await guest(request, { store: openGuestStore(process.env), print: (text) => process.stdout.write(text), say: (message) => report(`pckit: ${message}\n`) });
      },
      lockstep: async (request) => {
        const [{ runLockstep }, { openGuestStore }] = await Promise.all([import('./commands/lockstep.js'), import('./guest-store.js')]);
        status = await runLockstep(request, {
          guests: openGuestStore(process.env),
          print: (text) => process.stdout.write(text),
          say: (message) => report(`pckit: ${message}\n`),
        });
      },
      net: async (request) => {
        const { net } = await import('./commands/net.js');
        const interrupted = new Promise<void>((end) => {
          for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
        });
        await net(request, { print: (text) => process.stdout.write(text), say: (message) => report(`pckit: ${message}\n`), interrupted });
      },
    qemu: async (flags) => {
      const { qemuHelp } = await import('./qemu/help.js');
      if (flags.length === 0 || flags.some((flag) => /^--?(?:h|help)$/.test(flag))) return void process.stdout.write(qemuHelp);
      if (flags.some((flag) => /^--?version$/.test(flag))) return void process.stdout.write(`pckit ${version()}\n`);
      const [{ parseQemu }, { qemu }, { openGuestStore }] = await Promise.all([import('./qemu/parse-qemu.js'), import('./commands/qemu.js'), import('./guest-store.js')]);
      status = await qemu(parseQemu(flags), { stdin: process.stdin, stdout: process.stdout, process, report, guests: openGuestStore(process.env) });
    },
  };
  const program = createProgram(actions, version(), { out: (text) => process.stdout.write(text) });
  await parse(program, args, actions.qemu);
  return status;
}

// The reader went away ("pckit boot --help | head"): not worth a word.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') report(`pckit: standard output: ${error.message}\n`);
});
// The terminal is restored by its listener on `exit`.
process.on('uncaughtException', (error) => process.exit(fail(error)));
process.on('unhandledRejection', (error) => process.exit(fail(error)));

main(process.argv.slice(2)).then(
  (status) => leave(status),
  (error: unknown) => leave(fail(error)),
);

/** Ends the process once its output has left, though sockets or a worker might keep it. */
function leave(status: number): void {
  process.exitCode = status;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
}
