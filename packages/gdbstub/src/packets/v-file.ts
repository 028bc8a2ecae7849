import { hexToText, parseNumber } from '../hex.js';
import type { GdbSession } from '../session.js';
import type { Packet, Reply } from './packet.js';

/** GDB manual, E.12 "File-I/O Remote Protocol Extension", errno values. */
const Errno = { ENOENT: 2, EBADF: 9, EACCES: 13, EINVAL: 22, EMFILE: 24, EROFS: 30 } as const;
const MOST_OPEN = 16;
const O_ACCMODE = 3;
const S_IFREG_READABLE = 0o100444;

const failed = (errno: number): string => `F-1,${errno.toString(16)}`;

/** `F result ; attachment`. */
function attached(result: number, data: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`F${result.toString(16)};`);
  const reply = new Uint8Array(head.length + data.length);
  reply.set(head);
  reply.set(data, head.length);
  return reply;
}

function open(session: GdbSession, name: string, flags: string): Reply {
  const path = hexToText(name);
  const how = parseNumber(flags ?? '');
  if (path === undefined || how === undefined) return failed(Errno.EINVAL);
  if ((how & O_ACCMODE) !== 0) return failed(Errno.EROFS);
  if (session.openFiles.size >= MOST_OPEN) return failed(Errno.EMFILE);
  const file = session.target.files?.open(path);
  if (file === undefined) return failed(Errno.ENOENT);
  const handle = session.nextFile++;
  session.openFiles.set(handle, file);
  return `F${handle.toString(16)}`;
}

/** `struct stat` of the protocol: 64 bytes, big-endian. GDB manual, E.12.5 "struct stat". */
function stat(size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(8, S_IFREG_READABLE);
  view.setUint32(12, 1);
  view.setBigUint64(28, BigInt(size));
  view.setBigUint64(36, 512n);
  view.setBigUint64(44, BigInt(Math.ceil(size / 512)));
  return new Uint8Array(view.buffer);
}

/** Files that a debugger reads from us: the program that runs. GDB manual, E.7 "Host I/O Packets". @rsp vFile */
export const vFile: Packet = {
  name: 'vFile',
  run(session, args): Reply {
    if (session.target.files === undefined) return '';
    const [, operation, rest = ''] = /^:([a-z]+):?([^]*)$/.exec(args) ?? [];
    const [first = '', second = '', third = ''] = rest.split(',');
    const file = session.openFiles.get(parseNumber(first) ?? -1);
    switch (operation) {
      case 'setfs':
        return 'F0';
      case 'open':
        return open(session, first, second);
      case 'close':
        return session.openFiles.delete(parseNumber(first) ?? -1) ? 'F0' : failed(Errno.EBADF);
      case 'pread': {
        const length = parseNumber(second);
        const offset = /^[0-9a-f]{1,13}$/i.test(third) ? parseInt(third, 16) : undefined;
        if (file === undefined) return failed(Errno.EBADF);
        if (length === undefined || offset === undefined) return failed(Errno.EINVAL);
        const data = file.read(offset, Math.min(length, session.packetBytes / 2 - 16));
        return attached(data.length, data);
      }
      case 'fstat':
        return file === undefined ? failed(Errno.EBADF) : attached(64, stat(file.size));
      case 'pwrite':
      case 'unlink':
        return failed(Errno.EROFS);
      case 'readlink':
        return failed(Errno.EINVAL);
      default:
        return '';
    }
  },
};
