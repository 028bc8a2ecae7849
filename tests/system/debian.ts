/**
 * npm run test:debian [-- IMAGE]
 *
 * A Debian disk with systemd, from `login:` to `e2fsck`: logs in, runs apt-get, python3 and gcc, writes 200 MB, reboots, reads them back,
 * powers off. IMAGE (default: PCKIT_ROOTFS) is what packages/debian-image/scripts/make-rootfs.sh makes; a copy is booted.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { login, typist } from './debian-console.js';
import { command, start, statsOf, type ConsoleRun } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { copyImage, tool } from './tool.js';

const DEFAULT_IMAGE = '/var/tmp/pckit/bookworm-rootfs.img';
const WHOLE_PATIENCE = 4 * 3600;

const source = resolve(process.argv[2] ?? process.env['PCKIT_ROOTFS'] ?? DEFAULT_IMAGE);
if (!existsSync(source)) {
  throw new Error(`no ${source}: make it with packages/debian-image/scripts/make-rootfs.sh ${source} (root and debootstrap), or name another`);
}
const folder = workFolder('debian');
const disk = join(folder, 'disk.img');
const log = join(folder, 'console.log');

const report = new Report();
const run = typist(report);

async function session(): Promise<void> {
  copyImage(source, disk);
  // Fetched first, so that a slow mirror isn't taken for a slow boot.
  await command(['guest', 'fetch'], patient(900));

  const machine = start(['boot', '--disk', disk, '--memory', '2G', '--smp', '2', '--stats', 'json'], { log, patience: patient(WHOLE_PATIENCE) });
  report.note(`console: ${log}`);
  try {
    const began = performance.now();
    await login(machine);
    report.check('boots to login:, and root logs in', true);
    report.note(`${((performance.now() - began) / 1000).toFixed(1)} s to the prompt`);

    report.equal('both processors are online', (await run(machine, 'nproc')).output, '2');
    const root = await run(machine, 'findmnt -no SOURCE,FSTYPE /');
    report.check('the root file system is the virtio disk', /^\/dev\/vda +ext4$/.test(root.output), root.output);
    const running = await run(machine, 'systemctl is-system-running --wait');
    report.check('systemd started everything', running.output === 'running', `${running.output}\n${(await run(machine, 'systemctl --failed --no-legend --plain')).output}`);

    const apt = await run(machine, 'apt-get --version | head -1');
    report.check('apt-get --version', /^apt 2\.\d+.*\(amd64\)$/.test(apt.output), apt.output);
    const python = await run(machine, `python3 -c 'print(sum(range(10**6)))'`);
    report.equal('python3 adds up', python.output, '499999500000');

    await run(machine, `printf '%s\\n' '#include <stdio.h>' '#include <math.h>' 'int main(int c, char **v) { double s = 0; for (int i = 1; i <= 1000000; i++) s += 1.0 / i / i;' 'printf("%.9f %d\\n", s * 6, c); return 7; }' > a.c`);
    const compiled = await run(machine, 'gcc -O2 -Wall -o a a.c');
    report.check('gcc compiles without a word', compiled.status === 0 && compiled.output === '', compiled.output);
    const program = await run(machine, './a x y');
    report.check('the program runs', program.status === 7 && program.output === '9.869598401 3', `${program.status}: ${program.output}`);

    const written = await run(machine, 'dd if=/dev/urandom of=/root/data bs=1M count=200 status=none && sync');
    report.check('200 MB are written', written.status === 0 && written.output === '', written.output);
    report.equal('their length', (await run(machine, 'stat -c %s /root/data')).output, String(200 * 2 ** 20));
    const first = (await run(machine, 'sha256sum < /root/data')).output;
    report.check('sha256sum reads them', /^[0-9a-f]{64} +-$/.test(first), first);
    await complaints(machine);

    machine.type('reboot\n');
    await login(machine);
    report.check('reboots to login:, and root logs in again', true);
    const second = (await run(machine, 'sha256sum < /root/data')).output;
    report.equal('the same 200 MB are there after the reboot', second, first);
    await complaints(machine);

    machine.type('poweroff\n');
    const finished = await machine.finished;
    writeFileSync(`${log}.err`, finished.stderr);
    report.check('poweroff ends with status 0', finished.status === 0, `${finished.signal ?? finished.status}\n${finished.stderr}`);
    const stats = statsOf(finished);
    report.note(`${stats.instructions} instructions, ${stats.wallSeconds} s, ${stats.cpuSeconds} s of CPU, ${stats.mips} MIPS`);
    report.equal('the guest powered off', stats.exit, 'power-off');
  } finally {
    machine.kill();
    await machine.finished;
  }

  const checked = tool('e2fsck', ['-fn', disk]);
  report.check('e2fsck -fn finds the file system clean', checked.status === 0, checked.output);
}

/** What the image itself lacks, on any machine: it brings no kernel modules (the initramfs does) and sets no locale. */
const LACKING = /Failed to find module 'autofs4'|pam_env\(login:session\): Unable to open env file: \/etc\/default\/locale/;

/** What the kernel or a service logs as an error or worse, and what is one whatever its level. */
async function complaints(machine: ConsoleRun): Promise<void> {
  const words = 'BUG:|WARNING:|Call Trace|soft lockup|stall|unchecked MSR|unstable|I/O error|EXT4-fs (error|warning)|blocked for more|segfault|traps:';
  const logs = [
    ['the kernel logs no error', `dmesg -l emerg,alert,crit,err; dmesg | grep -E '${words}'`],
    ['the journal holds no error', 'journalctl -b -p err --no-pager -q -o cat'],
  ] as const;
  for (const [what, text] of logs) {
    const { output } = await run(machine, text);
    const lines = output.split('\n').filter((line) => line !== '' && !LACKING.test(line));
    report.check(what, lines.length === 0, lines.join('\n'));
  }
}

await report.part('a Debian disk', session);
const status = report.end();
if (status === 0) rmSync(disk, { force: true });
process.exitCode = status;
