import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extractPayload, BootError, type Payload } from '@pckit/linux-boot';
import { syntheticBzImageOf, syntheticVmlinux } from '@pckit/linux-boot/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressPayload, unpackKernel } from './unpack-payload.js';
import { withoutX86Filter } from './xz-x86-filter.js';

const required = process.env['PCKIT_REQUIRE_TOOLS'] === '1';

/** Real code, with calls and jumps in it. */
const program = readFileSync(process.execPath).subarray(0x10_0000, 0x10_0000 + 300_003);

/** What scripts/Makefile.lib runs for each, with the length appended that boot.rst asks for. */
const PACKERS: readonly (readonly [Payload['compression'], readonly string[]])[] = [
  ['gzip', ['gzip', '-n', '-f', '-9']],
  ['bzip2', ['bzip2', '-9']],
  ['lzma', ['lzma', '-9', '-c']],
  ['xz', ['xz', '--check=crc32', '--x86', '--lzma2=dict=32MiB']],
  ['xz', ['xz', '--check=crc32', '--lzma2=preset=6']],
  ['xz', ['xz', '--check=crc64', '--block-size=100000', '-T2', '--x86', '--lzma2']],
  ['lz4', ['lz4', '-l', '-9', '-', '-']],
  ['zstd', ['zstd', '-19', '-q']],
];

function pack([command, ...args]: readonly string[], compression: string, input: Uint8Array): Uint8Array {
  const { stdout, status, error, stderr } = spawnSync(command as string, args, { input, maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.toString()}`);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(input.length);
  // gzip's trailer is the length.
  return Buffer.concat(compression === 'gzip' ? [stdout] : [stdout, size]);
}

const payloadOf = (packed: Uint8Array): Payload => extractPayload(syntheticBzImageOf(packed));

describe('a kernel\'s payload', () => {
  for (const [compression, command] of PACKERS) {
    const missing = !required && spawnSync(command[0] as string, ['--version']).error !== undefined;
    it.skipIf(missing)(`is unpacked: ${command.join(' ')}${missing ? ` (no ${command[0] as string} here)` : ''}`, async () => {
      const payload = payloadOf(pack(command, compression, program));
      expect(payload).toMatchObject({ compression, uncompressedLength: program.length });
      expect(Buffer.compare(await decompressPayload(payload), program)).toBe(0);
      // Damaged or cut off, it gives an error, or other bytes where the format has no check sum; it doesn't hang.
      const damaged = new Uint8Array(payload.bytes);
      damaged.fill(0x55, 2000, 2100);
      for (const bytes of [damaged, payload.bytes.subarray(0, payload.bytes.length >> 1)]) {
        const result = await decompressPayload({ ...payload, bytes }).catch((error: unknown) => error);
        if (result instanceof Uint8Array) expect(Buffer.compare(result, program)).not.toBe(0);
        else expect(result).toBeInstanceOf(BootError);
      }
    });
  }

  it('is left to the guest when it is lzo, or too large to be true', async () => {
    const payload = payloadOf(Uint8Array.of(0x89, 0x4c, 0x5a, 0x4f, 9, 0, 0, 0));
    await expect(decompressPayload(payload)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(decompressPayload({ ...payload, uncompressedLength: 2 ** 31 })).rejects.toMatchObject({ code: 'too-large' });
  });
});

describe('an xz stream', () => {
  it('that is damaged anywhere gives an error or another stream', () => {
    const packed = spawnSync('xz', ['--check=crc32', '--x86', '--lzma2'], { input: program.subarray(0, 500) });
    if (packed.error !== undefined && !required) return;
    const whole = new Uint8Array(packed.stdout);
    const attempt = (bytes: Uint8Array): void => {
      try {
        withoutX86Filter(bytes).finish(program.slice(0, 500));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    };
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
        const copy = whole.slice();
        for (const [at, value] of changes) copy[at] = value;
        attempt(copy);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});

describe('unpackKernel', () => {
  const vmlinux = syntheticVmlinux({ bits: 64, entry: 0x100_0000, segments: [{ physicalAddress: 0x100_0000, bytes: Uint8Array.of(0xf4) }] });
  const request = (kernel: Uint8Array, said: string[] = []): Parameters<typeof unpackKernel>[0] => ({
    kernel,
    commandLine: '',
    memoryBytes: 64 << 20,
    say: (message) => void said.push(message),
  });

  it('unpacks a bzImage, unless the guest shall, and nothing else', async () => {
    const kernel = syntheticBzImageOf(vmlinux);
    expect(await unpackKernel(request(kernel))).toEqual(vmlinux);
    expect(await unpackKernel({ ...request(kernel), unpack: 'guest' })).toBeUndefined();
    expect(await unpackKernel({ ...request(vmlinux), unpack: 'host' })).toBeUndefined();
  });

  it('leaves a kernel that it can\'t unpack or move to the guest, and says why', async () => {
    const said: string[] = [];
    const strange = new Uint8Array([...vmlinux, 1, 2, 3, 4]);
    for (const kernel of [syntheticBzImageOf(Uint8Array.of(0x89, 0x4c, 0x5a, 0x4f, 9, 0, 0, 0)), syntheticBzImageOf(strange)]) {
      expect(await unpackKernel(request(kernel, said))).toBeUndefined();
      await expect(unpackKernel({ ...request(kernel), unpack: 'host' })).rejects.toThrow(BootError);
    }
    expect(said).toEqual([
      expect.stringMatching(/the guest unpacks its kernel itself: .*lzo/),
      expect.stringMatching(/the guest unpacks its kernel itself: .*relocations/),
    ]);
  });
});
