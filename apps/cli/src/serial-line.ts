import type { CharPort } from '@pckit/interfaces';
import { CliError } from './cli-error.js';
import type { SerialOption } from './parse/serial-option.js';
import { openSerialFile } from './serial-file.js';
import { openSerialTcp } from './serial-tcp.js';

/** What stands at the other end of a UART's cable. */
export interface SerialLine {
  readonly port: CharPort;
  /** Everything that the guest sent has left. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SerialContext {
  /** The host failed while the machine runs. */
  readonly failed: (message: string) => void;
  /** Something to tell the person at the terminal. */
  readonly say: (message: string) => void;
}

/** A cable that ends nowhere. */
export const unconnected: SerialLine = {
  port: { write: () => {}, attach: () => {} },
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Opens every kind but `stdio`, which is the terminal's. */
export async function openSerialLine(option: Exclude<SerialOption, { kind: 'stdio' }>, context: SerialContext): Promise<SerialLine> {
  switch (option.kind) {
    case 'none':
      return unconnected;
    case 'file':
      return openSerialFile(option.path, context);
    case 'tcp':
      return openSerialTcp(option, context);
    default:
      throw new CliError('usage', `--serial: unknown kind ${JSON.stringify(option satisfies never)}`);
  }
}
