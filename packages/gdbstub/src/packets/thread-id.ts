import type { GdbSession } from '../session.js';
import type { Thread } from '../target.js';

/** GDB manual, E.2 "Packets", thread-id: `p1.2`, `2`; 0 is any thread, -1 all of them. @returns undefined when malformed or of another process */
export function parseThreadId(text: string): number | undefined {
  const match = /^(?:p(-1|[0-9a-f]{1,8})(?:\.(-1|[0-9a-f]{1,8}))?|(-1|[0-9a-f]{1,8}))$/i.exec(text);
  if (match === null) return undefined;
  const [, process, inProcess, alone] = match;
  const value = (digits: string): number => (digits === '-1' ? -1 : parseInt(digits, 16));
  if (process === undefined) return value(alone);
  if (process !== '-1' && value(process) > 1) return undefined;
  return inProcess === undefined ? -1 : value(inProcess);
}

/** A thread to look at: any is the present one. */
export function threadOf(session: GdbSession, text: string): Thread | undefined {
  const id = parseThreadId(text);
  return id === undefined ? undefined : session.threadNamed(id <= 0 ? session.thread : id);
}

/** LLDB's suffix `;thread:1;`. @returns the packet without it, and the thread */
export function withThreadSuffix(session: GdbSession, args: string): { readonly text: string; readonly thread: number } | undefined {
  const match = /;thread:([^;]*);?$/.exec(args);
  if (match === null) return { text: args, thread: session.thread };
  const thread = threadOf(session, match[1]);
  return thread === undefined ? undefined : { text: args.slice(0, match.index).replace(/;$/, ''), thread: thread.id };
}
