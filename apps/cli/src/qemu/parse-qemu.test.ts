import { describe, expect, it } from 'vitest';
import { CliError } from '../cli-error.js';
import { KeyValues } from './key-values.js';
import { parseQemu } from './parse-qemu.js';

const parse = (line: string, ...more: string[]): ReturnType<typeof parseQemu> => parseQemu([...line.split(' ').filter((word) => word !== ''), ...more]);
const boot = (line: string, ...more: string[]): ReturnType<typeof parseQemu>['boot'] => parse(`-kernel k ${line}`, ...more).boot;
const user = (ports: [number, number][] = []): unknown =>
  expect.objectContaining({ kind: 'user', hostForwards: ports.map(([hostPort, guestPort]) => ({ protocol: 'tcp', hostAddress: '', hostPort, guestAddress: '', guestPort })) });

describe('pckit qemu', () => {
  it("takes a kernel student's own script", () => {
    const { boot: options, notes } = parse(
      '-kernel ./arch/x86_64/boot/bzImage -hda buster.img -net user,hostfwd=tcp::10021-:22 -net nic -nographic -m 2G -smp 2 -s -append',
      'console=ttyS0 root=/dev/sda rw debug nokaslr',
    );
    expect(notes).toEqual([]);
    expect(options).toEqual({
      kernel: './arch/x86_64/boot/bzImage',
      append: 'console=ttyS0 root=/dev/sda rw debug nokaslr',
      disks: [{ path: 'buster.img', readOnly: false, overlay: false, interface: 'ide', unit: 0 }],
      nets: [user([[10021, 22]])],
      nics: [{ model: 'e1000' }],
      memoryBytes: 2 * 2 ** 30,
      cpus: 2,
      serials: [{ kind: 'stdio' }],
      monitor: 'mux',
      gdb: { host: '127.0.0.1', port: 1234, wait: false },
      exitOn: [],
      interpreterOnly: false,
      reboot: true,
      quiet: false,
      asQemu: true,
    });
  });

  it('has what QEMU has when nothing is said: 128 MiB, an e1000 on a user network, an empty command line', () => {
    expect(boot('-nographic')).toMatchObject({ memoryBytes: 128 * 2 ** 20, nets: [user()], nics: [{ model: 'e1000' }], append: '', disks: [] });
    expect(boot('-nodefaults')).toMatchObject({ nets: [] });
    expect(boot('-net none')).toMatchObject({ nets: [] });
    expect(boot('-nic none')).toMatchObject({ nets: [] });
  });

  it('attaches drives where QEMU does', () => {
    const disk = { readOnly: false, overlay: false };
    expect(boot('-hda a -hdc c -cdrom i.iso').disks).toEqual([
      { path: 'a', ...disk, interface: 'ide', unit: 0 },
      { path: 'c', ...disk, interface: 'ide', unit: 2 },
      { path: 'i.iso', readOnly: true, overlay: false, interface: 'ide', cdrom: true, unit: 2 },
    ]);
    expect(boot('-drive file=a.img,if=virtio,format=raw,cache=none,aio=native -drive file=b.qcow2,format=qcow2,index=1 -drive file=i.iso,media=cdrom').disks).toEqual([
      { path: 'a.img', ...disk, format: 'raw' },
      { path: 'b.qcow2', ...disk, format: 'qcow2', interface: 'ide', unit: 1 },
      { path: 'i.iso', readOnly: true, overlay: false, interface: 'ide', cdrom: true, unit: 2 },
    ]);
    expect(boot('-drive file=a,,b,if=none,id=d0 -device virtio-blk-pci,drive=d0 -snapshot').disks).toEqual([{ path: 'a,b', readOnly: false, overlay: true }]);
    expect(boot('-device ahci,id=sata -drive file=a,if=none,id=d0,readonly=on -device ide-hd,drive=d0,bus=sata.1 -machine pc,accel=kvm').disks).toEqual([
      { path: 'a', readOnly: true, overlay: false, interface: 'ahci', unit: 1 },
    ]);
    expect(boot('-machine q35 -hda a').disks).toEqual([{ path: 'a', ...disk, interface: 'ahci', unit: 0 }]);
    expect(boot('-blockdev driver=file,node-name=f,filename=a.qcow2 -blockdev qcow2,node-name=d,file=f -device ide-hd,drive=d,bus=ide.1').disks).toEqual([
      { path: 'a.qcow2', ...disk, format: 'qcow2', interface: 'ide', unit: 2 },
    ]);
    expect(boot('-blockdev driver=raw,node-name=d,file.driver=file,file.filename=a -device virtio-blk,drive=d').disks).toEqual([{ path: 'a', ...disk, format: 'raw' }]);
  });

  it('connects networks and cards in their ways', () => {
    expect(boot('-netdev user,id=n,hostfwd=tcp::80-:8080 -device virtio-net-pci,netdev=n,mac=52:54:00:12:34:57')).toMatchObject({ nets: [user([[80, 8080]])], nics: [{ model: 'virtio', mac: '52:54:00:12:34:57' }] });
    expect(boot('-device e1000,netdev=n -netdev user,id=n')).toMatchObject({ nets: [user()], nics: [{ model: 'e1000' }] });
    expect(boot('-nic user,model=virtio-net-pci,hostfwd=tcp::1-:2')).toMatchObject({ nets: [user([[1, 2]])], nics: [{ model: 'virtio' }] });
    expect(boot('-netdev socket,id=n,connect=127.0.0.1:99 -device e1000,netdev=n').nets).toEqual([{ kind: 'stream', role: 'connect', address: { kind: 'tcp', host: '127.0.0.1', port: 99 } }]);
    expect(boot('-netdev stream,id=n,server=on,addr.type=unix,addr.path=/s -device e1000,netdev=n').nets).toEqual([{ kind: 'stream', role: 'listen', address: { kind: 'unix', path: '/s' } }]);
  });

  it('puts a card where addr says, in hexadecimal as QEMU has it', () => {
    const slot = (card: string): unknown => boot(`-netdev user,id=n -device ${card},netdev=n`).nics?.[0]?.slot;
    expect(['e1000', 'e1000,addr=0x3', 'virtio-net-pci,addr=1f', 'virtio-net-pci,addr=10.0,bus=pci.0', 'e1000,addr=0x0,bus=pci.1'].map(slot)).toEqual([undefined, 3, 31, 16, undefined]);
    for (const addr of ['1', '20', '3.1', 'x']) expect(() => slot(`e1000,addr=${addr}`)).toThrow(`addr=${addr} is not a slot`);
  });

  it('says where the console and the monitor are', () => {
    expect(boot('-nographic -monitor none')).not.toHaveProperty('monitor');
    expect(boot('-serial mon:stdio')).toMatchObject({ serials: [{ kind: 'stdio' }], monitor: 'mux' });
    expect(boot('-monitor stdio -serial file:log')).toMatchObject({ serials: [{ kind: 'file', path: 'log' }], monitor: 'stdio' });
    expect(boot('-serial tcp::4444,server,nowait -display none')).toMatchObject({ serials: [{ kind: 'tcp', host: '127.0.0.1', port: 4444 }] });
    expect(parse('-kernel k -serial stdio').notes).toEqual([expect.stringContaining('Ctrl-A c')]);
    expect(parse('-kernel k').notes).toEqual([expect.stringContaining('there is no display')]);
  });

  it('takes the rest', () => {
    expect(boot('-S')).toMatchObject({ paused: true });
    expect(boot('-S -gdb tcp::1235')).toMatchObject({ gdb: { port: 1235, wait: true } });
    expect(boot('-no-reboot -no-shutdown -pidfile p')).toMatchObject({ reboot: false, staysOn: true, pidFile: 'p' });
    expect(boot('-icount shift=0')).toMatchObject({ deterministic: true });
    expect(boot('-rtc base=2020-01-02T03:04:05').epoch).toBe(Date.UTC(2020, 0, 2, 3, 4, 5));
    expect(boot('-smp cores=2,threads=2')).toMatchObject({ cpus: 4 });
    expect(boot('-smp cpus=3,maxcpus=8')).toMatchObject({ cpus: 3 });
    expect(boot('-m size=1G,slots=2')).toMatchObject({ memoryBytes: 2 ** 30 });
    expect(parse('-kernel k -nographic -enable-kvm -cpu host').notes).toEqual([expect.stringContaining('emulated'), expect.stringContaining('-cpu host')]);
    const { boot: resumed } = parse('-loadvm here -nographic');
    expect(resumed).toMatchObject({ resume: 'here.pckit-snapshot' });
    for (const known of ['memoryBytes', 'nets', 'disks', 'append']) expect(resumed).not.toHaveProperty(known);
    expect(boot('-device isa-debug-exit,iobase=0xf4,iosize=0x04')).toBeDefined();
  });

  it.each([
    ['-kernl k', '-kernl', 'The nearest is -kernel'],
    ['-bios b', '-bios', 'no firmware'],
    ['-virtfs local,path=x', '-virtfs', 'mke2fs'],
    ['-vnc :0', '-vnc', 'no display'],
    ['-kernel k -device nvme,drive=d', 'no device "nvme"', 'virtio-blk-pci'],
    ['-kernel k -netdev tap,id=n', 'no network "tap"', 'user'],
    ['-kernel k -net nic,model=rtl8139 -net user', 'no network card "rtl8139"', 'e1000'],
    ['-kernel k -drive file=a,if=scsi', 'no if=scsi', 'virtio'],
    ['-kernel k -drive file=a,format=vdi', 'no format "vdi"', 'qcow2'],
    ['-kernel k -drive file=a,iops=3', 'no "iops"', 'format='],
    ['-kernel k -machine microvm', 'no machine "microvm"', 'pc'],
    ['-hda a', 'no -kernel', 'no firmware'],
    ['-kernel k -device virtio-blk-pci,drive=x', 'no drive "x"', '-drive'],
    ['-kernel k -drive file=a,if=none,id=x', 'no -device uses the drive x', 'drive=x'],
    ['-kernel k -net user', 'has no card', '-net nic'],
    ['-kernel k -monitor stdio -serial stdio', 'both want the terminal', 'mon:stdio'],
    ['-kernel k -device isa-debug-exit', '0xf4', 'iobase=0xf4'],
    ['-kernel', 'needs a value', ''],
  ])('refuses %s by name, with what comes nearest', (line, message, advice) => {
    let error: unknown;
    try {
      parse(line);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CliError);
    expect((error as CliError).message).toContain(message);
    expect((error as CliError).advice ?? '').toContain(advice);
  });
});

describe("QEMU's way to write options", () => {
  it('has doubled commas, implied keys and flags', () => {
    const values = new KeyValues('-x', 'user,a=1,,2,server,nowait,b=,a=3', 'type');
    expect([values.take('type'), values.takeAll('a'), values.take('server'), values.takeBoolean('wait'), values.take('b')]).toEqual(['user', ['1,2', '3'], 'on', false, '']);
    expect(values.rest).toEqual([]);
  });
});
