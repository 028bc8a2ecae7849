import { faultInjector, type Faults, mulberry32 } from '../middleware/fault-injector.js';
import type { Middleware } from '../iface/port.js';
import { createNetwork, type Network } from '../network.js';
import type { NetworkOptions } from '../options.js';
import { FakeHost } from './fake-host.js';
import { GuestStack, type GuestStackOptions } from './guest-stack.js';
import { HandClock } from './hand-clock.js';

export interface Rig {
  readonly clock: HandClock;
  readonly host: FakeHost;
  readonly network: Network;
  readonly guest: GuestStack;
}

export interface RigOptions {
  readonly network?: Partial<NetworkOptions>;
  readonly guest?: Partial<GuestStackOptions>;
  readonly faults?: Faults;
  readonly middleware?: readonly Middleware[];
  readonly seed?: number;
}

/** A network, a host and a guest in memory, on hand-held time, the same in every run with the same seed. */
export function rig({ network: networkOptions = {}, guest: guestOptions = {}, faults, middleware = [], seed = 1 }: RigOptions = {}): Rig {
  const clock = new HandClock();
  const host = new FakeHost((run) => clock.defer(run));
  const network = createNetwork({ host, clock, random: mulberry32(seed), ...networkOptions });
  const injector = faults === undefined ? [] : [faultInjector({ ...faults, seed, after: (ms, run) => network.after(ms, run) })];
  const guest = new GuestStack({ clock: clock.second(), port: network.attach([...middleware, ...injector]), random: mulberry32(seed + 1), ...guestOptions });
  clock.settle();
  return { clock, host, network, guest };
}
