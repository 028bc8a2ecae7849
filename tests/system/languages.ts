/**
 * npm run test:languages [-- IMAGE]
 *
 * Node, Python, Perl, SQLite, gcc and OpenSSL of a Debian disk do a day's work (languages/work.sh) in the guest and, by chroot, on the host: what they
 * print must be the same. V8 writes machine code as it runs, and throws it away again.
 *
 * IMAGE is what `PCKIT_PACKAGES=nodejs,sqlite3,perl,openssl,python3 packages/debian-image/scripts/make-rootfs.sh IMAGE bookworm 3G` makes; a copy is
 * booted. Needs root, for chroot, and debugfs.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { login, typist } from './debian-console.js';
import { command, start } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { copyImage, mustRun, tool } from './tool.js';

const DEFAULT_IMAGE = '/var/tmp/pckit/bookworm-languages.img';
const WORK = '/opt/languages';
const WORK_FILES = fileURLToPath(new URL('languages', import.meta.url));
const PARTS = ['node', 'python3', 'perl', 'sqlite3', 'gcc', 'openssl'];

const source = resolve(process.argv[2] ?? process.env['PCKIT_LANGUAGES_ROOTFS'] ?? DEFAULT_IMAGE);
if (!existsSync(source)) throw new Error(`no ${source}: this file's first lines say how it is made`);
const folder = workFolder('languages');
const tree = join(folder, 'tree');
const disk = join(folder, 'disk.img');
const log = join(folder, 'console.log');
const report = new Report();
const run = typist(report, patient(3600));

/** By name, what each part printed. */
function partsOf(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const [, name, lines] of text.replaceAll('\r', '').matchAll(/^== (\S+)\n([^]*?)(?=^== )/gm)) parts.set(name as string, lines as string);
  return parts;
}

/** The disk with the work on it: a tree to chroot into, and a copy to boot. */
function prepare(): void {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  mustRun('debugfs', ['-R', `rdump / ${tree}`, source]);
  cpSync(WORK_FILES, join(tree, WORK), { recursive: true });
  mustRun('mount', ['--bind', '/dev', join(tree, 'dev')]);
  copyImage(source, disk);
  mustRun('debugfs', ['-w', '-R', `mkdir ${WORK}`, disk]);
  for (const name of readdirSync(WORK_FILES)) mustRun('debugfs', ['-w', '-R', `write ${join(tree, WORK, name)} ${WORK}/${name}`, disk]);
}

prepare();
try {
  const host = tool('chroot', [tree, 'sh', `${WORK}/work.sh`]);
  const expected = partsOf(host.output);
  report.equal('the host does all the work', [...expected.keys()].join(' '), PARTS.join(' '));

  await command(['guest', 'fetch'], patient(900));
  const machine = start(['boot', '--disk', disk, '--memory', '1G', '--smp', '1'], { log, patience: patient(4 * 3600) });
  report.note(`console: ${log}`);
  try {
    await login(machine);
    const { output } = await run(machine, `sh ${WORK}/work.sh 2>&1`);
    const parts = partsOf(`${output}\n`);
    for (const name of PARTS) report.equal(`${name} prints what it prints on the host`, parts.get(name), expected.get(name));
    machine.type('poweroff\n');
    report.equal('powers off with exit status 0', (await machine.finished).status, 0);
  } finally {
    machine.kill();
  }
} finally {
  mustRun('umount', [join(tree, 'dev')]);
  rmSync(tree, { recursive: true, force: true });
  rmSync(disk, { force: true });
}
process.exitCode = report.end();
