import { SerialInput } from './serial-input.js';
import type { SerialLine } from './serial-line.js';
import { SerialOutput } from './serial-output.js';
import { EscapeKeys, type EscapeCommand } from './terminal/escape-keys.js';
import type { HostTerminal } from './terminal/host-terminal.js';

/** Above this, what is piped in waits in the pipe. */
const INPUT_HIGH_WATER = 64 * 1024;

export interface SerialStdioWires {
  readonly terminal: HostTerminal;
  readonly command: (command: EscapeCommand) => void;
  readonly failed: (error: Error) => void;
  /** The reader of standard output is slower than the guest (true), or caught up (false). */
  readonly congested: (congested: boolean) => void;
  readonly resized: () => void;
  /** The escape key is one in piped input, too. */
  readonly escapeAlways?: boolean;
  /** Who has what is typed, when it isn't the guest. */
  readonly divert?: () => ((bytes: Uint8Array) => void) | undefined;
}

export interface SerialStdio extends SerialLine {
  /** Takes the terminal: raw from now on. */
  start(): void;
  /** As if it had been typed. */
  type(text: string): void;
}

/**
 * The line that is the terminal. Keys go to the guest but for the escape; piped input goes to the guest as it is, and its end changes
 * nothing.
 */
export function openSerialStdio({ terminal, command, failed, congested, resized, escapeAlways = false, divert }: SerialStdioWires): SerialStdio {
  let pausedInput = false;
  const input = new SerialInput(() => {
    if (pausedInput) terminal.resumeInput();
    pausedInput = false;
  });
  const output = new SerialOutput((bytes) => {
    if (!terminal.write(bytes)) congested(true);
  });
  const type = (bytes: Uint8Array): void => {
    input.push(bytes);
    if (input.length > INPUT_HIGH_WATER && !pausedInput && !terminal.interactive) {
      pausedInput = true;
      terminal.pauseInput();
    }
  };
  const keys = new EscapeKeys({ bytes: (bytes) => (divert?.() ?? type)(bytes), command });

  return {
    port: { write: (byte) => output.write(byte), attach: (receive) => input.attach(receive), onReady: () => input.pump() },
    start: () => {
      terminal.onDrain(() => congested(false));
      terminal.open({
        // Only a person's Ctrl-A is an escape; a file may contain any byte.
        data: terminal.interactive || escapeAlways ? (bytes) => keys.feed(bytes) : type,
        end: () => {},
        failed,
        resized,
      });
    },
    type: (text) => type(new TextEncoder().encode(text)),
    flush: () => {
      output.flush();
      return terminal.flush();
    },
    close: () => {
      output.flush();
      terminal.close();
      return Promise.resolve();
    },
  };
}
