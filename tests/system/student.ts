/**
 * npm run test:student [-- FOLDER]
 *
 * The script of somebody who learns the kernel, with `pckit qemu` in place of `qemu-system-x86_64`: a kernel of their own, without virtio, a Debian disk on
 * IDE, a network card, ssh through a forwarded port, gdb with the kernel's scripts on port 1234. FOLDER as for test:debugger.
 */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { login, typist } from './debian-console.js';
import { DebuggerRun } from './debugger-run.js';
import { unpackLearner } from './learner.js';
import { start } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { copyImage, tool } from './tool.js';

const IMAGE = '/var/tmp/pckit/bookworm-net.img';
const PORT = 10021;
const BOOT = patient(1200);
const ANSWER = patient(300);
const WHOLE = patient(2 * 3600);

const folder = workFolder('student');
const at = (name: string): string => join(folder, name);
const report = new Report();
const type = typist(report, ANSWER);

/** With the password, which ssh asks a program for. */
async function ssh(command: string): Promise<{ readonly status: number | null; readonly output: string }> {
  writeFileSync(at('askpass'), '#!/bin/sh\necho pckit\n', { mode: 0o755 });
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'PubkeyAuthentication=no', `ConnectTimeout=${ANSWER}`].flatMap((option) => ['-o', option]);
  const child = spawn('ssh', ['-p', String(PORT), ...options, 'root@localhost', command], { env: { ...process.env, SSH_ASKPASS: at('askpass'), SSH_ASKPASS_REQUIRE: 'force' } });
  const timer = setTimeout(() => child.kill(), ANSWER * 1000);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  clearTimeout(timer);
  return { status, output };
}

async function debug(vmlinux: string): Promise<void> {
  const gdb = await DebuggerRun.gdb({ patience: ANSWER, log: at('gdb.log') }, '-iex', `add-auto-load-safe-path ${folder}`, vmlinux);
  try {
    const attached = await gdb.ask('target remote :1234');
    report.check('gdb attaches on port 1234', attached.includes('Remote debugging using :1234'), attached);
    const threads = await gdb.ask('info threads');
    report.check('which shows two processors', threads.includes('CPU#0') && threads.includes('CPU#1'), threads);
    const processes = await gdb.ask('lx-ps');
    report.check('lx-ps', ['systemd', 'kthreadd', 'sshd'].every((name) => processes.includes(name)), processes);
    const log = await gdb.ask('lx-dmesg');
    report.check('lx-dmesg', log.includes('Linux version') && log.includes('EXT4-fs (sda)'), log.slice(-2000));
    await gdb.ask('break do_sys_openat2');
    const opened = ssh('cat /etc/hostname');
    const stopped = await gdb.ask('continue');
    report.check('a breakpoint is hit', stopped.includes('do_sys_openat2 (dfd='), stopped);
    const backtrace = await gdb.ask('backtrace');
    report.check('with a backtrace', backtrace.includes('do_syscall_64'), backtrace);
    await gdb.all('delete', 'detach');
    await gdb.quit();
    const { status, output } = await opened;
    report.check('and ssh goes on where gdb has left', status === 0 && output.includes('pckit'), output);
  } finally {
    gdb.kill();
  }
}

async function session(learner: string, image: string): Promise<void> {
  const { bzImage, vmlinux } = unpackLearner(learner, folder);
  const disk = at('disk.img');
  copyImage(image, disk);
  const flags = ['-kernel', bzImage, '-append', 'console=ttyS0 root=/dev/sda rw debug nokaslr', '-hda', disk, '-net', `user,hostfwd=tcp::${PORT}-:22`, '-net', 'nic', '-nographic', '-m', '2G', '-smp', '2', '-s'];
  const machine = start(['qemu', ...flags], { patience: WHOLE, log: at('console.log') });
  report.note(`console: ${at('console.log')}`);
  try {
    const before = performance.now();
    await login(machine, BOOT, ANSWER);
    report.check('boots to login:, and root logs in', true);
    report.note(`${((performance.now() - before) / 1000).toFixed(1)} s to the prompt`);
    report.equal('two processors', (await type(machine, 'nproc')).output, '2');
    const root = (await type(machine, 'findmnt -no SOURCE,FSTYPE /')).output;
    report.check('the root file system is on the IDE disk', /^\/dev\/(sda|root) +ext4$/.test(root), root);
    const mode = (await type(machine, 'cat /sys/class/ata_device/dev1.0/dma_mode')).output;
    report.check('by bus-master DMA', /^XFER_(MW|U)_?DMA_\d$/.test(mode), mode);
    const complaints = (await type(machine, `dmesg | grep -E 'BUG:|WARNING:|Call Trace|soft lockup|I/O error|EXT4-fs (error|warning)|ata[0-9].*(exception|reset|limiting|timeout)|NETDEV WATCHDOG'`)).output;
    report.equal('the kernel has no complaint', complaints, '');
    // udev may have given it a name that says where it is.
    const address = (await type(machine, 'ip -br address show dev $(ls /sys/bus/pci/drivers/e1000/*/net)')).output;
    report.check('the network card has an address', /^e\w+ +UP +10\.0\.2\.15\/24/.test(address), address);
    const { status, output } = await ssh('uname -r; id -un');
    report.check(`ssh -p ${PORT}`, status === 0 && /^5\.10\.\S+\nroot$/m.test(output), output);
    await debug(vmlinux);
    machine.type('poweroff\n');
    const finished = await machine.finished;
    report.check('poweroff ends with status 0', finished.status === 0, `${finished.signal ?? finished.status}\n${finished.stderr}`);
  } finally {
    machine.kill();
    await machine.finished;
  }
  const checked = tool('e2fsck', ['-fn', disk]);
  report.check('e2fsck -fn finds the file system clean', checked.status === 0, checked.output);
  if (checked.status === 0) rmSync(disk, { force: true });
}

const learner = process.argv[2] ?? process.env['PCKIT_LEARNER'];
const image = process.env['PCKIT_ROOTFS'] ?? IMAGE;
if (learner === undefined || !existsSync(image)) {
  report.note(`skipped: ${learner === undefined ? 'no folder with a kernel was named' : `there is no ${image}`}`);
} else {
  await report.part("a kernel student's script", () => session(resolve(learner), image));
  process.exitCode = report.end();
}
