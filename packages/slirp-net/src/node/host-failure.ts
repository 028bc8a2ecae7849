import type { HostFailure, HostTarget } from '../host-network.js';
import { NetworkError } from '../network-error.js';

const FAILURES: Readonly<Record<string, HostFailure>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  ENETUNREACH: 'net-unreachable',
  ENETDOWN: 'net-unreachable',
  EADDRNOTAVAIL: 'net-unreachable',
  EAFNOSUPPORT: 'net-unreachable',
  EHOSTUNREACH: 'host-unreachable',
  EHOSTDOWN: 'host-unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EACCES: 'prohibited',
  EPERM: 'prohibited',
  EADDRINUSE: 'in-use',
};

/** What an error of Node's sockets means to a guest. */
export function failureOf(error: unknown): HostFailure {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code !== undefined && Object.hasOwn(FAILURES, code) ? FAILURES[code] : 'failed';
}

export function listenError(at: HostTarget, error: unknown): NetworkError {
  const where = 'path' in at ? at.path : `${at.address}:${at.port}`;
  const reason = error instanceof Error ? error.message : String(error);
  return new NetworkError(failureOf(error) === 'in-use' ? 'in-use' : 'host', `can't listen on ${where}: ${reason}`, { cause: error });
}
