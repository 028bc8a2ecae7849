import { hexByte, textToHex, toHex } from '../hex.js';
import { Signal, type GdbSession } from '../session.js';
import type { Stop } from '../target.js';

const WATCH = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

/** GDB manual, E.3 "Stop Reply Packets"; LLDB's additions where it asked for them. */
export function stopReply(session: GdbSession, stop: Stop): string {
  if (stop.reason === 'exited') return session.multiprocess ? `W${hexByte(stop.code)};process:1` : `W${hexByte(stop.code)}`;
  const { target } = session;
  const { architecture } = target;
  let text = `T${hexByte(signalOf(session, stop))}`;
  for (const register of architecture.expedited ?? []) {
    const value = target.readRegister(stop.thread, register);
    if (value !== undefined) text += `${hexByte(register)}:${toHex(value)};`;
  }
  text += `thread:${session.threadId(stop.thread)};`;
  const thread = session.threadNamed(stop.thread);
  if (thread?.core !== undefined) text += `core:${thread.core.toString(16)};`;
  if (stop.reason === 'breakpoint') {
    if (stop.kind === 'software' && session.swbreak) text += 'swbreak:;';
    if (stop.kind === 'hardware' && session.hwbreak) text += 'hwbreak:;';
  }
  if (stop.reason === 'watchpoint') text += `${WATCH[stop.kind]}:${stop.address.toString(16)};`;
  if (session.threadsInStopReply) text += lldbThreads(session, stop);
  return text;
}

export function signalOf(session: GdbSession, stop: Stop): number {
  switch (stop.reason) {
    case 'interrupt':
      // GDB manual, E.2: what vCont;t stopped says so with signal 0.
      return session.nonStop ? Signal.none : Signal.int;
    case 'signal':
      return stop.signal;
    case 'exited':
      return Signal.none;
    case 'step':
    case 'breakpoint':
    case 'watchpoint':
      return Signal.trap;
  }
}

/** LLDB's docs, "QListThreadsInStopReply". */
function lldbThreads(session: GdbSession, stop: Exclude<Stop, { reason: 'exited' }>): string {
  const { target } = session;
  const threads = target.threads();
  const pc = target.architecture.registers.findIndex(({ generic }) => generic === 'pc');
  const pcs = threads.map(({ id }) => {
    const value = pc < 0 ? undefined : target.readRegister(id, pc);
    return value === undefined ? '0' : toHex(value.slice().reverse());
  });
  const name = session.threadNamed(stop.thread)?.name;
  const reason = lldbReason(stop);
  return `threads:${threads.map(({ id }) => id.toString(16)).join(',')};thread-pcs:${pcs.join(',')};${name === undefined ? '' : `hexname:${textToHex(name)};`}reason:${reason};${
    stop.reason === 'watchpoint' ? `description:${textToHex(`${stop.address}`)};` : ''
  }`;
}

export function lldbReason(stop: Stop): string {
  switch (stop.reason) {
    case 'breakpoint':
      return 'breakpoint';
    case 'watchpoint':
      return 'watchpoint';
    case 'step':
      return 'trace';
    case 'interrupt':
    case 'signal':
      return 'signal';
    case 'exited':
      return 'exited';
  }
}
