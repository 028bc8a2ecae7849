import type { NetworkCounters } from '../counters.js';
import type { HostNetwork } from '../host-network.js';
import type { GuestStream } from '../nat/function-stream.js';
import { readU16 } from '../wire/bytes.js';

export const DNS_PORT = 53;
const HEADER = 12;
/** Questions that the host works on; a guest that asks more gets no answer and asks again. */
const MAX_IN_FLIGHT = 64;
/** RFC 1035 2.3.4 has 512; with EDNS a query is hardly longer. */
const MAX_UDP_QUERY = 4096;
const MAX_TCP_CONNECTION_BYTES = 1 << 20;

/** Passes questions to the host's resolver, byte for byte: every type of record works that the resolver knows. */
export class DnsForwarder {
  private inFlight = 0;

  constructor(
    private readonly host: HostNetwork,
    private readonly counters: NetworkCounters,
  ) {}

  /** A datagram's data, borrowed. */
  datagram(data: Uint8Array, reply: (answer: Uint8Array) => void): void {
    if (data.length > MAX_UDP_QUERY || !isQuery(data)) {
      this.counters.malformed++;
      return;
    }
    void this.ask(data.slice(), 'udp').then((answer) => answer !== undefined && reply(answer));
  }

  /** RFC 1035 4.2.2: messages with their length before them. */
  async connection(stream: GuestStream): Promise<void> {
    let held = new Uint8Array(0);
    let total = 0;
    for await (const bytes of stream) {
      total += bytes.length;
      if (total > MAX_TCP_CONNECTION_BYTES) return;
      const both = new Uint8Array(held.length + bytes.length);
      both.set(held);
      both.set(bytes, held.length);
      held = both;
      while (held.length >= 2 && held.length >= 2 + readU16(held, 0)) {
        const query = held.slice(2, 2 + readU16(held, 0));
        held = held.slice(2 + query.length);
        if (!isQuery(query)) {
          stream.abort();
          return;
        }
        const answer = await this.ask(query, 'tcp');
        if (answer === undefined || answer.length > 0xffff) continue;
        const framed = new Uint8Array(2 + answer.length);
        framed[0] = answer.length >>> 8;
        framed[1] = answer.length;
        framed.set(answer, 2);
        await stream.write(framed);
      }
    }
  }

  private async ask(query: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    if (this.inFlight >= MAX_IN_FLIGHT) return undefined;
    this.inFlight++;
    this.counters.dnsQueries++;
    try {
      return await this.host.resolve(query, over);
    } catch {
      return undefined;
    } finally {
      this.inFlight--;
    }
  }
}

/** A query with at least one question (QR is 0): an answer would be sent round in circles. */
function isQuery(data: Uint8Array): boolean {
  return data.length >= HEADER + 5 && (data[2] & 0x80) === 0 && readU16(data, 4) >= 1;
}
