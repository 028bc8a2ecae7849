/**
 * Ctrl-A, the prefix that QEMU uses too, takes the next key for ourselves. Everything else is the guest's.
 */
export const ESCAPE_BYTE = 0x01;

export type EscapeCommand = 'quit' | 'help' | 'pause' | 'power-button' | 'resize' | 'info' | 'break';

const commands: Readonly<Record<string, EscapeCommand>> = {
  x: 'quit',
  h: 'help',
  '?': 'help',
  c: 'pause',
  p: 'power-button',
  r: 'resize',
  i: 'info',
  b: 'break',
};

export const escapeHelp = [
  'Ctrl-A x  quit',
  'Ctrl-A h  this help',
  'Ctrl-A c  pause the machine; again to continue',
  'Ctrl-A i  instructions, time and speed so far',
  'Ctrl-A r  type "stty rows R cols C" for the size of this window',
  'Ctrl-A p  press the power button (a guest with ACPI shuts down)',
  'Ctrl-A b  send a break (SysRq on a Linux console)',
  'Ctrl-A Ctrl-A  send Ctrl-A to the guest',
] as const;

export interface EscapeKeysWires {
  readonly bytes: (bytes: Uint8Array) => void;
  readonly command: (command: EscapeCommand) => void;
}

/** Splits what is typed into the guest's bytes and our commands. Feed it chunks as they come; a prefix may end one. */
export class EscapeKeys {
  readonly #wires: EscapeKeysWires;
  #escaped = false;

  constructor(wires: EscapeKeysWires) {
    this.#wires = wires;
  }

  feed(chunk: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#escaped) {
        this.#escaped = false;
        // Ctrl-A Ctrl-A, and Ctrl-A a as in screen, for those who let go of Ctrl.
        if (byte === ESCAPE_BYTE || byte === 0x61) this.#pass(Uint8Array.of(ESCAPE_BYTE));
        else {
          const command = commands[String.fromCharCode(byte).toLowerCase()];
          if (command !== undefined) this.#wires.command(command);
        }
        start = at + 1;
      } else if (byte === ESCAPE_BYTE) {
        this.#pass(chunk.subarray(start, at));
        this.#escaped = true;
        start = at + 1;
      }
    }
    if (!this.#escaped) this.#pass(chunk.subarray(start));
  }

  #pass(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#wires.bytes(bytes);
  }
}
