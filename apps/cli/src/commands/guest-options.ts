import { Command, Option } from 'commander';
import { CliError } from '../cli-error.js';
import { parseGuestFile, parseGuestPath, type GuestFile } from '../parse/guest-file.js';

export type Suite = 'bullseye' | 'bookworm' | 'trixie';
export type Flavour = 'cloud' | 'generic';
export type Architecture = 'amd64' | 'i386';

const suites: readonly Suite[] = ['bullseye', 'bookworm', 'trixie'];

/** Which of Debian's kernels. */
export interface KernelChoice {
  readonly suite: Suite;
  readonly flavour: Flavour;
  readonly architecture: Architecture;
  readonly mirror?: string;
}

/** What `pckit guest` was asked for. */
export type GuestRequest =
  | { readonly kind: 'list' }
  | { readonly kind: 'fetch'; readonly kernel: KernelChoice }
  | {
      readonly kind: 'build';
      readonly kernel: KernelChoice;
      readonly output: string;
      readonly files: readonly GuestFile[];
      /** A path in the guest that runs as process 1 instead of ours. */
      readonly init?: string;
      readonly modules: readonly string[];
      /** A shell script on the host that runs once the system is up. */
      readonly run?: string;
    };

interface RawKernel {
  suite: Suite;
  flavour: Flavour;
  arch: Architecture;
  mirror?: string;
}
interface RawBuild extends RawKernel {
  output: string;
  add?: string[];
  init?: string;
  module?: string[];
  run?: string;
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

function withKernel(command: Command): Command {
  return command
    .addOption(new Option('--suite <name>', 'Debian release').choices(suites).default('bookworm'))
    .addOption(new Option('--flavour <name>', 'kernel flavour').choices(['cloud', 'generic']).default('cloud'))
    .addOption(new Option('--arch <name>', 'architecture').choices(['amd64', 'i386']).default('amd64'))
    .option('--mirror <url>', 'Debian mirror, where the host has no apt');
}

function kernelChoice(raw: RawKernel): KernelChoice {
  if (raw.mirror !== undefined && !/^https?:\/\/./.test(raw.mirror)) {
    throw new CliError('usage', `--mirror: "${raw.mirror}" is not an http address`, 'Write --mirror http://HOST/debian.');
  }
  if (raw.arch === 'i386' && raw.flavour === 'cloud') {
    throw new CliError('usage', 'Debian has no cloud kernel for i386', 'Add --flavour generic.');
  }
  return { suite: raw.suite, flavour: raw.flavour, architecture: raw.arch, ...(raw.mirror === undefined ? {} : { mirror: raw.mirror }) };
}

/** The `guest` commands; `act` gets the checked request. */
export function guestCommand(act: (request: GuestRequest) => Promise<void>): Command {
  const guest = new Command('guest').summary('kernels and initramfs images').description('Fetches Debian kernels and builds initramfs images, without root.');

  guest
    .command('list')
    .description('Lists what is in the cache.')
    .action(async () => act({ kind: 'list' }));

  withKernel(guest.command('fetch'))
    .description('Fetches a Debian kernel with its modules, and busybox, into the cache, through the host\'s apt (no root needed) or from a mirror.\nSignatures are checked. Prints the kernel\'s path.')
    .addHelpText('after', '\nExamples:\n  pckit guest fetch\n  pckit guest fetch --suite trixie --flavour generic\n  pckit boot --kernel "$(pckit guest fetch --suite bullseye)"\n')
    .action(async (raw: RawKernel) => act({ kind: 'fetch', kernel: kernelChoice(raw) }));

  withKernel(guest.command('build'))
    .description('Builds an initramfs: busybox, files of yours, kernel modules with what they depend on.\nUses (and fetches, when it isn\'t cached) the kernel that the options name.')
    .requiredOption('-o, --output <file>', 'where to write the image')
    .option('--add <hostfile:guestpath>', 'put a file, or a folder with all in it, into the image; may be repeated', collect)
    .option('--init <guestpath>', 'run this as process 1 instead of our init')
    .option('--module <name>', 'add a kernel module and its dependencies, loaded at boot; may be repeated', collect)
    .option('--run <hostfile>', 'shell script that our init runs before the shell; the machine powers off when it ends')
    .addHelpText(
      'after',
      '\nExamples:\n  pckit guest build -o test.cpio --add ./hello:/bin/hello --run ./test.sh\n  pckit guest build -o ext4.cpio --module ext4 --module virtio_blk\n  pckit boot --kernel "$(pckit guest fetch)" --initrd test.cpio\n',
    )
    .action(async (raw: RawBuild) =>
      act({
        kind: 'build',
        kernel: kernelChoice(raw),
        output: raw.output,
        files: (raw.add ?? []).map(parseGuestFile),
        modules: raw.module ?? [],
        ...(raw.init === undefined ? {} : { init: parseGuestPath(raw.init, '--init') }),
        ...(raw.run === undefined ? {} : { run: raw.run }),
      }),
    );
  return guest;
}
