/** What the monitor's commands do. */
export interface MonitorActions {
  readonly quit: () => void;
  readonly stop: () => void;
  readonly go: () => void;
  readonly powerButton: () => void;
  readonly save: (name: string) => Promise<string>;
  readonly load: (name: string) => Promise<string>;
  /** Answers "info WHAT"; undefined for what it doesn't know. */
  readonly info: (what: string) => string | undefined;
  /** The commands that a debugger's "monitor" has, too. @throws for those that it hasn't */
  readonly debug: (line: string) => Promise<string> | string;
}

interface MonitorCommand {
  readonly names: readonly string[];
  readonly argument?: string;
  readonly help: string;
  readonly run: (argument: string) => Promise<string> | string | void;
}

const PROMPT = '(pckit) ';
const MAX_LINE = 1024;

/**
 * A monitor as QEMU's, on the terminal: a line editor, and the commands that people use. What is typed comes in by `feed`; what it says goes to
 * `print`, with carriage returns, as the terminal is raw.
 */
export class Monitor {
  readonly #commands: readonly MonitorCommand[];
  #line = '';
  /** A command is at work; lines that come meanwhile wait. */
  #busy: Promise<void> = Promise.resolve();

  constructor(
    private readonly actions: MonitorActions,
    private readonly print: (text: string) => void,
  ) {
    this.#commands = [
      { names: ['help', '?'], help: 'this list', run: () => this.#help() },
      { names: ['info'], argument: 'WHAT', help: 'status, block, network, version; registers and more, as in a debugger\'s "monitor"', run: (what) => actions.info(what) ?? actions.debug(`info ${what}`) },
      { names: ['stop', 's'], help: 'pause the machine', run: () => actions.stop() },
      { names: ['cont', 'c'], help: 'let it go on', run: () => actions.go() },
      { names: ['system_reset'], help: 'press the reset button', run: () => actions.debug('system_reset') },
      { names: ['system_powerdown'], help: 'press the power button', run: () => actions.powerButton() },
      { names: ['savevm'], argument: 'NAME', help: 'write a snapshot to NAME.pckit-snapshot', run: (name) => (name === '' ? 'savevm: what is it called?' : actions.save(name)) },
      { names: ['loadvm'], argument: 'NAME', help: 'go back to a snapshot', run: (name) => (name === '' ? 'loadvm: what is it called?' : actions.load(name)) },
      { names: ['quit', 'q'], help: 'end', run: () => actions.quit() },
    ];
  }

  /** The terminal is the monitor's from now on. */
  enter(): void {
    this.print(`\r\npckit monitor; "help" shows the commands\r\n${PROMPT}${this.#line}`);
  }

  leave(): void {
    this.print('\r\n');
  }

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.#key(byte);
  }

  /** Resolves when every command that was typed is done. */
  get idle(): Promise<void> {
    return this.#busy;
  }

  #key(byte: number): void {
    if (byte === 0x0d || byte === 0x0a) {
      const line = this.#line.trim();
      this.#line = '';
      this.print('\r\n');
      this.#busy = this.#busy.then(() => this.#run(line));
    } else if (byte === 0x7f || byte === 0x08) {
      if (this.#line !== '') this.print('\b \b');
      this.#line = this.#line.slice(0, -1);
    } else if (byte === 0x03 || byte === 0x15) {
      this.print(`${byte === 0x03 ? '^C' : ''}\r\n${PROMPT}`);
      this.#line = '';
    } else if (byte >= 0x20 && byte < 0x7f && this.#line.length < MAX_LINE) {
      this.#line += String.fromCharCode(byte);
      this.print(String.fromCharCode(byte));
    }
  }

  async #run(line: string): Promise<void> {
    const space = line.search(/\s/);
    const name = space < 0 ? line : line.slice(0, space);
    const argument = space < 0 ? '' : line.slice(space).trim();
    if (name !== '') {
      const command = this.#commands.find(({ names }) => names.includes(name));
      let answer: string | void;
      try {
        answer = await (command === undefined ? this.actions.debug(line) : command.run(argument));
      } catch (error) {
        answer = error instanceof Error ? error.message : String(error);
      }
      if (answer !== undefined && answer !== '') this.print(`${answer.replaceAll('\n', '\r\n')}\r\n`);
    }
    this.print(PROMPT);
  }

  #help(): string {
    const rows = this.#commands.map(({ names, argument, help }) => [`${names.join('|')}${argument === undefined ? '' : ` ${argument}`}`, help] as const);
    const width = Math.max(...rows.map(([left]) => left.length));
    return [...rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`), 'and the commands of a debugger\'s "monitor": xp, gva2gpa, stop-at ...'].join('\n');
  }
}
