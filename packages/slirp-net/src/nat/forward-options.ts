import type { HostTarget } from '../host-network.js';

/** A port of the host that leads to a guest. */
export interface HostForwardOptions {
  /** `tcp` unless told otherwise. */
  readonly protocol?: 'tcp' | 'udp';
  /** Where the host listens: port 0 lets it choose. */
  readonly host: HostTarget;
  readonly guest: {
    /** The first address that DHCP leases, unless told otherwise. */
    readonly address?: string;
    readonly port: number;
  };
}

export interface HostForward {
  /** With the port that was chosen. */
  readonly at: HostTarget;
  /** Listens no more; what is connected stays. */
  close(): void;
}

/** An address of the network's that leads to something else than it says: a service for guests. TCP. */
export interface GuestForwardOptions {
  readonly address: string;
  readonly port: number;
}
