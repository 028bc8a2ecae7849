import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EscapeKeys } from './escape-keys.js';
import { HostTerminal, type HostProcess, type InputStream, type OutputStream } from './host-terminal.js';
import { PrivateModes } from './private-modes.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What reaches the guest and ourselves when `chunks` are typed. */
function type(...chunks: string[]): { guest: string; commands: string[] } {
  let guest = '';
  const commands: string[] = [];
  const keys = new EscapeKeys({ bytes: (b) => (guest += new TextDecoder().decode(b)), command: (c) => commands.push(c) });
  for (const chunk of chunks) keys.feed(bytes(chunk));
  return { guest, commands };
}

describe('EscapeKeys', () => {
  it('passes what is typed', () => expect(type('ls\r', '\x1b[A\x03')).toEqual({ guest: 'ls\r\x1b[A\x03', commands: [] }));

  it('takes the key after Ctrl-A', () => expect(type('a\x01xb')).toEqual({ guest: 'ab', commands: ['quit'] }));

  it('takes it when it comes in a chunk of its own, in capitals too', () => {
    expect(type('\x01', 'h', '\x01', 'X')).toEqual({ guest: '', commands: ['help', 'quit'] });
  });

  it('sends Ctrl-A for two of them, and for Ctrl-A a', () => expect(type('\x01\x01', '\x01a')).toEqual({ guest: '\x01\x01', commands: [] }));

  it('swallows a key that means nothing', () => expect(type('\x01zq')).toEqual({ guest: 'q', commands: [] }));

  it('gives the same for one chunk and for single bytes', () => {
    const text = 'one\x01\x01two\x01hthree\x01';
    expect(type(...text)).toEqual(type(text));
  });
});

describe('PrivateModes', () => {
  const after = (text: string): string => {
    const modes = new PrivateModes();
    for (const byte of bytes(text)) modes.push(byte);
    return modes.restoring();
  };

  it('says nothing when nothing was written', () => expect(new PrivateModes().restoring()).toBe(''));

  it('resets colours and ends the line', () => {
    expect(after('hello\n')).toBe('\x1b[0m');
    expect(after('\x1b[31m# ')).toBe('\x1b[0m\r\n');
  });

  it('leaves the alternate screen, mouse and paste modes that are still on', () => {
    expect(after('\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[?1006l\n')).toBe('\x1b[0m\x1b[?1049l\x1b[?1000l\x1b[?2004l');
  });

  it('shows the cursor again when it was hidden', () => {
    expect(after('\x1b[?25l\n')).toBe('\x1b[0m\x1b[?25h');
    expect(after('\x1b[?25l\x1b[?25h\n')).toBe('\x1b[0m');
  });

  it('is not confused by other sequences and broken ones', () => {
    expect(after('\x1b[?1049\x1b[1;2H\x1b]0;title\x07\x1b[>1049h\x1b[?h\x1b[?99999999999h\n')).toBe('\x1b[0m');
  });
});

class FakeInput extends EventEmitter implements InputStream {
  readonly calls: string[] = [];
  constructor(readonly isTTY: boolean) {
    super();
  }
  setRawMode(raw: boolean): void {
    this.calls.push(raw ? 'raw' : 'cooked');
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
}

class FakeOutput extends EventEmitter implements OutputStream {
  text = '';
  columns = 80;
  rows = 24;
  constructor(readonly isTTY: boolean) {
    super();
  }
  write(data: Uint8Array | string, written?: () => void): boolean {
    this.text += typeof data === 'string' ? data : new TextDecoder().decode(data);
    written?.();
    return true;
  }
}

class FakeProcess extends EventEmitter implements HostProcess {
  readonly pid = 7;
  readonly killed: string[] = [];
  kill(_pid: number, signal: string): void {
    this.killed.push(signal);
  }
}

function terminal(tty: boolean) {
  const input = new FakeInput(tty);
  const output = new FakeOutput(tty);
  const host = new FakeProcess();
  const data: string[] = [];
  let resizes = 0;
  const it = new HostTerminal(input, output, host);
  it.open({ data: (b) => data.push(new TextDecoder().decode(b)), end: () => {}, failed: () => {}, resized: () => resizes++ });
  return { it, input, output, host, data, resizes: () => resizes };
}

describe('HostTerminal', () => {
  it('is raw while it is open and restored once', () => {
    const { it: host, input } = terminal(true);
    host.close();
    host.close();
    expect(input.calls.filter((call) => call !== 'pause')).toEqual(['raw', 'cooked']);
  });

  it('is restored when the process exits without closing it', () => {
    const { it: host, input, output, host: process } = terminal(true);
    host.write(bytes('\x1b[?25l# '));
    process.emit('exit');
    expect(input.calls).toContain('cooked');
    expect(output.text).toBe('\x1b[?25l# \x1b[0m\x1b[?25h\r\n');
    expect(process.eventNames()).toEqual([]);
  });

  it('is cooked while the process is suspended, raw again after', () => {
    const { input, host } = terminal(true);
    host.emit('SIGTSTP');
    expect(input.calls.at(-1)).toBe('cooked');
    expect(host.killed).toEqual(['SIGSTOP']);
    host.emit('SIGCONT');
    expect(input.calls.at(-1)).toBe('raw');
  });

  it('leaves pipes alone: no raw mode, nothing added to the output', () => {
    const { it: host, input, output, data } = terminal(false);
    input.emit('data', bytes('\x01x'));
    host.write(bytes('\x1b[31mhello'));
    host.close();
    expect(data).toEqual(['\x01x']);
    expect(input.calls).toEqual(['pause']);
    expect(output.text).toBe('\x1b[31mhello');
    expect(host.size).toBeUndefined();
  });

  it('knows its size and when it changes', () => {
    const { it: host, output, resizes } = terminal(true);
    expect(host.size).toEqual({ columns: 80, rows: 24 });
    output.columns = 100;
    output.emit('resize');
    expect(resizes()).toBe(1);
    expect(host.size).toEqual({ columns: 100, rows: 24 });
  });

  it('survives a terminal that went away', () => {
    const { it: host, input } = terminal(true);
    input.setRawMode = () => {
      throw new Error('EIO');
    };
    expect(() => host.close()).not.toThrow();
  });
});
