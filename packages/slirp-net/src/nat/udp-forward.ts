import type { HostAddress, HostNetwork, HostTarget, HostUdp } from '../host-network.js';
import type { Arrival } from '../iface/arrival.js';
import type { Interface, Route } from '../iface/interface.js';
import type { UdpLayer } from '../socket/udp-layer.js';
import type { NetworkTimer } from '../timers.js';
import { equalAt } from '../wire/bytes.js';
import type { UdpHeader } from '../wire/udp.js';

const IDLE_MS = 300_000;
const MAX_PEERS = 512;
const FIRST_PORT = 49_152;

/** A peer of the host that wrote to a forwarded port: the guest knows it as a port of the gateway. */
interface Peer {
  readonly key: string;
  readonly from: HostAddress;
  readonly port: number;
  readonly guestPort: number;
  readonly route: Route;
  readonly socket: HostUdp;
  readonly timer: NetworkTimer;
}

/** UDP host forwards. */
export class UdpForwards {
  private readonly byKey = new Map<string, Peer>();
  private readonly byPort = new Map<number, Peer>();
  private nextPort = FIRST_PORT;
  private serial = 0;

  constructor(
    private readonly iface: Interface,
    private readonly udp: UdpLayer,
    private readonly host: HostNetwork,
  ) {}

  async open(at: HostAddress, route: Route, guestPort: number, allowed: (from: HostAddress) => boolean): Promise<{ readonly at: HostTarget; close(): void }> {
    const serial = this.serial++;
    const holder: { socket?: HostUdp } = {};
    const bound = await this.host.bindUdp(at, {
      message: (data, from) => {
        const peer = holder.socket && this.peer(serial, holder.socket, from, route, guestPort, allowed);
        if (peer !== undefined && route.neighbour.port?.blocked !== true) this.udp.send(route, peer.port, guestPort, data);
      },
      failed: () => {},
    });
    holder.socket = bound;
    return {
      at: bound.at,
      close: () => {
        bound.close();
        for (const peer of [...this.byPort.values()]) if (peer.socket === bound) this.forget(peer);
      },
    };
  }

  /** A datagram to the gateway. @returns whether it is an answer to a peer */
  input({ packet: { bytes, sourceAt } }: Arrival, { sourcePort, destinationPort, dataStart, dataEnd }: UdpHeader): boolean {
    const peer = this.byPort.get(destinationPort);
    if (peer === undefined || sourcePort !== peer.guestPort || !equalAt(bytes, sourceAt, peer.route.destination)) return false;
    peer.timer.arm(this.iface.timers.nowMs() + IDLE_MS);
    peer.socket.send(bytes.subarray(dataStart, dataEnd), peer.from);
    return true;
  }

  private peer(serial: number, socket: HostUdp, from: HostAddress, route: Route, guestPort: number, allowed: (from: HostAddress) => boolean): Peer | undefined {
    const key = `${serial} ${from.address} ${from.port}`;
    let peer = this.byKey.get(key);
    if (peer === undefined) {
      if (!allowed(from)) return undefined;
      if (this.byKey.size >= MAX_PEERS) this.forget(this.byKey.values().next().value as Peer);
      do this.nextPort = this.nextPort >= 0xffff ? FIRST_PORT : this.nextPort + 1;
      while (this.byPort.has(this.nextPort));
      const made: Peer = { key, from, port: this.nextPort, guestPort, route, socket, timer: this.iface.timers.create(() => this.forget(made)) };
      peer = made;
      this.byKey.set(key, peer);
      this.byPort.set(peer.port, peer);
    }
    peer.timer.arm(this.iface.timers.nowMs() + IDLE_MS);
    return peer;
  }

  private forget(peer: Peer): void {
    this.byKey.delete(peer.key);
    this.byPort.delete(peer.port);
    peer.timer.dispose();
  }
}
