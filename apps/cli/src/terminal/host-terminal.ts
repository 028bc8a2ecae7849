import { PrivateModes } from './private-modes.js';

/** The part of `process.stdin` that is used. */
export interface InputStream {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'error', listener: () => void): unknown;
  removeAllListeners(event: 'data'): unknown;
  pause(): unknown;
  resume(): unknown;
  unref?(): unknown;
}

/** The part of `process.stdout` that is used. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(bytes: Uint8Array | string, written?: () => void): boolean;
  on(event: 'resize' | 'drain', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** The part of `process` that is used. */
export interface HostProcess {
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  kill(pid: number, signal: string): unknown;
  readonly pid: number;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The terminal that we run in: raw while a guest has it, and put back whatever way the process ends. Works the same, only without raw
 * mode, when standard input or output is a pipe or a file.
 */
export class HostTerminal {
  readonly #input: InputStream;
  readonly #output: OutputStream;
  readonly #process: HostProcess;
  readonly #modes = new PrivateModes();
  #open = false;
  #resized: (() => void) | undefined;

  constructor(input: InputStream, output: OutputStream, host: HostProcess) {
    this.#input = input;
    this.#output = output;
    this.#process = host;
  }

  /** Someone types: standard input is a terminal. */
  get interactive(): boolean {
    return this.#input.isTTY === true;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get size(): TerminalSize | undefined {
    const { isTTY, columns, rows } = this.#output;
    // A terminal that doesn't know its size says 0.
    return isTTY === true && columns !== undefined && rows !== undefined && columns > 0 && rows > 0 ? { columns, rows } : undefined;
  }

  /** Takes the terminal. `data` gets what is typed or piped in. */
  open(wires: { data: (bytes: Uint8Array) => void; end: () => void; failed: (error: Error) => void; resized?: () => void }): void {
    this.#open = true;
    this.#resized = wires.resized;
    this.#raw(true);
    this.#input.on('data', (chunk) => wires.data(chunk));
    this.#input.on('end', () => wires.end());
    // A closed standard input (`<&-`) is the end of what is typed, not a failure.
    this.#input.on('error', () => wires.end());
    this.#output.on('error', (error) => wires.failed(error));
    if (wires.resized !== undefined) this.#output.on('resize', wires.resized);
    // `exit` is on every way out but SIGKILL: return, process.exit, an uncaught error.
    this.#process.on('exit', this.close);
    this.#process.on('SIGTSTP', this.#suspend);
    this.#process.on('SIGCONT', this.#continued);
  }

  /** The guest's bytes, unaltered. @returns false when the reader is slower than the guest; `onDrain` tells when it caught up */
  write(bytes: Uint8Array): boolean {
    if (this.#output.isTTY === true) for (let at = 0; at < bytes.length; at++) this.#modes.push(bytes[at] as number);
    return this.#output.write(bytes);
  }

  onDrain(listener: () => void): void {
    this.#output.on('drain', listener);
  }

  /** Resolves when everything written has left the process. */
  flush(): Promise<void> {
    return new Promise((done) => {
      this.#output.write('', () => done());
    });
  }

  pauseInput(): void {
    this.#input.pause();
  }

  resumeInput(): void {
    this.#input.resume();
  }

  /** Puts the terminal back. Synchronous and idempotent: it also runs from `exit`. */
  readonly close = (): void => {
    if (!this.#open) return;
    this.#open = false;
    this.#process.off('exit', this.close);
    this.#process.off('SIGTSTP', this.#suspend);
    this.#process.off('SIGCONT', this.#continued);
    if (this.#resized !== undefined) this.#output.off('resize', this.#resized);
    this.#input.removeAllListeners('data');
    this.#input.pause();
    this.#input.unref?.();
    this.#raw(false);
    this.#restoreModes();
  };

  #raw(on: boolean): void {
    if (this.#input.isTTY !== true) return;
    try {
      this.#input.setRawMode?.(on);
    } catch {
      // The terminal went away (hang-up): nothing to restore.
    }
  }

  #restoreModes(): void {
    if (this.#output.isTTY !== true) return;
    const text = this.#modes.restoring();
    if (text !== '') this.#output.write(text);
  }

  // Ctrl-Z is the guest's in raw mode; these come from `kill -TSTP` and `fg`.
  readonly #suspend = (): void => {
    this.#raw(false);
    this.#process.kill(this.#process.pid, 'SIGSTOP');
  };

  readonly #continued = (): void => {
    if (this.#open) this.#raw(true);
  };
}
