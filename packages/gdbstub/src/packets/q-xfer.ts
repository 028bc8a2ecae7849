import { targetXml } from '../architecture.js';
import { latin1, parseRange } from '../hex.js';
import type { GdbSession } from '../session.js';
import { BAD_PACKET, type Packet, type Reply } from './packet.js';

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function threadsXml(session: GdbSession): string {
  const lines = session.target.threads().map(({ id, name, core, note }) => {
    const attributes = `${core === undefined ? '' : ` core="${core}"`}${name === undefined ? '' : ` name="${escapeXml(name)}"`}`;
    return `<thread id="${session.threadId(id)}"${attributes}>${escapeXml(note ?? '')}</thread>\n`;
  });
  return `<?xml version="1.0"?>\n<threads>\n${lines.join('')}</threads>\n`;
}

function memoryMapXml({ target }: GdbSession): string | undefined {
  const lines = target.memoryMap?.().map(({ type, start, length }) => `<memory type="${type}" start="0x${start.toString(16)}" length="0x${length.toString(16)}"/>\n`);
  return lines === undefined
    ? undefined
    : `<?xml version="1.0"?>\n<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">\n<memory-map>\n${lines.join('')}</memory-map>\n`;
}

/** The objects that can be read. @returns undefined when there is none */
function objectText(session: GdbSession, object: string, annex: string): string | undefined {
  switch (object) {
    case 'features':
      return annex === 'target.xml' ? targetXml(session.target.architecture) : undefined;
    case 'threads':
      return annex === '' ? threadsXml(session) : undefined;
    case 'memory-map':
      return annex === '' ? memoryMapXml(session) : undefined;
    case 'exec-file':
      return session.target.execFile?.();
    default:
      return undefined;
  }
}

const OBJECTS = new Set(['features', 'threads', 'memory-map', 'exec-file']);

/** `qXfer:object:read:annex:offset,length`. GDB manual, E.4 "General Query Packets". @rsp qXfer */
export const qXfer: Packet = {
  name: 'qXfer',
  run(session, args): Reply {
    const [, object, operation, annex, where, ...more] = args.split(':');
    if (!OBJECTS.has(object) || operation !== 'read') return '';
    const range = where === undefined || more.length > 0 ? undefined : parseRange(where, 0xffffffff);
    if (range === undefined) return BAD_PACKET;
    const text = objectText(session, object, annex);
    if (text === undefined) return 'E00';
    const bytes = new TextEncoder().encode(text);
    const from = Math.min(Number(range.address), bytes.length);
    const part = bytes.subarray(from, from + Math.min(range.length, session.packetBytes / 2 - 4));
    const reply = new Uint8Array(part.length + 1);
    reply.set(latin1(from + part.length < bytes.length ? 'm' : 'l'));
    reply.set(part, 1);
    return reply;
  },
};
