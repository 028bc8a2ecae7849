import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  assembleGuest,
  comparable,
  correctReservedBit,
  expectedOutput,
  guestImage,
  noBinutils,
  noQemu,
  runGuest,
  runGuestInQemu,
  type GuestOptions,
} from './guest-kernel.js';

/** Every guest, with how it is run. */
const GUESTS: Readonly<Record<string, GuestOptions>> = {
  interrupts: {},
  exceptions: {},
  paging32: {},
  paging64: {},
  real16: {},
  segments: {},
  tasks: {},
  transfers: {},
  shutdown: { stop: { reason: 'reset', cause: 'triple-fault' } },
  smc: { cpus: 2 },
  smp: { cpus: 2 },
};

it('every guest kernel is run', () => {
  const sources = readdirSync(new URL('../guests/', import.meta.url)).filter((name) => name.endsWith('.s'));
  expect(sources.map((name) => name.replace('.s', '')).sort()).toEqual(Object.keys(GUESTS).sort());
});

describe.each(Object.entries(GUESTS))('guest kernel %s', (name, options) => {
  it('does what the manual says', async () => {
    const run = await runGuest(name, options);
    expect(run.output).toBe(expectedOutput(name));
    expect(run.stop).toMatchObject(options.stop ?? { reason: 'debug-exit', value: 0 });
  });

  it.skipIf(noQemu)('does the same under QEMU (skipped without qemu-system-x86_64)', () => {
    expect(comparable(correctReservedBit(runGuestInQemu(name, options)))).toEqual(comparable(expectedOutput(name)));
  });

  it.skipIf(noBinutils)('is what its source assembles to (skipped without as, ld, objcopy)', () => {
    expect(Buffer.from(assembleGuest(name)).equals(Buffer.from(guestImage(name)))).toBe(true);
  });
});
