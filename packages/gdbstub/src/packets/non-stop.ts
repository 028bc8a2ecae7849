import { Signal } from '../session.js';
import type { Stop } from '../target.js';
import { BAD_PACKET, OK, type Packet } from './packet.js';
import { stopReply } from './stop-reply.js';

/** @rsp QNonStop */
export const qNonStop: Packet = {
  name: 'QNonStop',
  run(session, args) {
    if ((args !== ':0' && args !== ':1') || (args === ':1' && session.target.nonStop === undefined)) return BAD_PACKET;
    session.nonStop = args === ':1';
    return OK;
  },
};

/** The debugger has read a stop: the next one, or OK. @rsp vStopped */
export const vStopped: Packet = {
  name: 'vStopped',
  run(session) {
    session.notifications.shift();
    const [next] = session.notifications;
    return next === undefined ? OK : stopReply(session, next);
  },
};

/**
 * Why everything stands still; in non-stop mode the first of all that does. The others could be had by `vStopped`, but GDB 13 fails an assertion of its own
 * when it gets more than one there (`queued_stop_reply` marks an event that `wait` then doesn't expect): they are told of as stops that have just happened.
 *
 * @rsp ?
 */
export const lastStop: Packet = {
  name: '?',
  run(session) {
    if (!session.nonStop) return session.running ? BAD_PACKET : stopReply(session, session.lastStop);
    const stopped = session.target.threads().filter(({ id }) => !session.runningThreads.has(id));
    const [first, ...others] = stopped.map(({ id }): Stop => ({ reason: 'signal', thread: id, signal: Signal.none }));
    session.notifications.length = 0;
    session.laterStops.length = 0;
    session.laterStops.push(...others);
    if (first === undefined) return OK;
    session.notifications.push(first);
    return stopReply(session, first);
  },
};
