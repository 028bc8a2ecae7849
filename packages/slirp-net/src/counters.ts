/** What the network counted since it was made. */
export interface NetworkCounters {
  framesFromGuests: number;
  framesToGuests: number;
  bytesFromGuests: number;
  bytesToGuests: number;
  /** Cut short, wrong lengths or checksums: dropped. */
  malformed: number;
  /** Well-formed, but not for us, from an impossible address, or over a limit. */
  ignored: number;
  fragmentsReceived: number;
  icmpErrorsSent: number;
  tcpOpened: number;
  tcpRefused: number;
  tcpRetransmitted: number;
  tcpResetsSent: number;
  udpOpened: number;
  udpDropped: number;
  dnsQueries: number;
}

export function emptyCounters(): NetworkCounters {
  return {
    framesFromGuests: 0,
    framesToGuests: 0,
    bytesFromGuests: 0,
    bytesToGuests: 0,
    malformed: 0,
    ignored: 0,
    fragmentsReceived: 0,
    icmpErrorsSent: 0,
    tcpOpened: 0,
    tcpRefused: 0,
    tcpRetransmitted: 0,
    tcpResetsSent: 0,
    udpOpened: 0,
    udpDropped: 0,
    dnsQueries: 0,
  };
}
