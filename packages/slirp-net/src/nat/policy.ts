import type { HostTarget } from '../host-network.js';

/** A flow that is about to begin. */
export interface FlowRequest {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** `out`: the guest opens it. `in`: somebody came through a host forward. */
  readonly direction: 'out' | 'in';
  readonly guest: { readonly address: string; readonly port: number };
  /** As the guest sees it. */
  readonly remote: { readonly address: string; readonly port: number };
}

/** `deny` refuses it in the protocol's own words (RST, ICMP "administratively prohibited"); a target leads it elsewhere. */
export type PolicyDecision = 'allow' | 'deny' | HostTarget;

/** May not throw, and is not asked for what the network answers itself (DHCP, DNS, echo to the gateway). */
export type Policy = (flow: FlowRequest) => PolicyDecision;
