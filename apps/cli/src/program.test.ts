import { describe, expect, it } from 'vitest';
import { CliError } from './cli-error.js';
import type { BootOptions } from './commands/boot-options.js';
import type { GuestRequest } from './commands/guest-options.js';
import type { LockstepRequest } from './commands/lockstep-options.js';
import type { NetRequest } from './commands/net-options.js';
import type { SymbolsRequest } from './commands/symbols-options.js';
import { createProgram, parse } from './program.js';

async function run(...args: string[]): Promise<{ boot?: BootOptions; guest?: GuestRequest; net?: NetRequest; symbols?: SymbolsRequest; lockstep?: LockstepRequest; qemu?: readonly string[]; out: string; error?: CliError }> {
  let boot: BootOptions | undefined;
  let guest: GuestRequest | undefined;
  let net: NetRequest | undefined;
  let symbols: SymbolsRequest | undefined;
  let lockstep: LockstepRequest | undefined;
  let qemu: readonly string[] | undefined;
  let out = '';
  let error: CliError | undefined;
  const program = createProgram(
    {
      boot: (options) => ((boot = options), Promise.resolve()),
      guest: (request) => ((guest = request), Promise.resolve()),
      net: (request) => ((net = request), Promise.resolve()),
      symbols: (request) => ((symbols = request), Promise.resolve()),
      lockstep: (request) => ((lockstep = request), Promise.resolve()),
      qemu: () => Promise.resolve(),
    },
    '1.2.3',
    { out: (text) => (out += text), columns: 120 },
  );
  try {
    await parse(program, args, (flags) => ((qemu = flags), Promise.resolve()));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(CliError);
    error = thrown as CliError;
  }
  return { out, ...(boot && { boot }), ...(guest && { guest }), ...(net && { net }), ...(symbols && { symbols }), ...(lockstep && { lockstep }), ...(qemu && { qemu }), ...(error && { error }) };
}

describe('pckit qemu', () => {
  it('gets the flags untouched', async () => {
    expect((await run('qemu', '-kernel', 'k', '--help', '-m', '2G')).qemu).toEqual(['-kernel', 'k', '--help', '-m', '2G']);
  });
});

