import { describe, expect, it } from 'vitest';
import { forbidden, isComplaint, kernelLines, newComplaints, parseLog, sections } from './kernel-log.js';

describe('a kernel log', () => {
  it('is read with levels, with or without a facility, and without times', () => {
    expect(parseLog('<6>[    0.000000] Linux version\r\n<29>[   12.5] systemd\n[    1.0] console\n\nbare')).toEqual([
      { level: 6, text: 'Linux version' },
      { level: 5, text: 'systemd' },
      { level: undefined, text: 'console' },
      { level: undefined, text: 'bare' },
    ]);
  });

  it('is told from what programs write to the same console', () => {
    expect(kernelLines('[    0.1] a\r\n SPU: 0 Spurious interrupts\r\n[   10.000001] b\r\r\n')).toBe('[    0.1] a\n[   10.000001] b');
  });
});

describe('complaints', () => {
  it.each([
    'BUG: kernel NULL pointer dereference, address: 0000000000000000',
    'watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [swapper/1:0]',
    'rcu: INFO: rcu_preempt self-detected stall on CPU',
    'unchecked MSR access error: RDMSR from 0x1ad at rIP: 0xffffffff9bc7c6e4',
    "clocksource: Marking clocksource 'tsc-early' as unstable because the skew is too large:",
    'tsc: Marking TSC unstable due to check_tsc_sync_source failed',
    'TSC found unstable after boot, most likely due to broken BIOS. Use \'tsc=unstable\'.',
    'WARNING: CPU: 0 PID: 1 at arch/x86/kernel/fpu/xstate.c:1',
    'INFO: task kworker/0:1:10 blocked for more than 120 seconds.',
    'irq 10: nobody cared (try booting with the "irqpoll" option)',
    'virtio_blk virtio1: [vda] Buffer I/O error on dev vda, logical block 0',
  ])('%s: on no machine that works', (text) => expect(forbidden(parseLog(text))).toEqual([text]));

  it.each(['x86/mm: Checked W+X mappings: passed, no W+X pages found.', 'clocksource: Switched to clocksource tsc', 'rcu: Hierarchical SRCU implementation.', 'sched_clock: Marking stable (452001374, 1254142)->(459469533, -6214017)'])(
    '%s: is none',
    (text) => expect(forbidden(parseLog(`<6>[ 0.1] ${text}`)).concat(newComplaints(parseLog(`<6>[ 0.1] ${text}`), []))).toEqual([]),
  );

  it('count by level or by what they say', () => {
    expect(parseLog('<4>[ 0.1] hm\n<3>[ 0.1] oh\n<5>[ 0.1] so\n<6>[ 0.1] probe failed').map(isComplaint)).toEqual([true, true, false, true]);
  });

  it('are new unless the other machine makes them, whatever their numbers', () => {
    const theirs = parseLog('<4>[ 0.1] pnp 00:05: [mem 0xfed00000-0xfed003ff] conflicts\n<4>[ 0.1] mtrr: broken');
    const ours = '<4>[ 7.1] pnp 00:12: [mem 0xe0000000-0xe0ffffff] conflicts\n<4>[ 0.1] mtrr: gone';
    expect(newComplaints(parseLog(ours), theirs)).toEqual(['mtrr: gone']);
  });
});

describe('the report of a guest', () => {
  it('is split into its sections', () => {
    expect([...sections('boot\r\n== cpus\r\n0-1\r\n== dmesg\r\n<6>[ 0.1] a\r\nb\r\n== end\r\n')]).toEqual([
      ['cpus', '0-1'],
      ['dmesg', '<6>[ 0.1] a\nb'],
      ['end', ''],
    ]);
  });
});
