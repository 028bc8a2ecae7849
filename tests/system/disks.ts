/**
 * npm run test:disks [-- INTERFACE...]
 *
 * Disks as a stock Debian kernel finds them: virtio, IDE (ata_piix) and AHCI, raw and qcow2, and a CD-ROM. The guest's fio writes and verifies, dd writes
 * over it; the host compares, and qemu-img checks. Then the power is cut at instructions that a seed chooses, and what the guest had flushed must be
 * there after e2fsck has replayed the journal.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chosenInterfaces, diskModules, INTERFACES, type Interface } from './disk-interfaces.js';
import { command, start, statsOf } from './pckit.js';
import { patient, Report, workFolder } from './report.js';
import { addTool, mustRun, tool } from './tool.js';

const chosen = chosenInterfaces();
const MEGABYTES = Number(process.env['PCKIT_MEGABYTES'] ?? 48);
const CUTS = Number(process.env['PCKIT_CUTS'] ?? 3);
/** What a power cut comes in between. */
const FILES = 100;
const folder = workFolder('disks');
const at = (name: string): string => join(folder, name);
const report = new Report();
const modules = diskModules('sr_mod', 'isofs', 'ext4');

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

async function initramfs(script: string, added: readonly string[] = []): Promise<{ readonly kernel: string; readonly initrd: string }> {
  writeFileSync(at('run.sh'), script);
  const kernel = await command(['guest', 'fetch', 'bookworm'], patient(900));
  await command(['guest', 'build', 'bookworm', '-o', at('guest.cpio'), ...modules, ...added, '--run', at('run.sh')], patient(300));
  return { kernel: kernel.split('\n').at(-1) as string, initrd: at('guest.cpio') };
}

interface Disk {
  readonly kind: Interface;
  readonly image: string;
  /** What the guest calls it: ata_piix is loaded before ahci. */
  readonly device: string;
}

/** IDE's is a qcow2 image. */
function makeDisks(): readonly Disk[] {
  const scsi = INTERFACES.filter((kind) => kind !== 'virtio' && chosen.includes(kind));
  return INTERFACES.filter((kind) => chosen.includes(kind)).map((kind) => {
    const image = at(kind === 'ide' ? 'ide.qcow2' : `${kind}.img`);
    rmSync(image, { force: true });
    if (kind === 'ide') {
      const created = tool('qemu-img', ['create', '-q', '-f', 'qcow2', image, `${MEGABYTES + 16}M`]);
      report.check('qemu-img makes an image', created.status === 0, created.output);
    } else {
      writeFileSync(image, '');
      truncateSync(image, (MEGABYTES + 16) << 20);
    }
    return { kind, image, device: kind === 'virtio' ? 'vda' : `sd${'ab'[scsi.indexOf(kind)] ?? ''}` };
  });
}

function makeDisc(): void {
  mkdirSync(at('cd'), { recursive: true });
  writeFileSync(join(at('cd'), 'hello.txt'), 'hello from the disc\n');
  const iso = tool('genisoimage', ['-quiet', '-R', '-V', 'PCKIT', '-o', at('cd.iso'), at('cd')]);
  report.check('genisoimage makes a disc', iso.status === 0, iso.output);
}

/** Of a disk, in blocks of 4 KiB; a little less, so that multiples of it aren't those of an image's clusters. */
const EIGHTH = (MEGABYTES + 16) * 32 - 24;
const FIO = '--rw=randwrite --bsrange=4k-128k --direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c --do_verify=1 --verify_fatal=1 --randseed=1';

