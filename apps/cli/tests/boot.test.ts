import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pckit, program } from './run-cli.js';
import { debugs, echoes, exits, resets, spins, tripleFaults } from './tiny-kernels.js';

let folder: string;
const kernels: Record<string, string> = {};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-boot-'));
  const images = { exits: exits('hello\r\n\x1b[31m\x80', 0x10), spins: spins('going\n'), faults: tripleFaults('now '), resets: resets('again '), echoes: echoes(), debugs: debugs() };
  for (const [name, bytes] of Object.entries(images)) writeFileSync((kernels[name] = join(folder, name)), bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

const boot = (kernel: string, ...args: string[]): string[] => ['boot', '--kernel', kernels[kernel]!, '--memory', '16M', ...args];

/** The JSON object that `--stats json` prints as the last line. */
function statsOf(stderr: string): Record<string, unknown> {
  return JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}

describe('the end of a run', () => {
  it('by debug exit gives (value << 1) | 1, and the console unaltered on standard output', async () => {
    const { status, stdout, stderr } = await pckit(boot('exits'), { input: '' });
    expect([status, stdout, stderr]).toEqual([33, 'hello\r\n\x1b[31m\ufffd', '']);
  });

  it('by --exit-on gives 0', async () => {
    const { status, stdout } = await pckit(boot('spins', '--exit-on', 'nothing', '--exit-on', 'oin'), { input: '' });
    expect([status, stdout]).toEqual([0, 'goin']);
  });

  it('by --timeout says what did not come', async () => {
    const { status, stderr } = await pckit(boot('spins', '--exit-on', 'login:', '--timeout', '0.5'), { input: '' });
    expect(status).toBe(6);
    expect(stderr).toContain('stopped after --timeout 0.5 s; the guest did not write "login:"');
  });

  it('by --max-instructions is exact', async () => {
    const { status, stderr } = await pckit(boot('spins', '--max-instructions', '1234567', '--stats', 'json'), { input: '' });
    expect(status).toBe(8);
    expect(statsOf(stderr)).toMatchObject({ instructions: 1234567, exit: 'max-instructions', exitCode: 8 });
  });

  it('by triple fault says so', async () => {
    const { status, stdout, stderr } = await pckit(boot('faults'), { input: '' });
    expect([status, stdout]).toEqual([4, 'now ']);
    expect(stderr).toContain('triple fault');
  });

  it('by reset happens only with --no-reboot', async () => {
    const once = await pckit(boot('resets', '--no-reboot'), { input: '' });
    expect([once.status, once.stdout]).toEqual([12, 'again ']);
    const often = await pckit(boot('resets', '--exit-on', 'again again again'), { input: '' });
    expect([often.status, often.stdout]).toEqual([0, 'again again again']);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('by %s gives 128 and its number, after the figures', async (name) => {
    const watch = (_: string, { kill }: { kill: (signal: NodeJS.Signals) => void }): void => kill(name);
    const { status, stderr } = await pckit(boot('spins', '--stats', 'json'), { watch });
    expect(status).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[name]);
    expect(statsOf(stderr)).toMatchObject({ exit: 'signal' });
  });

  it('comes quietly when nobody reads the output any more', () => {
    const command = [process.execPath, ...program, ...boot('resets', '--timeout', '60')].map((word) => `'${word}'`).join(' ');
    const { stdout } = spawnSync('sh', ['-c', `(${command}; echo "status $?" >>err) </dev/null 2>err | head -c 1; cat err`], { cwd: folder, encoding: 'utf8' });
    expect(stdout).toMatch(/^a/);
    expect(stdout).toContain('status 10');
    expect(stdout).not.toMatch(/^ +at /m);
  });
});

describe('the console', () => {
  it('gets what is piped in, without loss, and goes on when the pipe ends', async () => {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(200).replaceAll('q', 'k');
    const { status, stdout } = await pckit(boot('echoes'), { input: `${text}q` });
    expect(status).toBe(7);
    expect(stdout === `>${text}q`).toBe(true);
    const { stdout: alone, status: stopped } = await pckit(boot('echoes', '--timeout', '1'), { input: 'a\x01xb' });
    expect([alone, stopped]).toEqual(['>a\x01xb', 6]);
  });

  it('answers what is typed while it runs', async () => {
    let typed = 0;
    const watch = (stdout: string, { type }: { type: (text: string) => void }): void => {
      if (stdout.length > typed) type('abq'[typed++] ?? '');
    };
    const { status, stdout } = await pckit(boot('echoes'), { watch });
    expect([status, stdout]).toEqual([7, '>abq']);
  });

  it('shows what a kernel writes to the debug console, port E9H', async () => {
    expect(await pckit(boot('debugs'), { input: '' })).toMatchObject({ status: 3, stdout: 'ok' });
    expect(await pckit(boot('debugs', '--serial', 'none', '--exit-on', 'ok'), { input: '' })).toMatchObject({ status: 0, stdout: 'ok' });
  });

  it('can be a file', async () => {
    const log = join(folder, 'com1.log');
    const { status, stdout } = await pckit(boot('exits', '--serial', `file:${log}`), { input: '' });
    expect([status, stdout, readFileSync(log, 'latin1')]).toEqual([33, '', 'hello\r\n\x1b[31m\x80']);
  });

  it('can be a port', async () => {
    let got = '';
    const { status, stderr } = await pckit(boot('echoes', '--serial', 'tcp:0', '--serial', 'stdio', '--timeout', '60'), {
      watchErrors: (text) => {
        const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (port === undefined || got !== '') return;
        got = ' ';
        const socket = connect(Number(port), '127.0.0.1', () => socket.write('xyq'));
        socket.on('data', (bytes) => (got += bytes.toString('latin1')));
        socket.on('error', () => {});
      },
    });
    expect([status, got], stderr).toEqual([7, ' >xyq']);
  });
});

describe('--stats', () => {
  it('json has the documented keys', async () => {
    const { stderr } = await pckit(boot('exits', '--stats', 'json'), { input: '' });
    const stats = statsOf(stderr);
    for (const key of ['instructions', 'wallSeconds', 'cpuSeconds', 'mips', 'memoryBytes']) expect(stats[key], key).toBeTypeOf('number');
    for (const key of ['tiers', 'hostExits', 'regions']) expect(stats[key], key).toBeTypeOf('object');
    expect(stats).toMatchObject({ exit: 'debug-exit', exitCode: 33 });
    expect(stats).not.toHaveProperty('stateHash');
  });

  it('alone prints a table', async () => {
    const { stderr } = await pckit(boot('exits', '--stats'), { input: '' });
    expect(stderr).toMatch(/^exit +debug-exit \(status 33\)$/m);
  });
});

describe('deterministic mode', () => {
  const run = async (kernel: string, ...args: string[]): Promise<Record<string, unknown>> =>
    statsOf((await pckit(boot(kernel, '--deterministic', '--stats', 'json', ...args), { input: '' })).stderr);

  it('gives the same state every time, and another one for another count', async () => {
    const [a, b, c] = [await run('spins', '--max-instructions', '3e6'), await run('spins', '--max-instructions', '3e6'), await run('spins', '--max-instructions', '3000001')];
    expect(a['stateHash']).toMatch(/^[0-9a-f]{16}$/);
    expect(b['stateHash']).toBe(a['stateHash']);
    expect(c['stateHash']).not.toBe(a['stateHash']);
  });

  it('goes on from a snapshot in a new process as if nothing had happened', async () => {
    const snapshot = join(folder, 'a.snap');
    const whole = await run('spins', '--max-instructions', '5e6');
    await run('spins', '--max-instructions', '2e6', '--save', snapshot);
    const rest = await run('spins', '--max-instructions', '5e6', '--resume', snapshot);
    expect(rest).toMatchObject({ stateHash: whole['stateHash'], instructions: 5e6, resumedAt: 2e6 });
    // The snapshot knows what machine it is of.
    const alone = statsOf((await pckit(['boot', '--resume', snapshot, '--max-instructions', '5e6', '--stats', 'json'], { input: '' })).stderr);
    expect(alone).toMatchObject({ stateHash: whole['stateHash'], instructions: 5e6 });
  });

  it('refuses a count that lies before the snapshot, and another machine', async () => {
    const snapshot = join(folder, 'b.snap');
    await run('spins', '--max-instructions', '2e6', '--save', snapshot);
    const early = await pckit(boot('spins', '--resume', snapshot, '--max-instructions', '1e6'), { input: '' });
    expect([early.status, early.stderr]).toEqual([2, expect.stringContaining('--max-instructions counts from power-on')]);
    const other = await pckit([...boot('spins', '--resume', snapshot), '--memory', '32M'], { input: '' });
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('Resume with the same')]);
  });
});

describe('memory that is too little', () => {
  it('is named with the part that does not fit', async () => {
    const { status, stderr } = await pckit([...boot('exits'), '--memory', '1M'], { input: '' });
    expect(status).toBe(2);
    expect(stderr).toContain('--memory');
  });
});
