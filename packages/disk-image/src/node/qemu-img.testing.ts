import { spawnSync } from 'node:child_process';

/** Runs qemu-img for a test. @throws unless it ends with one of the given statuses */
export function qemuImg(args: readonly string[], statuses: readonly number[] = [0]): string {
  const { status, stdout, stderr } = spawnSync('qemu-img', args, { encoding: 'utf8' });
  if (!statuses.includes(status ?? -1)) throw new Error(`qemu-img ${args.join(' ')}: status ${String(status)}\n${stdout}${stderr}`);
  return stdout;
}

/** Tests that need qemu-img say so; under PCKIT_REQUIRE_TOOLS=1 they run all the same, and fail without it. */
export const noQemuImg = process.env['PCKIT_REQUIRE_TOOLS'] !== '1' && spawnSync('qemu-img', ['--version']).error !== undefined;
export const qemuImgNote = noQemuImg ? ' (skipped: no qemu-img)' : '';
