import { registerBytes } from '../architecture.js';
import { parseAddress, parseNumber, textToHex, toHex } from '../hex.js';
import type { GdbSession } from '../session.js';
import type { Stop } from '../target.js';
import { BAD_PACKET, NO_SUCH_THREAD, OK, type Packet } from './packet.js';
import { lldbReason, signalOf, stopReply } from './stop-reply.js';
import { threadOf } from './thread-id.js';

// LLDB's additions: llvm-project, lldb/docs, "GDB Remote Protocol Extensions".

function host({ target }: GdbSession): string {
  const { triple, littleEndian, pointerBytes } = target.architecture;
  return `triple:${textToHex(triple)};ptrsize:${pointerBytes};endian:${littleEndian ? 'little' : 'big'};`;
}

/** @rsp qHostInfo */
export const qHostInfo: Packet = { name: 'qHostInfo', run: host };
/** @rsp qProcessInfo */
export const qProcessInfo: Packet = { name: 'qProcessInfo', run: (session) => `pid:1;${host(session)}` };
/** @rsp qGDBServerVersion */
export const qGDBServerVersion: Packet = { name: 'qGDBServerVersion', run: () => 'name:pckit;version:1;' };
/** @rsp QThreadSuffixSupported */
export const qThreadSuffixSupported: Packet = {
  name: 'QThreadSuffixSupported',
  run(session) {
    session.threadSuffix = true;
    return OK;
  },
};
/** @rsp QListThreadsInStopReply */
export const qListThreadsInStopReply: Packet = {
  name: 'QListThreadsInStopReply',
  run(session) {
    session.threadsInStopReply = true;
    return OK;
  },
};
/** Any number. @rsp qWatchpointSupportInfo */
export const qWatchpointSupportInfo: Packet = {
  name: 'qWatchpointSupportInfo',
  run: (session) => (session.target.watchpoints === undefined ? '' : 'num:1024;'),
};
/** @rsp qEcho */
export const qEcho: Packet = { name: 'qEcho', run: (_, args) => `qEcho${args}` };

const SETS: Readonly<Record<string, string>> = { general: 'General Purpose Registers', float: 'Floating Point Registers', vector: 'Vector Registers', system: 'System Registers' };

/** @rsp qRegisterInfo */
export const qRegisterInfo: Packet = {
  name: 'qRegisterInfo',
  run({ target }, args) {
    const { registers } = target.architecture;
    const number = parseNumber(args);
    const register = number === undefined ? undefined : registers[number];
    if (register === undefined) return 'E45';
    const offset = registers.slice(0, number).reduce((sum, before) => sum + registerBytes(before), 0);
    const vector = register.bits > 80;
    const { name, bits, group = 'general', generic, dwarf } = register;
    const form = vector ? 'encoding:vector;format:vector-uint8;' : bits === 80 ? 'encoding:ieee754;format:float;' : 'encoding:uint;format:hex;';
    const numbers = dwarf === undefined ? '' : `ehframe:${dwarf};dwarf:${dwarf};`;
    return `name:${name};bitsize:${bits};offset:${offset};${form}set:${SETS[group] ?? group};${numbers}${generic === undefined ? '' : `generic:${generic};`}`;
  },
};

/** @rsp qMemoryRegionInfo */
export const qMemoryRegionInfo: Packet = {
  name: 'qMemoryRegionInfo',
  run(session, args) {
    if (session.target.memoryRegion === undefined) return '';
    const address = parseAddress(args.slice(1));
    if (address === undefined) return BAD_PACKET;
    const { start, length, permissions } = session.target.memoryRegion(session.thread, address);
    return `start:${start.toString(16)};size:${length.toString(16)};${permissions === undefined ? '' : `permissions:${permissions};`}`;
  },
};

function stopOf(session: GdbSession, thread: number): Stop {
  const { lastStop } = session;
  return lastStop.reason !== 'exited' && lastStop.thread === thread ? lastStop : { reason: 'signal', thread, signal: 0 };
}

/** @rsp qThreadStopInfo */
export const qThreadStopInfo: Packet = {
  name: 'qThreadStopInfo',
  run(session, args) {
    const thread = threadOf(session, args);
    return thread === undefined ? NO_SUCH_THREAD : stopReply(session, stopOf(session, thread.id));
  },
};

/** All that LLDB wants to know of all threads after a stop. @rsp jThreadsInfo */
export const jThreadsInfo: Packet = {
  name: 'jThreadsInfo',
  run(session) {
    const { target } = session;
    const expedited = target.architecture.expedited ?? [];
    const threads = target.threads().map(({ id, name }) => {
      const stop = stopOf(session, id);
      const registers: Record<string, string> = {};
      for (const register of expedited) {
        const value = target.readRegister(id, register);
        if (value !== undefined) registers[register] = toHex(value);
      }
      const signal = signalOf(session, stop);
      return {
        tid: id,
        ...(name === undefined ? {} : { name }),
        ...(signal === 0 ? {} : { signal, reason: lldbReason(stop) }),
        ...(stop.reason === 'watchpoint' ? { description: textToHex(`${stop.address}`) } : {}),
        registers,
      };
    });
    return JSON.stringify(threads);
  },
};
