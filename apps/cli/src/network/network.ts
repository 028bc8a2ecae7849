import type { EthernetPort, Plain } from '@pckit/interfaces';
import type { NetOption } from '../parse/net-option.js';
import { openStreamNetwork } from './stream-network.js';

/** A network that a card is plugged into. */
export interface Network {
  readonly port: EthernetPort;
  /** What it has under way, for a snapshot of the machine; absent where the network is another program's, and goes on without us. */
  save?(): Plain;
  /** The guest is the one of a snapshot, which had this. @throws CliError for what no `save` made */
  restore?(state: Plain): void;
  close(): Promise<void> | void;
}

export interface NetworkContext {
  readonly say: (message: string) => void;
  /** The host's side failed while the machine runs. */
  readonly failed: (message: string) => void;
}

export async function openNetwork(option: NetOption, context: NetworkContext): Promise<Network> {
  switch (option.kind) {
    case 'stream':
      return openStreamNetwork(option.role, option.address, context);
    case 'user': {
      // With all that it needs, which a machine without a network needn't load.
      const { openUserNetwork, restorePort } = await import('./user-network.js');
      const user = await openUserNetwork(option, context);
      const port = user.attach();
      return { port, save: () => port.save(), restore: (state) => restorePort(port, state), close: user.close };
    }
  }
}
