import { describe, expect, it } from 'vitest';
import { Monitor, type MonitorActions } from './monitor.js';

function rig(): { monitor: Monitor; done: string[]; shown: () => string; type: (text: string) => Promise<void> } {
  const done: string[] = [];
  let text = '';
  const note = (what: string) => () => void done.push(what);
  const actions: MonitorActions = {
    quit: note('quit'),
    stop: note('stop'),
    go: note('go'),
    powerButton: note('power'),
    save: (name) => Promise.resolve(`saved ${name}`),
    load: (name) => Promise.reject(new Error(`no ${name}`)),
    info: (what) => (what === 'status' ? 'VM status: running' : undefined),
    debug: (line) => {
      if (line.startsWith('xp')) return 'memory\nmore';
      throw new Error(`"${line}" is no command`);
    },
  };
  const monitor = new Monitor(actions, (part) => (text += part));
  return { monitor, done, shown: () => text, type: (typed) => (monitor.feed(new TextEncoder().encode(typed)), monitor.idle) };
}

describe('the monitor', () => {
  it('runs commands, one after another', async () => {
    const { done, type } = rig();
    await type('stop\rc\rsystem_powerdown\rq\r');
    expect(done).toEqual(['stop', 'go', 'power', 'quit']);
  });

  it('shows answers and errors, with carriage returns for a raw terminal', async () => {
    const { shown, type } = rig();
    await type('info status\rsavevm a\rloadvm b\rxp 0\rnonsense\r\r');
    expect(shown()).toBe(
      'info status\r\nsavevm a\r\nloadvm b\r\nxp 0\r\nnonsense\r\n\r\nVM status: running\r\n(pckit) saved a\r\n(pckit) no b\r\n(pckit) memory\r\nmore\r\n(pckit) "nonsense" is no command\r\n(pckit) (pckit) ',
    );
  });

  it('edits a line, and bounds it', async () => {
    const { done, shown, type } = rig();
    await type('stox\x7fp\r');
    expect(done).toEqual(['stop']);
    await type('quit\x03stop\r');
    expect(done).toEqual(['stop', 'stop']);
    await type('x'.repeat(5000));
    expect(shown().length).toBeLessThan(2000);
  });

  it('helps', async () => {
    const { shown, type } = rig();
    await type('help\r');
    expect(shown()).toContain('savevm NAME');
  });
});
