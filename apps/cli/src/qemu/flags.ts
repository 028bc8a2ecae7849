/** Flags of qemu-system-x86_64: those that `pckit qemu` takes, those that change nothing here, and those that it refuses, with what comes nearest. */

/** Without a value. */
export const SWITCHES = ['snapshot', 'nographic', 's', 'S', 'no-reboot', 'no-shutdown', 'enable-kvm', 'nodefaults', 'no-user-config', 'no-fd-bootchk', 'usb', 'no-hpet', 'h', 'help', 'version', 'q', 'quiet'] as const;

/** With a value. */
export const OPTIONS = [
  'kernel', 'initrd', 'append', 'hda', 'hdb', 'hdc', 'hdd', 'cdrom', 'drive', 'blockdev', 'device', 'net', 'netdev', 'nic', 'm', 'smp', 'cpu', 'machine', 'M', 'accel', 'display',
  'serial', 'monitor', 'mon', 'chardev', 'gdb', 'rtc', 'icount', 'seed', 'name', 'uuid', 'pidfile', 'D', 'd', 'loadvm', 'vga', 'parallel', 'boot', 'object', 'k', 'msg', 'global', 'action', 'watchdog-action', 'overcommit',
] as const;

export type Switch = (typeof SWITCHES)[number];
export type OptionFlag = (typeof OPTIONS)[number];

/** Refused, by name: what there is instead. */
export const REFUSED: Readonly<Record<string, string>> = {
  bios: 'There is no firmware: pckit puts a kernel into memory as firmware and loader would leave it. Give it one with -kernel.',
  pflash: 'There is no firmware: give the kernel with -kernel.',
  fda: 'There is no floppy drive: attach the image as a disk with -hdb.',
  fdb: 'There is no floppy drive: attach the image as a disk with -hdb.',
  mtdblock: 'There is no flash: attach the image as a disk with -drive.',
  sd: 'There is no SD card: attach the image as a disk with -drive.',
  virtfs: 'There is no shared folder: make a disk of one, "mke2fs -d FOLDER disk.img 1G", and attach it with -drive file=disk.img,format=raw,if=virtio.',
  fsdev: 'There is no shared folder: make a disk of one, "mke2fs -d FOLDER disk.img 1G".',
  vnc: 'There is no display: the serial console is this terminal, with -nographic.',
  spice: 'There is no display: the serial console is this terminal, with -nographic.',
  curses: 'There is no display: the serial console is this terminal, with -nographic.',
  sdl: 'There is no display: the serial console is this terminal, with -nographic.',
  'full-screen': 'There is no display: the serial console is this terminal, with -nographic.',
  soundhw: 'There is no sound.',
  audiodev: 'There is no sound.',
  audio: 'There is no sound.',
  usbdevice: 'There is no USB.',
  qmp: 'There is no QMP; the monitor is on the terminal: Ctrl-A c.',
  'qmp-pretty': 'There is no QMP; the monitor is on the terminal: Ctrl-A c.',
  daemonize: 'pckit stays in the foreground: let the shell do it, "pckit qemu ... -serial file:console.log -monitor none &".',
  incoming: 'There is no migration; "savevm" in the monitor writes a snapshot, -loadvm goes on from it.',
  'fw_cfg': 'There is no fw_cfg device: give the kernel what it needs with -append.',
  smbios: 'SMBIOS tables are fixed.',
  acpitable: 'ACPI tables are fixed.',
  'no-acpi': 'ACPI is always there; acpi=off in -append keeps Linux from using it.',
  dtb: 'A PC has no device tree.',
  tpmdev: 'There is no TPM.',
  numa: 'Memory is one node.',
  'mem-path': 'Memory is the process\'s own.',
  'mem-prealloc': 'Memory is the process\'s own.',
  singlestep: '-gdb and "stepi" step; --interpreter-only of "pckit boot" never compiles.',
  plugin: 'There are no plug-ins; "pckit boot --stats" counts instructions.',
  trace: 'There are no trace events; "pckit boot --stats" counts, -gdb looks inside.',
  sandbox: 'There is no sandbox.',
  runas: 'Start pckit as the user that you want.',
  chroot: 'Start pckit where you want it.',
  readconfig: 'Configuration files aren\'t read: write the flags.',
  add_fd: 'There are no passed file descriptors.',
  set: 'Write the option where its object is made.',
};

/** The nearest flag, by the letters that differ; none when nothing is near. */
export function nearestFlag(name: string): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const flag of [...OPTIONS, ...SWITCHES]) {
    const distance = editDistance(name, flag);
    if (distance < least) [best, least] = [flag, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] as number;
}
