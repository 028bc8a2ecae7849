import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Plain } from '@pckit/interfaces';
import { createNetwork, NetworkError, pcapWriter, type HostTarget, type Middleware, type Network, type NetworkOptions, type NetworkPort, type PortState } from '@pckit/slirp-net';
import { NodeHost, RealClock, tftpFolder } from '@pckit/slirp-net/node';
import { CliError } from '../cli-error.js';
import { openOutputFile } from '../output-file.js';
import type { NetOption, StreamAddress } from '../parse/net-option.js';

export type UserNetworkOption = Extract<NetOption, { kind: 'user' }>;

export interface UserNetwork {
  readonly network: Network;
  /** Plugs in a card. */
  attach(): NetworkPort;
  close(): Promise<void>;
}

export interface UserNetworkContext {
  readonly say: (message: string) => void;
  readonly failed: (message: string) => void;
}

/** What `--net user,...` and `pckit net` ask for. */
export async function openUserNetwork(option: UserNetworkOption, { say, failed }: UserNetworkContext): Promise<UserNetwork> {
  const clock = new RealClock();
  const capture = option.pcap === undefined ? undefined : await openOutputFile('capture', option.pcap, failed);
  const epochMs = Date.now() - clock.nowMs();
  const middleware: Middleware[] = capture === undefined ? [] : [pcapWriter({ clock, epochMs, write: (bytes) => capture.write(bytes) })];
  const network = asked(() => createNetwork({ host: new NodeHost({ udpThread: availableParallelism() > 1 }), clock, middleware, ...settings(option) }));
  const close = (): Promise<void> => {
    network.close();
    return new Promise((done) => (capture === undefined ? done() : capture.end(() => done())));
  };
  try {
    for (const { guestAddress, guestPort, target } of option.guestForwards) asked(() => network.serve({ address: guestAddress, port: guestPort }, targetOf(target)));
    for (const { protocol, hostAddress, hostPort, guestAddress, guestPort } of option.hostForwards) {
      // QEMU listens on every address when none is given. Here whoever is to come from elsewhere is let in by hand: hostfwd=tcp:0.0.0.0:...
      const host = { address: hostAddress === '' ? '127.0.0.1' : hostAddress, port: hostPort };
      if (isIP(host.address) === 0) throw new CliError('usage', `--net: "${host.address}" is not an address`, 'Write hostfwd=tcp:127.0.0.1:10021-:22.');
      const forward = await network.forward({ protocol, host, guest: { port: guestPort, ...(guestAddress === '' ? {} : { address: guestAddress }) } }).catch((error: unknown) => {
        throw explained(error);
      });
      if (hostPort === 0 && 'port' in forward.at) say(`${protocol} port ${forward.at.port} of ${forward.at.address} leads to the guest's port ${guestPort}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  // The machine's cable takes frames with offloads.
  return { network, attach: () => network.attach([], { offloads: true }), close };
}

/** The port's guest is the one of a snapshot, which had this under way. */
export function restorePort(port: NetworkPort, state: Plain): void {
  try {
    port.restore(state as PortState);
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new CliError('input', `the snapshot's connections: ${error.message}`, 'The file is damaged, or of a later version.', { cause: error });
  }
}

function settings({ net, dns, hostname, domain, tftp, bootfile, restrict, ipv6 }: UserNetworkOption): Partial<NetworkOptions> {
  return {
    restrict,
    ipv4: { ...(net === undefined ? {} : { network: net }), ...(dns === undefined ? {} : { dns }) },
    ...(ipv6 ? {} : { ipv6: false }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(domain === undefined ? {} : { domain }),
    ...(tftp === undefined ? {} : { tftp: tftpFolder(tftp) }),
    ...(bootfile === undefined ? {} : { bootFile: bootfile }),
  };
}

function targetOf(target: StreamAddress): HostTarget {
  return target.kind === 'unix' ? { path: target.path } : { address: target.host, port: target.port };
}

function asked<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw explained(error);
  }
}

export function explained(error: unknown): unknown {
  if (!(error instanceof NetworkError)) return error;
  return error.code === 'bad-option'
    ? new CliError('usage', `--net: ${error.message}`, '"pckit net --help" shows what a network takes.', { cause: error })
    : new CliError('input', `--net: ${error.message}`, 'Another program has it, or it is not an address of this host.', { cause: error });
}
