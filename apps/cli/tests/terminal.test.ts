import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from './run-cli.js';
import { echoes } from './tiny-kernels.js';

// A terminal of its own for the program: script(1) of util-linux.
const hasScript = spawnSync('script', ['--version']).error === undefined;
const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-tty-'));
  writeFileSync(join(folder, 'kernel'), echoes());
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `pckit boot` of the echoing kernel in a terminal. `react` gets all that the terminal showed, and types. */
function inTerminal(prefix: string, react: (shown: string, type: (text: string) => void) => void): Promise<{ shown: string; before: string; after: string }> {
  const command = [process.execPath, ...program, 'boot', '--kernel', join(folder, 'kernel'), '--memory', '16M'].map((word) => `'${word}'`).join(' ');
  const file = join(folder, 'run.sh');
  writeFileSync(file, `stty rows 30 cols 100\nstty -a >before\n${prefix} ${command}\necho "status $?"\nstty -a >after\n`);
  return new Promise((done, fail) => {
    const child = spawn('script', ['-qec', `sh ${file}`, '/dev/null'], { cwd: folder });
    let shown = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      shown += text;
      react(shown, (typed) => child.stdin.write(typed, 'latin1'));
    });
    child.on('error', fail);
    child.on('close', () => done({ shown, before: readFileSync(join(folder, 'before'), 'utf8'), after: readFileSync(join(folder, 'after'), 'utf8') }));
  });
}

/** Types one thing after the other, each when what it waits for has shown up since the last. */
function script(...steps: readonly (readonly [waitFor: RegExp, type: string])[]): (shown: string, type: (text: string) => void) => void {
  let step = 0;
  let seen = 0;
  return (shown, type) => {
    const next = steps[step];
    if (next === undefined || !next[0].test(shown.slice(seen))) return;
    step++;
    seen = shown.length;
    type(next[1]);
  };
}

describe.skipIf(!hasScript && !required)('in a terminal (needs script of util-linux)', () => {
  it('keys go to the guest, Ctrl-A x quits, and the terminal is as before', async () => {
    const { shown, before, after } = await inTerminal('', script([/>/, 'ab\x03\x01\x01'], [/ab\x03\x01/, '\x01h'], [/send Ctrl-A to the guest/, '\x01x']));
    expect(shown).toContain('Ctrl-A h helps');
    expect(shown).toContain('Ctrl-A c  pause the machine');
    expect(shown).toContain('status 0');
    expect(after).toBe(before);
  });

  it('a pause holds the machine, and figures can be asked for', async () => {
    const { shown, before, after } = await inTerminal(
      '',
      script([/>/, '\x01c'], [/paused/, 'late\x01i'], [/MIPS/, '\x01c'], [/late/, '\x01r'], [/stty rows 30 cols 100/, 'q']),
    );
    expect(shown.indexOf('late')).toBeGreaterThan(shown.indexOf('MIPS'));
    expect(shown).toContain('status 7');
    expect(after).toBe(before);
  });

  it('the terminal is as before when a signal ends the program', async () => {
    const type = script([/>/, '\x1b[?25l\x1b[?1049h']);
    let killed = false;
    const { shown, before, after } = await inTerminal(`sh -c 'echo $$ >pid; exec "$@"' sh`, (shown, typing) => {
      type(shown, typing);
      if (killed || !shown.includes('\x1b[?1049h')) return;
      killed = true;
      process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM');
    });
    expect(shown).toContain('status 143');
    // What the guest left switched on (here: typed and echoed) is switched off.
    expect(shown).toMatch(/\x1b\[\?1049l\x1b\[\?25h/);
    expect(after).toBe(before);
  });
});
