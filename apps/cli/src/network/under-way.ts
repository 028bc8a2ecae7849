import type { Plain } from '@pckit/interfaces';
import type { Network } from './network.js';

/** What networks have under way, by position: of those that end with the process. */
export function saveNetworks(networks: readonly Network[]): Record<string, Plain> {
  return Object.fromEntries(networks.flatMap(({ save }, index) => (save === undefined ? [] : [[String(index), save()]])));
}

/** Has the guest of a snapshot, restored just now, get to know that its connections are over. */
export function restoreNetworks(networks: readonly Network[], underWay: Readonly<Record<string, Plain>> = {}): void {
  networks.forEach(({ restore }, index) => {
    const state = underWay[index] as Plain | undefined;
    if (state !== undefined) restore?.(state);
  });
}
