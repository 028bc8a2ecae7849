/** The program, driven as a person drives it: a command line, what is typed, what is shown. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const built = join(root, 'apps/cli/dist/main.js');

/** The source, so that what is tested is what stands there; with PCKIT_TEST_BUILT=1 what `npm run build` made of it. */
export function program(): readonly string[] {
  if (process.env['PCKIT_TEST_BUILT'] !== '1') return ['--conditions=@pckit/source', '--import', import.meta.resolve('tsx'), join(root, 'apps/cli/src/main.ts')];
  if (!existsSync(built)) throw new Error(`PCKIT_TEST_BUILT=1, but there is no ${built}: npm run build`);
  return [built];
}

/** What `--stats json` says; the keys that the checks look at. */
export interface Stats {
  readonly instructions: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly mips: number;
  readonly tiers: Readonly<Record<string, number>>;
  readonly exit: string;
  readonly stateHash?: string;
}

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The console, byte for byte. */
  readonly console: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** Gets the console as it comes. */
  readonly log?: string;
  /** Seconds after which a run that has not ended is killed, and fails. */
  readonly patience: number;
}

/** One run of a program with a console on its standard output: ours, or QEMU. */
export class ConsoleRun {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #finished: Promise<Finished>;
  #console = '';
  #stderr = '';
  /** Up to here the console has been waited for. */
  #seen = 0;
  #ended = false;
  #changed: () => void = () => undefined;

  constructor(command: string, args: readonly string[], { log, patience }: StartOptions) {
    const file = log === undefined ? undefined : openSync(log, 'w');
    this.#child = spawn(command, args, { cwd: root });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patience * 1000);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#console += text;
      if (file !== undefined) writeSync(file, text);
      this.#changed();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    // The program may end before it has read everything.
    this.#child.stdin.on('error', () => undefined);
    this.#finished = new Promise((done, fail) => {
      this.#child.on('error', fail);
      this.#child.on('close', (status, signal) => {
        clearTimeout(timer);
        if (file !== undefined) closeSync(file);
        this.#ended = true;
        this.#changed();
        done({ status, signal, console: this.#console, stderr: this.#stderr });
      });
    });
    // Seen by whoever awaits `finished`.
    this.#finished.catch(() => undefined);
  }

  get finished(): Promise<Finished> {
    return this.#finished;
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** CPU seconds taken so far, of all threads (Linux). proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms. */
  get cpuSeconds(): number {
    // The second field has blanks and ends in a parenthesis.
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /**
   * Waits until the console shows `text` after what was waited for before.
   *
   * @returns what came between
   */
  async shows(text: string, patience: number): Promise<string> {
    const until = Date.now() + patience * 1000;
    for (;;) {
      const at = this.#console.indexOf(text, this.#seen);
      if (at >= 0) {
        const between = this.#console.slice(this.#seen, at);
        this.#seen = at + text.length;
        return between;
      }
      if (this.#ended) throw new Error(`the machine ended, and ${JSON.stringify(text)} was not shown\n${this.#lastWords()}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error(`${JSON.stringify(text)} was not shown within ${patience} s\n${this.#lastWords()}`);
      await new Promise<void>((go) => {
        const timer = setTimeout(go, left);
        this.#changed = () => {
          clearTimeout(timer);
          go();
        };
      });
    }
  }

  /** Waits for a message on standard error. @returns what the expression's first group matches */
  async says(message: RegExp, patience: number): Promise<string> {
    const until = Date.now() + patience * 1000;
    for (;;) {
      const found = message.exec(this.#stderr)?.[1];
      if (found !== undefined) return found;
      if (this.#ended || Date.now() > until) throw new Error(`no message is ${message.source}\n${this.#lastWords()}`);
      await new Promise((go) => setTimeout(go, 50));
    }
  }

  #lastWords(): string {
    return `the console's end:\n${this.#console.slice(-1500)}\nstandard error:\n${this.#stderr.slice(-1500)}`;
  }
}

/** `pckit` with these arguments. */
export function start(args: readonly string[], options: StartOptions): ConsoleRun {
  return new ConsoleRun(process.execPath, [...program(), ...args], options);
}

/** Runs a `pckit` command that ends by itself. @returns standard output */
export async function command(args: readonly string[], patience: number): Promise<string> {
  const { status, signal, console, stderr } = await start(args, { patience }).finished;
  if (status !== 0) throw new Error(`pckit ${args.join(' ')}: ${signal ?? `status ${status}`}\n${stderr}`);
  return console.trim();
}

/** The last line on standard error. */
export function statsOf({ stderr, status, signal }: Finished): Stats {
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`no figures at the end of standard error (${signal ?? `status ${status}`}):\n${stderr}`);
  return JSON.parse(last) as Stats;
}