/** Writes, reads back, and says sums that the host compares. */
async function readAndWrite(): Promise<void> {
  const disks = makeDisks();
  makeDisc();
  const { kernel, initrd } = await initramfs(
    `test_disk() {
  fio --name=$1 --filename=/dev/$2 --size=100% ${FIO} > /fio.log 2>&1 || { echo "FIO FAILED $1"; cat /fio.log; }
  sed -n 's/^ *\\(READ\\|WRITE\\): .*io=\\([^,]*\\).*/FIO \\1 '$1' \\2/p' /fio.log
  dd if=/dev/urandom of=/dev/$2 bs=1M count=${MEGABYTES} oflag=direct 2>/dev/null || echo "WRITE FAILED $1"
  for i in 3 1 7 5; do dd if=/dev/urandom of=/dev/$2 bs=4k count=64 seek=$((i * ${EIGHTH})) oflag=direct conv=notrunc 2>/dev/null || echo "WRITE FAILED $1"; done
  sync
  echo "SUM $1 $(dd if=/dev/$2 bs=1M iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1)"
}
${disks.map(({ kind, device }) => `test_disk ${kind} ${device}`).join('; ')}
mkdir -p /cd; mount -t iso9660 -o ro /dev/sr0 /cd && echo "CD $(cat /cd/hello.txt)"
dmesg | grep -E 'ata[0-9.]+: (configured|SATA link up|PATA max)|NCQ' | sed 's/^/DMESG /'
dmesg | grep -iE 'ata[0-9].*(error|exception|fail|reset|limiting|timeout)|I/O error' | sed 's/^/COMPLAINT /'
echo TEST-DONE
`,
    addTool('fio'),
  );
  const images = disks.flatMap(({ kind, image }) => ['--disk', `${image},if=${kind}`]);
  const machine = start(['boot', '--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0 quiet', '--memory', '1G', ...images, '--disk', `${at('cd.iso')},cdrom`], {
    patience: patient(300 + 15 * MEGABYTES * disks.length),
    log: at('console.log'),
  });
  const { status, console: text, stderr } = await machine.finished;
  const lines = text.replaceAll('\r', '').split('\n');
  report.check('the guest powers off, with status 0', status === 0 && text.includes('TEST-DONE'), `${stderr}${text.slice(-1500)}`);
  for (const line of lines.filter((each) => each.startsWith('FIO'))) report.note(line);
  for (const { kind } of disks) report.check(`fio writes and verifies ${kind}`, lines.some((line) => line.startsWith(`FIO READ ${kind} `)) && !lines.includes(`FIO FAILED ${kind}`), text.slice(-3000));
  report.check('no write fails', !text.includes('WRITE FAILED'), lines.filter((line) => line.includes('FAILED')).join('\n'));
  report.check('libata has no complaint', !text.includes('COMPLAINT'), lines.filter((line) => line.startsWith('COMPLAINT')).join('\n'));
  for (const line of lines.filter((each) => each.startsWith('DMESG'))) report.note(line.slice(6));
  const sum = (name: string): string | undefined => lines.find((line) => line.startsWith(`SUM ${name} `))?.split(' ')[2];
  for (const { kind, image } of disks) {
    if (kind === 'ide') {
      const checked = tool('qemu-img', ['check', image]);
      report.check('qemu-img check finds the qcow2 image right', checked.status === 0, checked.output);
    }
    const raw = kind === 'ide' ? at('ide.img') : image;
    if (raw !== image) mustRun('qemu-img', ['convert', '-O', 'raw', image, raw]);
    report.equal(`the host reads what the guest wrote by ${kind}`, mustRun('md5sum', [raw]).split(' ')[0], sum(kind));
    for (const file of new Set([raw, image])) rmSync(file, { force: true });
  }
  report.check('the disc is mounted and read', lines.includes('CD hello from the disc'), lines.filter((line) => line.startsWith('CD')).join('\n'));
}

/** The guest writes files, one after another, and says which are flushed; the machine stops anywhere. */
async function powerCut(): Promise<void> {
  const { kernel, initrd } = await initramfs(
    `mkdir -p /d; mount -t ext4 $(ls /dev/vda /dev/sda 2>/dev/null | head -1) /d
i=0
while [ $i -lt $(sed 's/.*files=//' /proc/cmdline) ]; do
  i=$((i + 1))
  dd if=/dev/urandom of=/d/file$i bs=4k count=$((i % 7 * 20 + 1)) 2>/dev/null
  sync
  echo "FLUSHED $i $(md5sum /d/file$i | cut -d' ' -f1)"
done
echo TEST-DONE
`,
  );
  for (const [index, kind] of INTERFACES.entries()) {
    if (!chosen.includes(kind)) continue;
    const made = (name: string): void => {
      rmSync(at(name), { force: true });
      const { status, output } = tool('mke2fs', ['-q', '-t', 'ext4', at(name), '64M']);
      if (status !== 0) throw new Error(output);
    };
    const args = (name: string, files: number, limit?: number): string[] => [
      ...['boot', '--kernel', kernel, '--initrd', initrd, '--append', `console=ttyS0 quiet files=${files}`, '--memory', '512M', '--deterministic', '--stats', 'json', '--disk', `${at(name)},if=${kind}`],
      ...(limit === undefined ? [] : ['--max-instructions', String(limit)]),
    ];
    const wholeRun = async (files: number): Promise<number> => {
      made('whole.img');
      const whole = await start(args('whole.img', files), { patience: patient(3000) }).finished;
      report.check(`${kind}: a whole run with ${files} files ends`, whole.status === 0 && whole.console.includes('TEST-DONE'), whole.console.slice(-800));
      return statsOf(whole).instructions;
    };
    const [first, instructions] = [await wholeRun(0), await wholeRun(FILES)];
    for (let cut = 0; cut < CUTS; cut++) {
      // Between the first file and the last, where a generator of a few lines says; the same every time.
      const limit = Math.floor(first + (instructions - first) * (0.03 + 0.95 * (((index * CUTS + cut + 1) * 0.618_034) % 1)));
      made('cut.img');
      const run = await start(args('cut.img', FILES, limit), { patience: patient(3000) }).finished;
      const flushed = [...run.console.matchAll(/FLUSHED (\d+) ([0-9a-f]{32})/g)].map(([, file, sum]) => ({ file, sum }));
      const repaired = tool('e2fsck', ['-fy', at('cut.img')]);
      // 1: the journal was replayed.
      report.check(`${kind}: after ${limit} of ${instructions} instructions e2fsck replays the journal, no more`, (repaired.status === 0 || repaired.status === 1) && !/FIXED|Inode .* has/.test(repaired.output), repaired.output);
      report.check('and then finds it clean', tool('e2fsck', ['-fn', at('cut.img')]).status === 0);
      let lost = 0;
      for (const { file, sum } of flushed) {
        rmSync(at('dumped'), { force: true });
        tool('debugfs', ['-R', `dump /file${file ?? ''} ${at('dumped')}`, at('cut.img')]);
        if (md5(readFileSync(at('dumped'))) !== sum) lost++;
      }
      report.check(`${kind}: all ${flushed.length} flushed files are there`, lost === 0 && flushed.length > 0, `${lost} are not`);
    }
  }
}

await report.part('disks', readAndWrite);
await report.part('power cuts', powerCut);
process.exitCode = report.end();
