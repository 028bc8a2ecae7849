import { Command, CommanderError } from 'commander';
import { CliError } from './cli-error.js';
import { bootCommand, type BootOptions } from './commands/boot-options.js';
import { guestCommand, type GuestRequest } from './commands/guest-options.js';
import { symbolsCommand, type SymbolsRequest } from './commands/symbols-options.js';
import { lockstepCommand, type LockstepRequest } from './commands/lockstep-options.js';
import { qemuHelp } from './qemu/help.js';
import { netCommand, type NetRequest } from './commands/net-options.js';

export interface Actions {
  symbols(request: SymbolsRequest): Promise<void>;
  boot(options: BootOptions): Promise<void>;
  guest(request: GuestRequest): Promise<void>;
  net(request: NetRequest): Promise<void>;
  lockstep(request: LockstepRequest): Promise<void>;
  /** The flags as they are: they are QEMU's, which no parser of ours knows. */
  qemu(args: readonly string[]): Promise<void>;
}

export interface ProgramOutput {
  readonly out: (text: string) => void;
  readonly columns?: number;
}

/** The whole command line. Wrong use is thrown as a `CliError`; help and version go to `output.out`. */
export function createProgram(actions: Actions, version: string, output: ProgramOutput): Command {
  const program = new Command('pckit')
    .description('A PC you can take apart: boots Linux, in TypeScript.')
    .version(version, '-V, --version', 'print the version')
    .helpCommand(true)
    .addHelpText(
      'after',
      '\nExamples:\n  pckit boot                       boot Debian\'s kernel to a shell\n  pckit boot --kernel vmlinuz      boot your own\n  pckit guest list                 what is cached\n\n"pckit boot --help" has all options, keys and exit codes.\n',
    );
  program.addCommand(bootCommand((options) => actions.boot(options)));
  program.addCommand(guestCommand((request) => actions.guest(request)));
  program.addCommand(netCommand((request) => actions.net(request)));
  program.addCommand(lockstepCommand((request) => actions.lockstep(request)));
  program.addCommand(symbolsCommand((request) => actions.symbols(request)));
  program.addCommand(
    new Command('qemu')
      .summary('boot with the flags of qemu-system-x86_64')
      .helpOption(false)
      .allowUnknownOption()
      .argument('[flags...]')
      .configureHelp({ formatHelp: () => qemuHelp })
      .action(() => undefined),
  );

  const prepare = (command: Command): void => {
    command.exitOverride();
    command.configureOutput({
      writeOut: output.out,
      // What is wrong becomes a CliError in `parse`, so that all our errors look alike.
      writeErr: () => {},
      ...(output.columns === undefined ? {} : { getOutHelpWidth: () => output.columns as number }),
    });
    command.showSuggestionAfterError(true);
    for (const child of command.commands) prepare(child);
  };
  prepare(program);
  return program;
}

/** Runs the command line `args` (without node and script). `qemu` gets what follows the word, untouched. */
export async function parse(program: Command, args: readonly string[], qemu: Actions['qemu']): Promise<void> {
  try {
    const [command, ...flags] = args;
    if (command === undefined) program.outputHelp();
    else if (command === 'qemu') await qemu(flags);
    else await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    throw asCliError(error, args);
  }
}

function asCliError(error: CommanderError, args: readonly string[]): CliError {
  const command = args.find((arg) => !arg.startsWith('-'));
  const known = command === 'boot' || command === 'guest' || command === 'net' || command === 'symbols' || command === 'lockstep';
  const advice = `"pckit ${known ? `${command} ` : ''}--help" shows what there is.`;
  // `pckit guest` alone: commander wants to show its help as an error.
  if (error.code === 'commander.help') return new CliError('usage', `pckit ${command ?? ''}: what should it do?`, advice);
  const [message, suggestion] = error.message.replace(/^error: /, '').split('\n');
  return new CliError('usage', (message as string).replace(/\.$/, ''), [suggestion?.replace(/^\((.*)\)$/, '$1'), advice].filter(Boolean).join('\n'), { cause: error });
}
