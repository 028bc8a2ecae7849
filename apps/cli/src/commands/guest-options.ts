import { Command } from 'commander';
import { parseGuestFile, type GuestFile } from '../parse/guest-file.js';
import { parseMirror } from '../parse/mirror.js';

/** What `pckit guest` was asked for. */
export type GuestRequest =
  | { readonly kind: 'list' }
  | {
      readonly kind: 'fetch';
      /** One of the catalogue, or `default`. */
      readonly name: string;
      readonly mirror?: string;
      readonly refresh: boolean;
      readonly allModules: boolean;
    }
  | {
      readonly kind: 'build';
      readonly name: string;
      readonly mirror?: string;
      readonly output: string;
      readonly files: readonly GuestFile[];
      readonly init?: string;
      readonly modules: readonly string[];
      readonly run?: string;
    };

interface RawFetch {
  mirror?: string;
  refresh?: boolean;
  allModules?: boolean;
}

interface RawBuild {
  mirror?: string;
  output: string;
  add?: string[];
  init?: string;
  module?: string[];
  run?: string;
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

const mirrorHelp = 'Debian mirror (http, https or file URL), used instead of the host\'s apt';

/** The `guest` commands; `act` gets the checked request. */
export function guestCommand(act: (request: GuestRequest) => Promise<void>): Command {
  const guest = new Command('guest')
    .summary('Debian kernels and initramfs images')
    .description('Fetches Debian kernels and builds initramfs images for them, without root.\nThey are kept in $XDG_CACHE_HOME/pckit or ~/.cache/pckit.')
    .addHelpText('after', '\nExamples:\n  pckit guest list\n  pckit guest fetch trixie\n  pckit guest build -o test.cpio --add ./hello:/bin/hello --run ./test.sh\n');

  guest
    .command('list')
    .description('Lists the guests that there are, and which of them are in the cache.')
    .action(async () => act({ kind: 'list' }));

  guest
    .command('fetch [name]')
    .description('Fetches a kernel with its modules, and busybox, through the host\'s apt (no root needed) or from a mirror.\nSignatures are checked. Prints the kernel\'s path.')
    .option('--mirror <url>', mirrorHelp)
    .option('--refresh', 'fetch again, though it is in the cache')
    .option('--all-modules', 'keep the drivers for hardware that pckit doesn\'t have, too')
    .addHelpText('after', '\nExamples:\n  pckit guest fetch\n  pckit boot --kernel "$(pckit guest fetch bullseye)" --initrd my.cpio\n')
    .action(async (name: string | undefined, raw: RawFetch) =>
      act({
        kind: 'fetch',
        name: name ?? 'default',
        refresh: raw.refresh === true,
        allModules: raw.allModules === true,
        ...(raw.mirror === undefined ? {} : { mirror: parseMirror(raw.mirror) }),
      }),
    );

  guest
    .command('build [name]')
    .description('Builds an initramfs for a guest\'s kernel: busybox, our init, files of yours, kernel modules with what they depend on.')
    .requiredOption('-o, --output <file>', 'where to write the image')
    .option('--add <hostfile:guestpath>', 'put a file, or a folder with all in it, into the image; may be repeated', collect)
    .option('--init <file>', 'process 1 instead of our init: a file of the host, or the guest path of one that --add puts there')
    .option('--module <name>', 'kernel module to load at boot, with its dependencies; may be repeated', collect)
    .option('--run <hostfile>', 'shell script to run once the system is up; the machine powers off when it ends')
    .option('--mirror <url>', mirrorHelp)
    .addHelpText(
      'after',
      '\nExamples:\n  pckit guest build -o test.cpio --add ./hello:/bin/hello --run ./test.sh\n  pckit guest build trixie -o dm.cpio --module dm_mod\n  pckit boot --kernel "$(pckit guest fetch)" --initrd test.cpio\n',
    )
    .action(async (name: string | undefined, raw: RawBuild) =>
      act({
        kind: 'build',
        name: name ?? 'default',
        output: raw.output,
        files: (raw.add ?? []).map(parseGuestFile),
        modules: raw.module ?? [],
        ...(raw.init === undefined ? {} : { init: raw.init }),
        ...(raw.run === undefined ? {} : { run: raw.run }),
        ...(raw.mirror === undefined ? {} : { mirror: parseMirror(raw.mirror) }),
      }),
    );
  return guest;
}
