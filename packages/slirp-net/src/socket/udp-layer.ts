import type { NetworkCounters } from '../counters.js';
import { type Arrival, destinationOf, sourceOf } from '../iface/arrival.js';
import type { Interface, Route } from '../iface/interface.js';
import { IPPROTO_UDP } from '../wire/ip.js';
import { parseUdp, UDP_HEADER, type UdpHeader, writeUdp } from '../wire/udp.js';

/** Who sent a datagram to a service of ours. */
export interface UdpClient {
  readonly address: Uint8Array;
  readonly port: number;
  readonly mac: Uint8Array;
  /** What it was sent to. */
  readonly to: Uint8Array;
  readonly arrival: Arrival;
}

/** Gets a datagram's data, borrowed until it returns. @returns false when the port is not served at that address after all */
export type UdpService = (data: Uint8Array, client: UdpClient) => boolean;

export interface UdpLayerContext {
  readonly iface: Interface;
  readonly counters: NetworkCounters;
  /** Datagrams that no service takes. */
  readonly forward: (arrival: Arrival, header: UdpHeader) => void;
}

/** UDP: datagrams in and out, and the services that the network has itself. */
export class UdpLayer {
  private readonly services = new Map<number, UdpService>();
  private readonly header: UdpHeader = { sourcePort: 0, destinationPort: 0, dataStart: 0, dataEnd: 0 };

  constructor(private readonly context: UdpLayerContext) {}

  serve(port: number, service: UdpService): void {
    this.services.set(port, service);
  }

  input(arrival: Arrival): void {
    const { header, context } = this;
    const { packet, toUs, broadcast } = arrival;
    if (!parseUdp(packet, header)) {
      context.counters.malformed++;
      return;
    }
    if (toUs || broadcast) {
      const service = this.services.get(header.destinationPort);
      if (service !== undefined) {
        const client: UdpClient = { address: sourceOf(arrival), port: header.sourcePort, mac: arrival.frame.slice(6, 12), to: destinationOf(arrival), arrival };
        if (service(packet.bytes.subarray(header.dataStart, header.dataEnd), client)) return;
      }
    }
    if (broadcast) context.counters.ignored++;
    else context.forward(arrival, header);
  }

  /** Sends a datagram to a guest. The data is borrowed. */
  send(route: Route, sourcePort: number, destinationPort: number, data: Uint8Array): boolean {
    const { iface } = this.context;
    const at = iface.begin(route);
    if (data.length > 0xffff - UDP_HEADER) return false;
    writeUdp(iface.bytes, at, { sourcePort, destinationPort, length: data.length });
    iface.bytes.set(data, at + UDP_HEADER);
    return iface.finish(route, IPPROTO_UDP, UDP_HEADER + data.length);
  }
}
