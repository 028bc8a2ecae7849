import type { GdbSession } from '../session.js';
import { BAD_PACKET, FAILED, OK, type Packet, type Reply } from './packet.js';
import { stopReply } from './stop-reply.js';

/** @rsp ! */
export const extendedMode: Packet = {
  name: '!',
  run(session) {
    session.extended = true;
    return OK;
  },
};

/** The program was running before the debugger came: it detaches rather than kills. @rsp qAttached */
export const qAttached: Packet = { name: 'qAttached', run: () => '1' };

/** The debugger leaves; the target goes on. @rsp D */
export const detach: Packet = {
  name: 'D',
  run(session, args) {
    if (args !== '' && args !== ';1') return BAD_PACKET;
    session.leave();
    session.close();
    return OK;
  },
};

function kill(session: GdbSession, reply: Reply): Reply {
  const { target } = session;
  session.breakpoints.clear();
  if (target.kill === undefined) session.leave();
  else target.kill();
  session.close();
  return reply;
}

/** @rsp k */
export const killTarget: Packet = { name: 'k', run: (session) => kill(session, undefined) };
/** @rsp vKill */
export const vKill: Packet = { name: 'vKill', run: (session, args) => (args === ';1' ? kill(session, OK) : FAILED) };

/** @rsp vAttach */
export const vAttach: Packet = {
  name: 'vAttach',
  run: (session, args) => (args === ';1' ? stopReply(session, session.lastStop) : FAILED),
};

/** From the beginning. No reply. @rsp R */
export const restart: Packet = {
  name: 'R',
  run(session) {
    session.target.restart?.();
    return session.target.restart === undefined ? '' : undefined;
  },
};

/** `run`. The program and its arguments are the machine's. @rsp vRun */
export const vRun: Packet = {
  name: 'vRun',
  run(session) {
    if (session.target.restart === undefined) return '';
    session.target.restart();
    return stopReply(session, { reason: 'signal', thread: session.thread, signal: 5 });
  },
};
