import { parseGdb } from './gdb-option.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CliError } from '../cli-error.js';
import { parseDisk } from './disk-option.js';
import { parseGuestFile } from './guest-file.js';
import { parseCount, parseSeconds } from './number.js';
import { checkSerials, parseSerial } from './serial-option.js';
import { formatSize, parseSize } from './size.js';

describe('parseSize', () => {
  it.each([
    ['65536', 65536],
    ['512M', 512 * 2 ** 20],
    ['2G', 2 ** 31],
    ['2g', 2 ** 31],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['64 MB', 64 * 2 ** 20],
    ['4K', 4096],
  ])('reads %s', (text, bytes) => expect(parseSize(text, '--memory')).toBe(bytes));

  it.each(['', 'G', '2X', '-1G', '1.3', '0x10', '1e3', '9999999T', '2G '.repeat(2)])('refuses "%s" and names the option', (text) => {
    expect(() => parseSize(text, '--memory')).toThrow(/^--memory/);
  });

  it('formats what a person reads', () => {
    expect([0, 1023, 1024, 2 ** 31, 1.5 * 2 ** 20].map(formatSize)).toEqual(['0 B', '1023 B', '1.0 KiB', '2.0 GiB', '1.5 MiB']);
  });
});

describe('parseCount', () => {
  it.each([
    ['7', 7],
    ['1_000_000', 1e6],
    ['1e9', 1e9],
    ['2.5G', 2.5e9],
    ['5M', 5e6],
    ['0x10', 16],
  ])('reads %s', (text, value) => expect(parseCount(text, '--n')).toBe(value));

  it.each(['', 'x', '1e99', '-1', '1 2', '0x', 'NaN', 'Infinity'])('refuses "%s"', (text) => expect(() => parseCount(text, '--n')).toThrow(CliError));

  it('names the range', () => {
    expect(() => parseCount('0', '--smp', { min: 1, max: 64 })).toThrow('--smp: 0 is out of range');
    expect(() => parseCount('65', '--smp', { min: 1, max: 64 })).toThrow('--smp: 65 is out of range');
  });
});

describe('parseSeconds', () => {
  it('takes fractions', () => expect(parseSeconds('2.5', '--timeout')).toBe(2.5));
  it.each(['0', '-1', '1m', '', '1e9999'])('refuses "%s"', (text) => expect(() => parseSeconds(text, '--timeout')).toThrow(CliError));
});

describe('parseDisk', () => {
  it.each([
    ['a.img', { path: 'a.img', readOnly: false, overlay: false }],
    ['a.img,ro', { path: 'a.img', readOnly: true, overlay: false }],
    ['a.img,overlay', { path: 'a.img', readOnly: false, overlay: true }],
    ['/x/a, b.img', { path: '/x/a, b.img', readOnly: false, overlay: false }],
    ['a.img,if=ide,ro', { path: 'a.img', readOnly: true, overlay: false, interface: 'ide' }],
    ['a,b.img,format=raw', { path: 'a,b.img', readOnly: false, overlay: false, format: 'raw' }],
    ['a.img,if=virtio', { path: 'a.img', readOnly: false, overlay: false }],
    ['a.iso,cdrom', { path: 'a.iso', readOnly: true, overlay: false, interface: 'ide', cdrom: true }],
    ['a,v2.img,ro', { path: 'a,v2.img', readOnly: true, overlay: false }],
  ])('reads %s', (text, disk) => expect(parseDisk(text)).toEqual(disk));

  it('says which flags there are', () => {
    expect(() => parseDisk('a.img,readonly')).toThrow('"readonly"');
    expect(() => parseDisk(',ro')).toThrow('names no file');
    expect(() => parseDisk('a.img,ro,overlay')).toThrow('both ro and overlay');
    expect(() => parseDisk('a.img,format=vdi')).toThrow('no format "vdi"');
    expect(() => parseDisk('a.img,if=scsi')).toThrow('no interface "scsi"');
    expect(() => parseDisk('a.iso,cdrom,if=virtio')).toThrow('CD-ROM on virtio');
  });
});

describe('parseSerial', () => {
  it.each([
    ['stdio', { kind: 'stdio' }],
    ['none', { kind: 'none' }],
    ['file:/tmp/a:b', { kind: 'file', path: '/tmp/a:b' }],
    ['tcp:4444', { kind: 'tcp', host: '127.0.0.1', port: 4444 }],
    ['tcp:0.0.0.0:4444', { kind: 'tcp', host: '0.0.0.0', port: 4444 }],
    ['tcp:[::1]:4444', { kind: 'tcp', host: '::1', port: 4444 }],
  ])('reads %s', (text, line) => expect(parseSerial(text)).toEqual(line));

  it.each(['', 'stdin', 'file:', 'tcp:', 'tcp:x', 'tcp:70000', 'udp:1'])('refuses "%s"', (text) => expect(() => parseSerial(text)).toThrow(CliError));

  it('gives the terminal to one line only, and a PC four lines', () => {
    expect(() => checkSerials([{ kind: 'stdio' }, { kind: 'stdio' }])).toThrow('twice');
    expect(() => checkSerials(Array.from({ length: 5 }, () => ({ kind: 'none' as const })))).toThrow('5 times');
    expect(() => checkSerials([{ kind: 'stdio' }, { kind: 'none' }, { kind: 'none' }, { kind: 'none' }])).not.toThrow();
  });
});

describe('parseGuestFile', () => {
  it('splits at the last colon', () => {
    expect(parseGuestFile('./a.sh:/bin/a.sh')).toEqual({ host: './a.sh', guest: '/bin/a.sh' });
    expect(parseGuestFile('C:\\a.sh:/bin/a.sh')).toEqual({ host: 'C:\\a.sh', guest: '/bin/a.sh' });
  });

  it.each(['a', 'a:', ':/b', 'a:b', 'a:/', 'a:/b/', 'a:/b//c', 'a:/b/../c', 'a:/./b'])('refuses "%s"', (text) => {
    expect(() => parseGuestFile(text)).toThrow(CliError);
  });

});

describe('any text whatever', () => {
  it('is read or refused with a CliError', () => {
    const parsers = [
      (s: string) => parseSize(s, 'o'),
      (s: string) => parseCount(s, 'o'),
      (s: string) => parseSeconds(s, 'o'),
      parseDisk,
      parseSerial,
      parseGuestFile,
    ];
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9:,./_-]{0,20}$/));
    fc.assert(
      fc.property(text, fc.nat(parsers.length - 1), (s, which) => {
        try {
          parsers[which]!(s);
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
        }
      }),
      { seed: 20261122, numRuns: 2000 },
    );
  });
});

describe('--gdb', () => {
  it.each([
    ['1234', { host: '127.0.0.1', port: 1234 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:99', { host: '::1', port: 99 }],
  ])('%s', (text, option) => {
    expect(parseGdb(text)).toEqual(option);
  });
  it.each(['', 'x', '65536', 'host:', ':1234'])('refuses %j', (text) => {
    expect(() => parseGdb(text)).toThrow('--gdb');
  });
});