describe('pckit boot', () => {
  it('leaves everything to the defaults, with the console here', async () => {
    expect((await run('boot')).boot).toEqual({
      serials: [{ kind: 'stdio' }],
      exitOn: [],
      interpreterOnly: false,
      reboot: true,
      quiet: false,
    });
  });

  it('takes every option', async () => {
    const line =
      'boot --kernel k --initrd i --append root=/dev/vda --disk a --disk b,ro --disk c,overlay --memory 2G --smp 2 --cpu x86-64-v2 --serial stdio ' +
      '--serial file:f --serial tcp:1 --deterministic --seed 7 --exit-on login: --timeout 60 --max-instructions 1e9 --interpreter-only --no-reboot ' +
      '--stats json --save s --resume r --mirror http://m/debian -q';
    expect((await run(...line.split(' '))).boot).toEqual({
      kernel: 'k',
      initrd: 'i',
      append: 'root=/dev/vda',
      disks: [
        { path: 'a', readOnly: false, overlay: false },
        { path: 'b', readOnly: true, overlay: false },
        { path: 'c', readOnly: false, overlay: true },
      ],
      memoryBytes: 2 ** 31,
      cpus: 2,
      cpuModel: 'x86-64-v2',
      serials: [{ kind: 'stdio' }, { kind: 'file', path: 'f' }, { kind: 'tcp', host: '127.0.0.1', port: 1 }],
      deterministic: true,
      seed: 7,
      exitOn: ['login:'],
      timeoutSeconds: 60,
      maxInstructions: 1e9,
      interpreterOnly: true,
      reboot: false,
      stats: 'json',
      save: 's',
      resume: 'r',
      mirror: 'http://m/debian',
      quiet: true,
    });
  });

  it('takes --stats alone as a table, also before another option', async () => {
    expect((await run('boot', '--stats', '--smp', '2')).boot?.stats).toBe('table');
    expect((await run('boot', '--stats')).boot?.stats).toBe('table');
  });

  it('takes an --append that begins with a dash', async () => {
    expect((await run('boot', '--append', '-- single')).boot?.append).toBe('-- single');
  });

  it.each([
    [['--kernal', 'x'], "unknown option '--kernal'", '--kernel'],
    [['--kernel'], "option '--kernel <file>' argument missing", '--help'],
    [['extra'], 'too many arguments', '--help'],
    [['--memory', 'lots'], '"lots" is not a size', '2G'],
    [['--memory', '512'], 'too little', '64M'],
    [['--memory', '4194305'], 'multiple of 4096', '512M'],
    [['--smp', '0'], 'out of range', '1 to 64'],
    [['--serial', 'modem'], 'not a serial line', 'stdio'],
    [['--stats', 'xml'], "'xml' is invalid", 'pckit boot --help'],
    [['--seed', '1'], '--seed needs --deterministic', 'random'],
    [['--guest', 'trixie', '--kernel', 'k'], 'both given', 'guest list'],
    [['--exit-on', ''], 'empty', 'login:'],
    [['--mirror', 'deb.example'], 'not an http, https or file address', 'http://'],
    [['--timeout', 'soon'], 'not a number of seconds', '60'],
  ])('refuses %j and says what to do', async (args, message, advice) => {
    const { error, boot } = await run('boot', ...args);
    expect(boot).toBeUndefined();
    expect(error?.code).toBe('usage');
    expect(error?.message).toContain(message);
    expect(error?.advice).toContain(advice);
  });

  it('has help with keys, exit codes and examples', async () => {
    const { out, error } = await run('boot', '--help');
    expect(error).toBeUndefined();
    for (const part of ['--kernel', '--exit-on', 'Ctrl-A x', 'Exit status:', '(value << 1) | 1', 'Examples:', 'pckit boot --kernel']) expect(out).toContain(part);
  });
});

describe('pckit net', () => {
  it('takes where to listen and what network', async () => {
    const { net } = await run('net', '--listen', 'unix:/tmp/n', '--listen', 'tcp:4000', '--net', 'user,hostfwd=tcp::10021-:22', '--ws', '8081', '--stats', '5');
    expect(net).toMatchObject({
      listen: [
        { kind: 'unix', path: '/tmp/n' },
        { kind: 'tcp', host: '127.0.0.1', port: 4000 },
      ],
      network: { kind: 'user', hostForwards: [{ protocol: 'tcp', hostPort: 10021, guestPort: 22 }], restrict: false },
      ws: { host: '127.0.0.1', port: 8081, origins: [] },
      statsSeconds: 5,
    });
  });

  it.each<[string[], string]>([
    [['net'], 'nowhere to listen'],
    [['net', '--listen', 'udp:1'], 'is not an address'],
    [['net', '--listen', 'tcp:1', '--net', 'stream,listen=tcp:2'], 'not a user network'],
    [['net', '--listen', 'tcp:1', '--token', 'x'.repeat(20)], 'are for --ws'],
    [['net', '--ws', '1', '--token', 'short'], 'too short'],
    [['net', '--ws', 'a:b'], 'is not a port'],
  ])('refuses %j', async (args, message) => expect((await run(...args)).error?.message).toContain(message));
});

