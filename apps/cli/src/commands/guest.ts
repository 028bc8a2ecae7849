import type { GuestStore } from '../guest-store.js';
import type { GuestRequest } from './guest-options.js';

export interface GuestHost {
  readonly store: GuestStore;
  /** Results: standard output. */
  readonly print: (text: string) => void;
  /** Progress: standard error. */
  readonly say: (message: string) => void;
}

export async function guest(request: GuestRequest, host: GuestHost): Promise<void> {
  await Promise.resolve([request, host]);
}
