import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { x86Processor, type ProcessorFactory } from '@pckit/machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spins } from './tiny-kernels.js';
import { openGuestStore } from '../src/guest-store.js';
import type { LockstepRequest } from '../src/commands/lockstep-options.js';
import { runLockstep } from '../src/commands/lockstep.js';

let folder: string;
let request: LockstepRequest;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pckit-lockstep-'));
  const kernel = join(folder, 'kernel');
  writeFileSync(kernel, spins('hi'));
  request = {
    ...{ kernel, guest: 'default', disks: [], memoryBytes: 4 << 20, cpus: 1, seed: 0, interval: 1000, until: 5000, snapshotEvery: 2, console: true },
    left: { name: 'interpreter', regions: false },
    right: { name: 'default', regions: {} },
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

/** RBP is wrong from some instruction on. */
function wrong(count: number): ProcessorFactory {
  const { memoryBytes, create } = x86Processor();
  return {
    memoryBytes,
    create: (wiring) => {
      const set = create(wiring);
      const [vcpu] = set.vcpus;
      if (vcpu === undefined) throw new Error('no processor');
      const run = vcpu.run.bind(vcpu);
      vcpu.run = (budget) => {
        const before = Number(vcpu.instructions);
        const exit = run(budget);
        if (before < count && Number(vcpu.instructions) >= count) set.debug?.writeRegister(0, 'rbp', 0x1234n);
        return exit;
      };
      return set;
    },
  };
}

async function run(processor?: ProcessorFactory): Promise<{ status: number; printed: string; said: string }> {
  let [printed, said] = ['', ''];
  const status = await runLockstep(request, {
    guests: openGuestStore({ XDG_CACHE_HOME: folder }),
    print: (text) => void (printed += text),
    say: (text) => void (said += `${text}\n`),
    ...(processor === undefined ? {} : { processor: ({ regions }) => (regions === false ? x86Processor() : processor) }),
  });
  return { status, printed, said };
}

describe('pckit lockstep', () => {
  it('says that two machines are equal, and shows the console of one', async () => {
    const { status, printed, said } = await run();
    expect(status).toBe(0);
    expect(printed).toMatch(/^hiinterpreter and default are equal after 5000 instructions \(instructions\): [0-9a-f]{16}\n$/);
    expect(said.match(/M instructions: [0-9a-f]{16}/g)).toHaveLength(5);
  });

  it('shows the first instruction after which they differ, what came before, and what differs', async () => {
    const { status, printed, said } = await run(wrong(2345));
    expect(status).toBe(1);
    expect(printed).toContain('interpreter and default are equal after 2344 instructions and differ after 2345.');
    // jmp to itself.
    expect(printed).toMatch(/\n {2}2345 {2}000000000010001d: jmp +10001d {3}# eb fe\n/);
    expect(printed).toMatch(/\n {2}cpu0 rbp +(0|0x[0-9a-f]+) +0x1234\n/);
    expect(said).toContain('equal at 2000, different at 3000 (from snapshot)');
  });
});
