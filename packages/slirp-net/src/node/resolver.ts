import { createSocket } from 'node:dgram';
import { getServers, lookup } from 'node:dns';
import { createConnection } from 'node:net';
import { type Answer, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED } from 'dns-packet';

const TIMEOUT_MS = 3000;
const MAX_MESSAGE = 65_535;
const TTL_SECONDS = 60;

/** Why a message that can't be answered is answered with an error (RFC 1035 4.1.1). */
const SERVFAIL = 2;
const NXDOMAIN = 3;

/**
 * Answers a DNS query as the host would: by the name servers that the host is configured with, any type of record; and where these don't
 * know a name, by the host's own ways (its hosts file, mDNS and whatever else `getaddrinfo` asks).
 */
export async function resolveQuery(query: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array> {
  let answer: Uint8Array | undefined;
  for (const server of getServers()) {
    answer = await askUdp(query, server).catch(() => undefined);
    // Truncated: over TCP there is more, for who asked over TCP.
    if (over === 'tcp' && answer !== undefined && (answer[2] & 2) !== 0) answer = (await askTcp(query, server).catch(() => undefined)) ?? answer;
    if (answer !== undefined) break;
  }
  const code = answer === undefined ? SERVFAIL : answer[3] & 15;
  if (code !== SERVFAIL && code !== NXDOMAIN && answer !== undefined) return answer;
  return (await askSystem(query)) ?? answer ?? failure(query, SERVFAIL);
}

/** `1.2.3.4`, `1.2.3.4:5353`, `2001:db8::1`, `[2001:db8::1]:5353` */
function endpoint(server: string): { address: string; port: number; family: 4 | 6 } {
  const match = /^\[(.*)\]:(\d+)$/.exec(server) ?? /^([^:]*):(\d+)$/.exec(server);
  const address = match?.[1] ?? server;
  return { address, port: Number(match?.[2] ?? 53), family: address.includes(':') ? 6 : 4 };
}

function askUdp(query: Uint8Array, server: string): Promise<Uint8Array> {
  const { address, port, family } = endpoint(server);
  return new Promise((done, fail) => {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    const timer = setTimeout(() => finish(new Error('timeout')), TIMEOUT_MS);
    const finish = (result: Uint8Array | Error): void => {
      clearTimeout(timer);
      socket.close();
      if (result instanceof Error) fail(result);
      else done(result);
    };
    socket.on('error', finish);
    // Connected: only the server's own answers get through.
    socket.connect(port, address, () => socket.send(query));
    socket.on('message', (bytes) => {
      if (bytes.length >= 12 && bytes[0] === query[0] && bytes[1] === query[1] && (bytes[2] & 0x80) !== 0) finish(bytes);
    });
  });
}

function askTcp(query: Uint8Array, server: string): Promise<Uint8Array> {
  const { address, port } = endpoint(server);
  return new Promise((done, fail) => {
    const socket = createConnection({ host: address, port });
    const parts: Buffer[] = [];
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.of(query.length >>> 8, query.length & 255), query])));
    socket.on('data', (bytes) => {
      parts.push(bytes);
      const all = Buffer.concat(parts);
      if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) {
        if (all.length > MAX_MESSAGE + 2) socket.destroy(new Error('too long'));
        return;
      }
      const answer = all.subarray(2, 2 + all.readUInt16BE(0));
      socket.destroy();
      if (answer.length >= 12 && answer[0] === query[0] && answer[1] === query[1]) done(answer);
      else fail(new Error('not an answer'));
    });
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('closed')));
  });
}

/** undefined when it is nothing that `getaddrinfo` knows about. */
async function askSystem(query: Uint8Array): Promise<Uint8Array | undefined> {
  let packet;
  try {
    packet = decode(Buffer.from(query));
  } catch {
    return failure(query, 1);
  }
  const question = packet.questions?.[0];
  if (question === undefined || packet.questions?.length !== 1 || (question.type !== 'A' && question.type !== 'AAAA')) return undefined;
  const family = question.type === 'A' ? 4 : 6;
  const found = await new Promise<{ address: string }[] | undefined>((done) => {
    lookup(question.name, { all: true, family }, (error, addresses) => done(error === null ? addresses : undefined));
  });
  if (found === undefined || found.length === 0) return undefined;
  const answers: Answer[] = found.map(({ address }) => ({ type: question.type as 'A', name: question.name, ttl: TTL_SECONDS, data: address }));
  return encode({ type: 'response', id: packet.id ?? 0, flags: RECURSION_DESIRED | RECURSION_AVAILABLE, questions: [question], answers });
}

/** The query's own header and question, turned into an answer that says no. */
export function failure(query: Uint8Array, code: number): Uint8Array {
  const answer = query.slice();
  answer[2] = 0x80 | (query[2] & 0x79);
  answer[3] = 0x80 | code;
  return answer;
}
