import { parseAddress, parseNumber } from '../hex.js';
import type { GdbSession } from '../session.js';
import type { ResumeAction } from '../target.js';
import { BAD_PACKET, OK, type Packet, type Reply } from './packet.js';
import { parseThreadId } from './thread-id.js';

/** Which actions there are. @rsp vCont? */
function actions({ target }: GdbSession): string {
  return `vCont;c;C;s;S${target.nonStop === undefined ? '' : ';t'}${target.rangeStep === true ? ';r' : ''}`;
}

type Action = ResumeAction | { readonly kind: 'stop' };

function parseAction(session: GdbSession, text: string): Action | undefined {
  const rest = text.slice(1);
  switch (text[0]) {
    case 'c':
      return rest === '' ? { kind: 'continue' } : undefined;
    case 's':
      return rest === '' ? { kind: 'step' } : undefined;
    case 't':
      return rest === '' && session.target.nonStop !== undefined ? { kind: 'stop' } : undefined;
    case 'C':
    case 'S': {
      const signal = parseNumber(rest);
      return signal === undefined ? undefined : { kind: text[0] === 'C' ? 'continue' : 'step', signal };
    }
    case 'r': {
      const [start, end, ...more] = rest.split(',').map(parseAddress);
      if (session.target.rangeStep !== true || start === undefined || end === undefined || more.length > 0) return undefined;
      return { kind: 'range', start, end };
    }
    default:
      return undefined;
  }
}

/** Resumes threads, each in its way: the first action that fits a thread is its. @rsp vCont */
export const vCont: Packet = {
  name: 'vCont',
  run(session, args): Reply {
    if (args === '?') return actions(session);
    if (session.running) return BAD_PACKET;
    const plan = new Map<number, ResumeAction>();
    const stop = new Set<number>();
    const threads = session.target.threads().map(({ id }) => id);
    const taken = new Set<number>();
    for (const part of args.slice(1).split(';')) {
      const [what, id] = part.split(':') as [string, string?];
      const action = parseAction(session, what);
      const thread = id === undefined ? -1 : parseThreadId(id);
      if (action === undefined || thread === undefined) return BAD_PACKET;
      const meant = thread === -1 ? threads : [thread === 0 ? session.thread : thread];
      for (const one of meant) {
        if (!threads.includes(one)) return BAD_PACKET;
        if (taken.has(one)) continue;
        taken.add(one);
        if (action.kind === 'stop') stop.add(one);
        else if (!session.runningThreads.has(one)) plan.set(one, action);
      }
    }
    if (session.nonStop) {
      for (const thread of stop) if (session.runningThreads.has(thread)) session.target.nonStop?.interrupt(thread);
      if (plan.size > 0) session.resumeNonStop(plan);
      return OK;
    }
    if (plan.size === 0) return BAD_PACKET;
    session.resume(plan);
    return undefined;
  },
};

/** `c`, `s`, `C`, `S`: what vCont replaced. An address to go on at is not taken. @rsp c s C S */
function old(name: string, kind: 'continue' | 'step'): Packet {
  return {
    name,
    run(session, args) {
      const signal = name === name.toUpperCase() ? parseNumber(args) : undefined;
      if (session.running || session.nonStop || (signal === undefined && args !== '')) return BAD_PACKET;
      const action: ResumeAction = { kind, ...(signal === undefined ? {} : { signal }) };
      const plan = new Map<number, ResumeAction>(session.target.threads().map(({ id }) => [id, { kind: 'continue' }]));
      plan.set(session.resumeThread > 0 && plan.has(session.resumeThread) ? session.resumeThread : session.thread, action);
      session.resume(plan);
      return undefined;
    },
  };
}
export const oldResume: readonly Packet[] = [old('c', 'continue'), old('C', 'continue'), old('s', 'step'), old('S', 'step')];

/** 03H for non-stop debuggers, and for those that would rather send a packet. @rsp vCtrlC */
export const vCtrlC: Packet = {
  name: 'vCtrlC',
  run(session) {
    if (session.nonStop) for (const thread of session.runningThreads) session.target.nonStop?.interrupt(thread);
    else if (session.running) session.target.interrupt();
    return OK;
  },
};
