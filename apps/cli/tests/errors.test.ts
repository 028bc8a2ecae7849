import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pckit } from './run-cli.js';

let folder: string;
let text: string;
let empty: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-cli-'));
  text = join(folder, 'notes.txt');
  writeFileSync(text, 'not a kernel\n'.repeat(100));
  empty = join(folder, 'empty');
  writeFileSync(empty, '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('pckit, when something is wrong', () => {
  it.each([
    ['an unknown option', () => ['boot', '--kernal', 'x'], /unknown option '--kernal'[^]*Did you mean --kernel/, 2],
    ['an unknown command', () => ['bot'], /unknown command 'bot'/, 2],
    ['a kernel that is not there', () => ['boot', '--kernel', join(folder, 'none')], /none: there is no such file\n +Name a kernel image/, 2],
    ['a folder for a kernel', () => ['boot', '--kernel', folder], /it is a folder/, 2],
    ['an empty kernel', () => ['boot', '--kernel', empty], /the file is empty/, 2],
    ['a kernel that is none', () => ['boot', '--kernel', text], /notes\.txt[^]*bzImage/, 2],
    ['an initrd that is not there', () => ['boot', '--kernel', text, '--initrd', join(folder, 'none')], /--initrd .*none: there is no such file/, 2],
    ['a disk that is not there', () => ['boot', '--disk', join(folder, 'none')], /--disk .*none: there is no such file\n +Create it first/, 2],
    ['a flag that no disk has', () => ['boot', '--disk', `${text},cow`], /"cow" .* is not a flag/, 2],
    ['memory that is no size', () => ['boot', '--memory', 'lots'], /"lots" is not a size/, 2],
    ['a snapshot that is none', () => ['boot', '--resume', text], /is no snapshot/, 2],
    ['a serial file that can not be', () => ['boot', '--kernel', text, '--serial', `file:${join(folder, 'no', 'such')}`], /can't be written: there is no such file/, 2],
    ['a guest that nobody knows', () => ['boot', '--guest', 'sid'], /there is no guest "sid"\n +The guests are bookworm-cloud/, 2],
    ['a mirror that is not there', () => ['guest', 'fetch', '--mirror', `file://${folder}/mirror`], /fetching the guest: /, 10],
  ])('says what to do about %s, without a stack trace', async (_what, args, message, status) => {
    const result = await pckit(args(), { input: '' });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^pckit: /m);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect([result.status, result.stdout]).toEqual([status, '']);
  });

  it('shows the stack to those who ask', async () => {
    const { stderr } = await pckit(['boot', '--kernel', join(folder, 'none')], { input: '', env: { PCKIT_DEBUG: '1' } });
    expect(stderr).toMatch(/^ +at /m);
  });
});

describe('pckit', () => {
  it('helps', async () => {
    const { status, stdout, stderr } = await pckit(['boot', '--help'], { input: '' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Exit status:');
  });

  it('lists the guests, none of which is in a fresh cache', async () => {
    const { status, stdout } = await pckit(['guest', 'list'], { input: '' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^bookworm-cloud +- +Debian 12.*\(default\)$/m);
  });
});
