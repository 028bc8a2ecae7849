import { readFileSync } from 'node:fs';
import { ImageError } from '@pckit/debian-image';
import { BootError } from '@pckit/linux-boot';
import { DiskImageError } from '@pckit/disk-image';
import { describe, expect, it } from 'vitest';
import { CliError, formatError, reasonOf } from './cli-error.js';
import { about, explain } from './explain.js';

describe('explain', () => {
  it('says what to do about a file that is not a kernel', () => {
    const error = explain(new BootError('not-a-kernel', 'no header that is known'), 'the kernel ./README.md');
    expect(error).toBeInstanceOf(CliError);
    expect(formatError(error!)).toBe(
      "pckit: the kernel ./README.md: no header that is known\n       pckit boots bzImage (a distribution's vmlinuz), ELF vmlinux with a PVH note, and multiboot kernels.\n",
    );
  });

  it('keeps what our own code has said already', () => {
    const error = new CliError('usage', 'no');
    expect(explain(error, 'x')).toBe(error);
  });

  it('puts system errors into words', () => {
    let caught: unknown;
    try {
      readFileSync('/no/such/file');
    } catch (error) {
      caught = error;
    }
    expect(explain(caught, 'the initrd /no/such/file')?.message).toBe('the initrd /no/such/file: there is no such file');
    expect(reasonOf('text')).toBe('text');
  });

  it('says which file of a guest is missing', () => {
    const cause = Object.assign(new Error('ENOENT'), { syscall: 'open', code: 'ENOENT' });
    expect(explain(new ImageError('missing', 'the cached guest /g is incomplete', { cause }), 'fetching the guest')?.message).toBe('fetching the guest: the cached guest /g is incomplete');
  });

  it('leaves faults of ours alone', () => {
    expect(explain(new TypeError('undefined is not a function'))).toBeUndefined();
    expect(explain('text')).toBeUndefined();
  });

  it('names the subject of what fails in `about`', async () => {
    await expect(about('--disk a.img', () => Promise.reject(new DiskImageError('in-use', 'is locked')))).rejects.toThrow('--disk a.img: is locked');
    await expect(about('x', () => Promise.reject(new TypeError('bug')))).rejects.toThrow(TypeError);
    await expect(about('x', () => 7)).resolves.toBe(7);
  });

  it('calls a host that has too little memory by its name', () => {
    const error = explain(new RangeError('WebAssembly.Memory(): could not allocate memory'));
    expect(error?.code).toBe('host');
    expect(error?.advice).toContain('--memory');
  });
});
