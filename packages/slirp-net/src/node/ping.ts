import { execFile } from 'node:child_process';
import { isIP } from 'node:net';
import type { HostFailure, HostPing } from '../host-network.js';

/**
 * Sends an echo request by the host's `ping`, which may have the right to raw sockets that we have not. Where there is none the echo is refused, never
 * forged.
 */
export function pingHost(address: string, { payloadLength, hopLimit, timeoutMs }: HostPing): Promise<'reply' | 'timeout' | HostFailure> {
  const family = isIP(address);
  if (family === 0) return Promise.resolve('failed');
  const options = [`-${family}`, '-n', '-q', '-c', '1', '-t', String(hopLimit), '-s', String(payloadLength), '-W', String(Math.ceil(timeoutMs / 1000)), address];
  return new Promise((done) => {
    execFile('ping', options, { timeout: timeoutMs + 1000, env: { PATH: process.env['PATH'], LC_ALL: 'C' } }, (error, _out, complaint) => {
      // iputils' ping(8): 0 a reply came, 1 none came, 2 another error.
      if (error === null) done('reply');
      else if (error.code === 1) done('timeout');
      else done(/unreachable/i.test(complaint) ? 'net-unreachable' : 'prohibited');
    });
  });
}
