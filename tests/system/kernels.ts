/**
 * npm run test:kernels [-- GUEST...]
 *
 * Debian's own kernels, each with one processor and with two: boots with a busybox initramfs to a marker and powers off with status 0; the
 * kernel's log shows the board, and holds no complaint that the same image doesn't make on QEMU's `pc`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, ConsoleRun, start, statsOf } from './pckit.js';
import { forbidden, isComplaint, kernelLines, newComplaints, parseLog, sections } from './kernel-log.js';
import { patient, Report, workFolder } from './report.js';

const GUESTS = ['bookworm-cloud', 'bookworm', 'bullseye', 'trixie', 'bookworm-i386'];
const MEMORY = '1G';
const APPEND = 'console=ttyS0 panic=-1';
const MARKER = 'pckit: exit status 0';
const FETCH_PATIENCE = 900;
const BOOT_PATIENCE = 1800;

const folder = workFolder('kernels');
const script = fileURLToPath(new URL('guest-report.sh', import.meta.url));

interface Image {
  readonly guest: string;
  readonly kernel: string;
  readonly initrd: string;
}

async function makeImage(guest: string): Promise<Image> {
  const kernel = await command(['guest', 'fetch', guest], patient(FETCH_PATIENCE));
  const initrd = join(folder, `${guest}.cpio`);
  await command(['guest', 'build', guest, '-o', initrd, '--run', script], patient(FETCH_PATIENCE));
  return { guest, kernel, initrd };
}

/** What the image says under QEMU; kept, since that doesn't change with our code. */
async function underQemu({ guest, kernel, initrd }: Image, cpus: number): Promise<string> {
  const args = [
    ...['-machine', 'pc', '-m', MEMORY, '-smp', String(cpus), '-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-device', 'virtio-rng-pci'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', APPEND],
  ];
  const key = createHash('sha256').update(readFileSync(kernel)).update(readFileSync(initrd)).update(args.join(' ')).digest('hex').slice(0, 16);
  const kept = join(folder, `qemu-${guest}-smp${cpus}-${key}.log`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { console, status, stderr } = await new ConsoleRun('qemu-system-x86_64', args, { log: `${kept}.part`, patience: patient(BOOT_PATIENCE) }).finished;
  if (status !== 0 || !console.includes(MARKER)) throw new Error(`QEMU (status ${status}) did not boot the image:\n${console.slice(-1500)}${stderr}`);
  renameSync(`${kept}.part`, kept);
  return console;
}

async function boot(report: Report, image: Image, cpus: number, options: readonly string[]): Promise<void> {
  const reference = await underQemu(image, cpus);
  const name = `${image.guest} --smp ${cpus}${options.length === 0 ? '' : ` ${options.join(' ')}`}`;
  const log = join(folder, `${name.replace(/[ -]+/g, '-')}.log`);
  const finished = await start(
    ['boot', '--kernel', image.kernel, '--initrd', image.initrd, '--append', APPEND, '--memory', MEMORY, '--smp', String(cpus), '--stats', 'json', ...options],
    { log, patience: patient(BOOT_PATIENCE) },
  ).finished;
  writeFileSync(`${log}.err`, finished.stderr);
  report.note(`console: ${log}`);
  report.check('exit status 0', finished.status === 0, `${finished.signal ?? finished.status}\n${finished.stderr}\n${finished.console.slice(-1500)}`);
  const stats = statsOf(finished);
  report.note(`${stats.instructions} instructions, ${stats.wallSeconds} s, ${stats.cpuSeconds} s of CPU, ${stats.mips} MIPS`);
  report.equal('the guest powered off', stats.exit, 'power-off');
  report.check('boots to the marker, and says so when it powers off', finished.console.includes(MARKER) && /reboot: Power down/.test(finished.console));

  const shown = sections(finished.console);
  const dmesg = shown.get('dmesg') ?? '';
  const shows = (what: string, pattern: RegExp): void => void report.check(`dmesg shows ${what}`, pattern.test(dmesg), `no ${String(pattern)}`);
  report.equal('processors online', shown.get('cpus'), cpus === 1 ? '0' : `0-${cpus - 1}`);
  report.equal('processors in /proc/cpuinfo', shown.get('processors'), String(cpus));
  shows(cpus === 1 ? 'one processor' : `all ${cpus} processors`, new RegExp(`smp: Brought up 1 node, ${cpus} CPU`));
  shows('the I/O APIC', /IOAPIC\[0\]: apic_id \d+, version \d+, address 0xfec00000, GSI 0-23/);
  shows('the I/O APIC in use', /ACPI: Using IOAPIC for interrupt routing/);
  shows('the HPET', /hpet0: at MMIO 0xfed00000[^]*hpet0: 3 comparators/);
  shows('ACPI', /ACPI: RSDP [^]*ACPI: Interpreter enabled/);
  shows('the TSC as clock source', /clocksource: Switched to clocksource tsc$/m);
  report.equal('clock source in the end', shown.get('clocksource'), 'tsc');
  report.equal('the PCI slots are numbered as under QEMU', shown.get('slots'), sections(reference).get('slots'));
  report.check('every processor gets timer interrupts', timerInterrupts(shown.get('interrupts') ?? '', cpus), shown.get('interrupts'));

  // With what the kernel says after the report, when it powers off.
  const ours = parseLog(`${dmesg}\n${afterReport(finished.console)}`);
  const theirs = parseLog(`${sections(reference).get('dmesg') ?? ''}\n${afterReport(reference)}`);
  const never = forbidden([...ours, ...parseLog(kernelLines(finished.console))]);
  report.check('says nothing that no guest should', never.length === 0, never.join('\n'));
  const complaints = newComplaints(ours, theirs);
  report.check('makes no complaint that it lacks under QEMU', complaints.length === 0, complaints.join('\n'));
  report.note(`${ours.length} lines of the kernel, ${ours.filter(isComplaint).length} of them complaints; under QEMU ${theirs.length} and ${theirs.filter(isComplaint).length}`);
}

function afterReport(console: string): string {
  return console.slice(console.indexOf('== end') + 6);
}

/** LOC: the local APICs' timers. */
function timerInterrupts(interrupts: string, cpus: number): boolean {
  const counts = /^ *LOC:((?: +\d+)+)/m.exec(interrupts)?.[1]?.trim().split(/ +/).map(Number) ?? [];
  return counts.length === cpus && counts.every((count) => count > 0);
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !GUESTS.includes(name));
if (unknown.length > 0) throw new Error(`no guest ${unknown.join(', ')}; there are ${GUESTS.join(', ')}`);
const report = new Report();
for (const guest of chosen.length > 0 ? chosen : GUESTS) {
  await report.part(guest, async () => {
    const image = await makeImage(guest);
    for (const cpus of [1, 2]) await report.part(`${guest}, --smp ${cpus}`, () => boot(report, image, cpus, []));
    // One is enough: the determinism check has the rest.
    if (guest === GUESTS[0]) {
      await report.part(`${guest}, --smp 2 --deterministic`, () => boot(report, image, 2, ['--deterministic']));
      await report.part(`${guest}, --unpack guest`, () => boot(report, image, 1, ['--unpack', 'guest']));
    }
  });
}
process.exitCode = report.end();
