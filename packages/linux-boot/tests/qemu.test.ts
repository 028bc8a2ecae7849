import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planBoot, unpackPayload } from '../src/index.js';
import { syntheticBzImage, syntheticElf, syntheticMultiboot } from '../src/testing/index.js';
import { missingTool, runPlan } from './qemu.js';

const missing = missingTool();
const MIB = 0x10_0000;

/** The same bytes in 32- and 64-bit mode: `mov eax, imm32; out 0xf4, al; hlt`. */
function exitWith(value: number): Uint8Array {
  return Uint8Array.of(0xb8, value, 0, 0, 0, 0xe6, 0xf4, 0xf4);
}

/**
 * Reports 2 bits: whether `xor eax, eax; dec eax` (48 is REX.W in 64-bit mode, DEC EAX in 32-bit mode) ran 64 bits wide, and
 * whether the dword at [RSI or RBX + offset] is as expected. Exit value 0x10 | wide << 1 | match.
 */
function probe(base: 'rsi' | 'rbx', offset: number, expected: number): Uint8Array {
  const modrm = base === 'rsi' ? 0xbe : 0xbb; // cmp dword [base + disp32], imm32
  const le = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
  return Uint8Array.from([
    ...[0x31, 0xc0], // xor eax, eax
    ...[0x48, 0xff, 0xc0], // 64: inc rax (1); 32: dec eax, inc eax (0)
    ...[0x01, 0xc0], // add eax, eax
    ...[0x83, 0xc8, 0x10], // or eax, 0x10
    ...[0x81, modrm, ...le(offset), ...le(expected)],
    ...[0x75, 0x03], // jne +3
    ...[0x83, 0xc8, 0x01], // or eax, 1
    ...[0xe6, 0xf4, 0xf4], // out 0xf4, al; hlt
  ]);
}

const HDRS = 0x5372_6448;

describe.skipIf(missing !== undefined)(`plans on QEMU's processor${missing === undefined ? '' : ` (no ${missing} here)`}`, () => {
  const memory = { ramBytes: 64 * MIB };
  const value = async (plan: ReturnType<typeof planBoot>): Promise<number> => {
    const { status } = await runPlan(plan, { memoryMib: 64, timeoutMs: 30_000 });
    return ((status ?? 0) - 1) >> 1;
  };

  it('runs a 64-bit bzImage entry with boot_params at RSI', async () => {
    const code = new Uint8Array(0x400);
    code.set(exitWith(0x66), 0);
    code.set(probe('rsi', 0x202, HDRS), 0x200);
    const kernel = syntheticBzImage({ code });
    expect(await value(planBoot({ kernel, memory }))).toBe(0x13);
  }, 60_000);

  it('runs a 32-bit bzImage entry with boot_params at ESI', async () => {
    const kernel = syntheticBzImage({ code: probe('rsi', 0x202, HDRS) });
    expect(await value(planBoot({ kernel, memory, entry: '32' }))).toBe(0x11);
  }, 60_000);

  it('runs ELF kernels of both widths', async () => {
    for (const bits of [32, 64] as const) {
      const segments = [{ physicalAddress: MIB, bytes: probe('rsi', 0x202, HDRS) }];
      expect(await value(planBoot({ kernel: syntheticElf({ bits, entry: MIB, segments }), memory }))).toBe(bits === 64 ? 0x13 : 0x11);
    }
  }, 60_000);

  it('runs a PVH entry with the start info at EBX', async () => {
    const segments = [{ physicalAddress: MIB, bytes: probe('rbx', 0, 0x336e_c578) }];
    expect(await value(planBoot({ kernel: syntheticElf({ bits: 64, entry: MIB, segments, pvhEntry: MIB }), memory }))).toBe(0x11);
  }, 60_000);

  it('runs a multiboot kernel with the information at EBX', async () => {
    const kernel = syntheticMultiboot({ loadAddress: MIB, code: probe('rbx', 0, 0x1 | 0x4 | 0x40 | 0x200) });
    expect(await value(planBoot({ kernel, memory }))).toBe(0x11);
  }, 60_000);

  it('runs flat images in long and protected mode', async () => {
    for (const mode of ['long64', 'protected32'] as const) {
      const kernel = probe('rsi', 0, 0x0063_6261); // "abc\0"
      expect(await value(planBoot({ kernel, memory, commandLine: 'abc', flat: { address: 2 * MIB, mode } }))).toBe(mode === 'long64' ? 0x13 : 0x11);
    }
  }, 60_000);
});

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pckit', 'guests', 'bookworm-cloud', 'vmlinuz');
const kernelFile = process.env['PCKIT_TEST_KERNEL'] ?? cache;
const noKernel =
  missing ?? (existsSync(kernelFile) || process.env['PCKIT_REQUIRE_TOOLS'] === '1' ? undefined : 'kernel: fetch a guest, or set PCKIT_TEST_KERNEL');

describe.skipIf(noKernel !== undefined)(`Debian's kernel on QEMU's processor${noKernel === undefined ? '' : ` (no ${noKernel})`}`, () => {
  // Retried: on a busy host the kernel stops waiting for QEMU's UART after 10 ms (wait_for_xmitr) and overwrites the character.
  const options = { timeout: 240_000, retry: 2 };
  it.each(['64', '32'] as const)('finds command line, memory map, initrd and seed through the %s-bit entry', options, async (entry) => {
    const initrd = new Uint8Array(512 * 20).fill(0x2e);
    const plan = planBoot({
      kernel: readFileSync(kernelFile),
      initrd,
      commandLine: 'console=ttyS0 panic=-1 pckit.test=1',
      memory: { ramBytes: 256 * MIB },
      rngSeed: new Uint8Array(32).fill(7),
      entry,
    });
    const { output } = await runPlan(plan, { memoryMib: 256, timeoutMs: 90_000 });
    expect(output).toContain('Command line: console=ttyS0 panic=-1 pckit.test=1');
    expect(output).toContain('BIOS-e820: [mem 0x0000000000100000-0x000000000fffffff] usable');
    expect(output).toContain('random: crng init done');
    const address = plan.tables.initrd?.address ?? 0;
    const range = [address, address + Math.ceil(initrd.length / 4096) * 4096 - 1].map((at) => `0x${at.toString(16).padStart(8, '0')}`);
    expect(output).toContain(`RAMDISK: [mem ${range.join('-')}]`);
  });

  it('starts unpacked at the slide that the plan says', options, async () => {
    const kernel = readFileSync(kernelFile);
    const unpacked = await unpackPayload(kernel, ({ compression, bytes }) => {
      const { stdout, status, error } = spawnSync(compression, ['-dc'], { input: bytes, maxBuffer: 2 ** 28 });
      if (status !== 0 && stdout.length === 0) throw error ?? new Error(`${compression} -dc: status ${status}`);
      return stdout;
    });
    const commandLine = 'console=ttyS0 panic=-1 keep_bootcon';
    const plan = planBoot({ kernel, unpacked, commandLine, memory: { ramBytes: 256 * MIB }, kaslrSeed: 0x5555_5555 });
    const { output } = await runPlan(plan, { memoryMib: 256, timeoutMs: 90_000 });
    expect(output).toContain(`Command line: ${commandLine}`);
    // It has no root: the panic says where the kernel is.
    expect(output).toContain(`Kernel Offset: 0x${(plan.slide ?? 0).toString(16)} from 0xffffffff81000000`);
  });
});
