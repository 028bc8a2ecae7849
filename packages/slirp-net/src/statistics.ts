import type { NetworkCounters } from './counters.js';
import type { UdpFlow } from './nat/udp-nat.js';
import type { TcpConnection } from './socket/tcp-connection.js';
import { formatAddress } from './wire/address.js';

/** One flow, at the moment of asking. */
export interface FlowStatistics {
  readonly protocol: 'tcp' | 'udp';
  readonly guest: { readonly address: string; readonly port: number };
  /** What the guest talks with, as it sees it. A UDP flow may have several; the latest. */
  readonly remote: { readonly address: string; readonly port: number } | undefined;
  /** TCP's state, as RFC 9293 names them; `held` while the host dials. */
  readonly state: string;
  readonly ageMs: number;
  readonly bytesFromGuest: number;
  readonly bytesToGuest: number;
  readonly packetsFromGuest: number;
  readonly packetsToGuest: number;
  readonly retransmissions: number;
  /** Smoothed round-trip time of TCP; 0 before the first measurement. */
  readonly srttMs: number;
}

export interface NetworkStatistics {
  readonly counters: Readonly<NetworkCounters>;
  readonly tcpFlows: number;
  readonly udpFlows: number;
}

export function tcpStatistics(connection: TcpConnection, nowMs: number): FlowStatistics {
  const { route, localPort, remotePort, state, openedMs, bytesFromGuest, bytesToGuest, packetsFromGuest, packetsToGuest, retransmissions, srttMs } = connection;
  return {
    protocol: 'tcp',
    guest: { address: formatAddress(route.destination), port: remotePort },
    remote: { address: formatAddress(route.source), port: localPort },
    state,
    ageMs: nowMs - openedMs,
    bytesFromGuest,
    bytesToGuest,
    packetsFromGuest,
    packetsToGuest,
    retransmissions,
    srttMs,
  };
}

export function udpStatistics(flow: UdpFlow, nowMs: number): FlowStatistics {
  const { guest, port, last, openedMs, bytesFromGuest, bytesToGuest, packetsFromGuest, packetsToGuest } = flow;
  return {
    protocol: 'udp',
    guest: { address: formatAddress(guest), port },
    remote: last === undefined ? undefined : { address: formatAddress(last.address), port: last.port },
    state: 'open',
    ageMs: nowMs - openedMs,
    bytesFromGuest,
    bytesToGuest,
    packetsFromGuest,
    packetsToGuest,
    retransmissions: 0,
    srttMs: 0,
  };
}
