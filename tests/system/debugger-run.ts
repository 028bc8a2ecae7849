/** Debian's gdb and lldb, driven as a person drives them: a command is typed, and what it shows is read. */
import { ConsoleRun, type StartOptions } from './pckit.js';

/** A command, and what it alone shows: typed after another one, it says when that is done. */
interface Mark {
  readonly command: string;
  readonly shows: string;
}
const GDB: Mark = { command: 'echo [[done]]\\n', shows: '[[done]]' };
const LLDB: Mark = { command: 'version', shows: 'lldb version' };

/** A debugger at its prompt. */
export class DebuggerRun {
  readonly #run: ConsoleRun;
  readonly #mark: Mark;
  readonly #patience: number;

  private constructor(command: readonly string[], mark: Mark, options: StartOptions) {
    // What it complains of stands between what it says.
    this.#run = new ConsoleRun('sh', ['-c', 'exec "$0" "$@" 2>&1', ...command], options);
    this.#mark = mark;
    this.#patience = options.patience;
  }

  static async gdb(options: StartOptions, ...args: readonly string[]): Promise<DebuggerRun> {
    const gdb = new DebuggerRun(['gdb', '-q', '-nx', ...args], GDB, options);
    await gdb.all('set pagination off', 'set confirm off', 'set width 0', 'set height 0', 'set prompt', 'set debuginfod enabled off');
    return gdb;
  }

  static async lldb(options: StartOptions, ...args: readonly string[]): Promise<DebuggerRun> {
    const lldb = new DebuggerRun(['lldb', '--no-lldbinit', '--no-use-colors', ...args], LLDB, options);
    await lldb.all('settings set stop-line-count-before 0', 'settings set stop-line-count-after 0');
    return lldb;
  }

  get pid(): number | undefined {
    return this.#run.pid;
  }

  get finished(): ConsoleRun['finished'] {
    return this.#run.finished;
  }

  /** @returns what the command shows; of one that resumes the machine, when it has stopped again */
  async ask(command: string, patience = this.#patience): Promise<string> {
    this.#run.type(`${command}\n${this.#mark.command}\n`);
    return this.#answer(patience);
  }

  /** lldb goes on reading commands while the machine runs, so its word of the stop is waited for. @returns what it shows from then on */
  async untilStopped(command: string, patience = this.#patience): Promise<string> {
    this.#run.type(`${command}\n`);
    await this.#run.shows('Process 1 stopped', patience);
    this.#run.type(`${this.#mark.command}\n`);
    return this.#answer(patience);
  }

  /** One after the other. @returns what the last one shows */
  async all(...commands: readonly string[]): Promise<string> {
    let shown = '';
    for (const command of commands) shown = await this.ask(command);
    return shown;
  }

  /** A command that resumes, and Ctrl-C when something has happened, or after so many milliseconds. */
  async interrupted(command: string, until: Promise<unknown> | number): Promise<string> {
    this.#run.type(`${command}\n${this.#mark.command}\n`);
    await (typeof until === 'number' ? new Promise((go) => setTimeout(go, until)) : until);
    this.#run.interrupt();
    return this.#answer(this.#patience);
  }

  async quit(): Promise<void> {
    this.#run.type('quit\n');
    await this.#run.finished;
  }

  kill(): void {
    this.#run.kill();
  }

  async #answer(patience: number): Promise<string> {
    const shown = await this.#run.shows(this.#mark.shows, patience);
    return shown.trim();
  }
}
