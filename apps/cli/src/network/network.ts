import type { EthernetPort } from '@pckit/interfaces';
import type { NetOption } from '../parse/net-option.js';
import { openStreamNetwork } from './stream-network.js';
import { openUserNetwork } from './user-network.js';

/** A network that a card is plugged into. */
export interface Network {
  readonly port: EthernetPort;
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
      const user = await openUserNetwork(option, context);
      return { port: user.attach(), close: user.close };
    }
  }
}
