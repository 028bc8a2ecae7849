import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { CliError } from './cli-error.js';
import { SerialInput } from './serial-input.js';
import { openSerialLine, type SerialLine } from './serial-line.js';
import { SerialOutput } from './serial-output.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

describe('SerialInput', () => {
  it('offers again what a full FIFO refused, in order and once', () => {
    let room = 3;
    let got = '';
    const input = new SerialInput();
    input.attach((chunk) => {
      const taken = Math.min(room, chunk.length);
      got += text(chunk.subarray(0, taken));
      room -= taken;
      return taken;
    });
    input.push(bytes('hello '));
    input.push(bytes('world'));
    expect([got, input.length]).toEqual(['hel', 8]);
    while (input.length > 0) {
      room = 2;
      input.pump();
    }
    expect(got).toBe('hello world');
  });

  it('keeps what came before anyone listens', () => {
    let drained = 0;
    let got = '';
    const input = new SerialInput(() => drained++);
    input.push(bytes('early'));
    expect([input.length, drained]).toEqual([5, 0]);
    input.attach((chunk) => ((got += text(chunk)), chunk.length));
    expect([got, input.length, drained]).toEqual(['early', 0, 1]);
  });

  it('is not confused by a device that asks for more while it takes', () => {
    let got = '';
    const input = new SerialInput();
    input.attach((chunk) => {
      got += text(chunk.subarray(0, 1));
      input.pump();
      return 1;
    });
    input.push(bytes('abc'));
    for (let turn = 0; turn < 3; turn++) input.pump();
    expect(got).toBe('abc');
  });
});

describe('SerialOutput', () => {
  it('hands on everything once, in pieces', async () => {
    const pieces: Uint8Array[] = [];
    const output = new SerialOutput((piece) => pieces.push(piece));
    for (let at = 0; at < 100_000; at++) output.write(at & 0xff);
    expect(pieces.length).toBe(1);
    await new Promise(setImmediate);
    expect(pieces.length).toBe(2);
    output.flush();
    const all = Buffer.concat(pieces);
    expect(all.length).toBe(100_000);
    expect(all.every((byte, at) => byte === (at & 0xff))).toBe(true);
  });
});

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

function context() {
  const failures: string[] = [];
  const said: string[] = [];
  return { failures, said, failed: (m: string) => void failures.push(m), say: (m: string) => void said.push(m) };
}

function write(line: SerialLine, data: string): void {
  for (const byte of bytes(data)) line.port.write(byte);
}

describe('file:', () => {
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'pckit-serial-'));
    cleanUp.push(() => rmSync(path, { recursive: true }));
    return path;
  };

  it('gets every byte, unaltered', async () => {
    const path = join(folder(), 'com1.log');
    const line = await openSerialLine({ kind: 'file', path }, context());
    write(line, 'one\r\n\x1b[31mtwo\0');
    await line.flush();
    expect(readFileSync(path, 'latin1')).toBe('one\r\n\x1b[31mtwo\0');
    write(line, 'three');
    await line.close();
    expect(readFileSync(path, 'latin1')).toBe('one\r\n\x1b[31mtwo\0three');
  });

  it('says why a file can not be written', async () => {
    const path = join(folder(), 'no', 'such', 'com1.log');
    await expect(openSerialLine({ kind: 'file', path }, context())).rejects.toThrow(CliError);
    await expect(openSerialLine({ kind: 'file', path }, context())).rejects.toThrow('there is no such file');
  });
});

describe('tcp:', () => {
  async function open(): Promise<{ line: SerialLine; port: number; said: string[] }> {
    const { said, ...rest } = context();
    const line = await openSerialLine({ kind: 'tcp', host: '127.0.0.1', port: 0 }, { ...rest, say: (m) => void said.push(m) });
    cleanUp.push(() => line.close());
    return { line, said, port: Number(/:(\d+)$/.exec(said[0]!)![1]) };
  }
  async function client(port: number): Promise<{ socket: Socket; until: (marker: string) => Promise<string> }> {
    const socket = connect(port, '127.0.0.1');
    cleanUp.push(() => socket.destroy());
    let got = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (got += chunk));
    await once(socket, 'connect');
    const until = async (marker: string): Promise<string> => {
      while (!got.includes(marker)) await once(socket, 'data');
      return got;
    };
    return { socket, until };
  }

  it('shows a late client what it missed, then goes both ways', async () => {
    const { line, port } = await open();
    let typed = '';
    line.port.attach((chunk) => ((typed += text(chunk)), chunk.length));
    write(line, 'booting\n');
    await line.flush();
    const { socket, until } = await client(port);
    expect(await until('booting\n')).toBe('booting\n');
    write(line, 'login: ');
    expect(await until('login: ')).toBe('booting\nlogin: ');
    socket.write('root\r');
    while (typed !== 'root\r') await new Promise(setImmediate);
    expect(typed).toBe('root\r');
  });

  it('takes one client at a time, and another after it', async () => {
    const { line, port } = await open();
    const first = await client(port);
    write(line, 'hello');
    await first.until('hello');
    const second = await client(port);
    expect(await second.until('in use')).toContain('in use');
    first.socket.destroy();
    await once(first.socket, 'close');
    let got = '';
    do {
      const third = await client(port);
      write(line, 'again\r\n');
      got = await third.until('\r\n');
    } while (got.includes('in use'));
    expect(got).toBe('again\r\n');
  });

  it('says when the port is taken', async () => {
    const { port } = await open();
    await expect(openSerialLine({ kind: 'tcp', host: '127.0.0.1', port }, context())).rejects.toThrow('the port is in use');
  });
});
