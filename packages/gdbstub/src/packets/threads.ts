import { textToHex } from '../hex.js';
import type { GdbSession } from '../session.js';
import { NO_SUCH_THREAD, OK, type Packet } from './packet.js';
import { parseThreadId, threadOf } from './thread-id.js';

/** Which thread later packets mean. @rsp H */
export const setThread: Packet = {
  name: 'H',
  run(session, args) {
    const id = parseThreadId(args.slice(1));
    if (id === undefined) return NO_SUCH_THREAD;
    if (args[0] === 'c') {
      session.resumeThread = id;
      return OK;
    }
    if (args[0] !== 'g') return '';
    if (id > 0) {
      if (session.threadNamed(id) === undefined) return NO_SUCH_THREAD;
      session.thread = id;
    }
    return OK;
  },
};

/** Is it alive? @rsp T */
export const threadAlive: Packet = {
  name: 'T',
  run: (session, args) => (threadOf(session, args) === undefined ? NO_SUCH_THREAD : OK),
};

/** @rsp qC */
export const qC: Packet = { name: 'qC', run: (session) => `QC${session.threadId(session.thread)}` };

const THREADS_PER_REPLY = 100;
function nextThreads(session: GdbSession): string {
  const some = session.threadList.slice(0, THREADS_PER_REPLY);
  session.threadList = session.threadList.slice(THREADS_PER_REPLY);
  return some.length === 0 ? 'l' : `m${some.map(({ id }) => session.threadId(id)).join(',')}`;
}

/** @rsp qfThreadInfo */
export const qfThreadInfo: Packet = {
  name: 'qfThreadInfo',
  run(session) {
    session.threadList = session.target.threads();
    return nextThreads(session);
  },
};
/** @rsp qsThreadInfo */
export const qsThreadInfo: Packet = { name: 'qsThreadInfo', run: nextThreads };

/** @rsp qThreadExtraInfo */
export const qThreadExtraInfo: Packet = {
  name: 'qThreadExtraInfo',
  run(session, args) {
    const thread = threadOf(session, args.slice(1));
    if (thread === undefined) return NO_SUCH_THREAD;
    return textToHex([thread.name, thread.note].filter((text) => text !== undefined).join(' '));
  },
};

/** Our threads neither begin nor end: there is nothing to tell. @rsp QThreadEvents */
export const qThreadEvents: Packet = { name: 'QThreadEvents', run: (_, args) => (args === ':0' || args === ':1' ? OK : NO_SUCH_THREAD) };