describe('pckit guest', () => {
  it('lists', async () => expect((await run('guest', 'list')).guest).toEqual({ kind: 'list' }));

  it('fetches the default guest unless told otherwise', async () => {
    expect((await run('guest', 'fetch')).guest).toEqual({ kind: 'fetch', name: 'default', refresh: false, allModules: false });
    expect((await run('guest', 'fetch', 'trixie', '--refresh', '--all-modules', '--mirror', 'https://m/d')).guest).toEqual({
      kind: 'fetch',
      name: 'trixie',
      refresh: true,
      allModules: true,
      mirror: 'https://m/d',
    });
  });

  it('builds', async () => {
    const { guest } = await run('guest', 'build', 'trixie', '-o', 'o.cpio', '--add', 'a:/b', '--add', 'c:/d', '--init', '/b', '--module', 'ext4', '--run', 't.sh');
    expect(guest).toEqual({
      kind: 'build',
      name: 'trixie',
      output: 'o.cpio',
      files: [
        { host: 'a', guest: '/b' },
        { host: 'c', guest: '/d' },
      ],
      init: '/b',
      modules: ['ext4'],
      run: 't.sh',
    });
  });

  it.each([
    [['guest'], 'what should it do'],
    [['guest', 'bild'], "unknown command 'bild'"],
    [['guest', 'build'], "required option '-o, --output <file>' not specified"],
    [['guest', 'fetch', 'a', 'b'], 'too many arguments'],
    [['guest', 'build', '-o', 'o', '--add', 'x'], 'not HOSTFILE:GUESTPATH'],
  ])('refuses %j', async (args, message) => {
    const { error } = await run(...args);
    expect(error?.code).toBe('usage');
    expect(error?.message).toContain(message);
    expect(error?.advice).toBeTruthy();
  });
});

describe('pckit', () => {
  it('shows help when it is given nothing, or --help', async () => {
    expect((await run()).out).toContain('Usage: pckit');
    expect((await run('--help')).out).toContain('Usage: pckit');
    expect((await run('help', 'boot')).out).toContain('--kernel');
  });

  it('says its version', async () => expect((await run('--version')).out).toBe('1.2.3\n'));

  it('refuses an unknown command with a suggestion', async () => {
    const { error } = await run('bot');
    expect(error?.message).toContain("unknown command 'bot'");
    expect(error?.advice).toContain('boot');
  });
});

describe('pckit symbols', () => {
  it('takes a kernel and where to write', async () => {
    expect((await run('symbols', 'vmlinuz', '--out', 'f')).symbols).toEqual({ kernel: 'vmlinuz', output: 'f' });
    expect((await run('symbols', 'vmlinuz')).error?.message).toContain('--out');
  });
});

describe('pckit boot --gdb', () => {
  it('listens where it is told, and waits if it is told to', async () => {
    expect((await run('boot', '--gdb', '1234')).boot).toMatchObject({ gdb: { host: '127.0.0.1', port: 1234, wait: false } });
    expect((await run('boot', '--gdb', '0.0.0.0:1', '--wait')).boot).toMatchObject({ gdb: { host: '0.0.0.0', port: 1, wait: true } });
    expect((await run('boot', '--wait')).error?.message).toBe('--wait needs --gdb');
  });
});

describe('pckit lockstep', () => {
  it('compares interpreted and compiled code of the default guest, unless told otherwise', async () => {
    expect((await run('lockstep')).lockstep).toEqual({
      guest: 'default',
      disks: [],
      memoryBytes: 2 ** 29,
      cpus: 1,
      seed: 0,
      left: { name: 'interpreter', regions: false },
      right: { name: 'default', regions: {} },
      interval: 1e7,
      snapshotEvery: 10,
      console: false,
    });
    expect((await run('lockstep', '--right', 'default,lookups=1,pages=2', '--max-instructions', '1e9')).lockstep).toMatchObject({
      right: { name: 'default,lookups=1,pages=2', regions: { lookups: 1, pages: 2 } },
      until: 1e9,
    });
  });

  it.each(['fast', 'interpreter,x=1', 'default,x', 'default,=1', 'default,x=y', 'default,x=1=2'])('knows no side %s', async (side) => {
    expect((await run('lockstep', '--left', side)).error?.code).toBe('usage');
  });
});
