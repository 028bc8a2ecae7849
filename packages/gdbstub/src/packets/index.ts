import type { GdbSession } from '../session.js';
import { insertBreakpoint, removeBreakpoint } from './breakpoints.js';
import { detach, extendedMode, killTarget, qAttached, restart, vAttach, vKill, vRun } from './life.js';
import * as lldb from './lldb.js';
import { readMemory, readMemoryBinary, writeMemory, writeMemoryBinary } from './memory.js';
import { lastStop, qNonStop, vStopped } from './non-stop.js';
import { qOffsets } from './offsets.js';
import type { Packet, Reply } from './packet.js';
import { qCRC } from './q-crc.js';
import { qRcmd } from './q-rcmd.js';
import { qSearch } from './q-search-memory.js';
import { qStartNoAckMode, qSupported } from './q-supported.js';
import { qXfer } from './q-xfer.js';
import { readRegister, readRegisters, writeRegister, writeRegisters } from './registers.js';
import { small } from './small.js';
import { qC, qfThreadInfo, qsThreadInfo, qThreadEvents, qThreadExtraInfo, setThread, threadAlive } from './threads.js';
import { oldResume, vCont, vCtrlC } from './v-cont.js';
import { vFile } from './v-file.js';

export type { Packet, Reply } from './packet.js';

const all: readonly Packet[] = [
  ...small, qSupported, qStartNoAckMode, qXfer, qOffsets, qCRC, qSearch, qRcmd, readRegisters, writeRegisters, readRegister, writeRegister, readMemory, readMemoryBinary,
  writeMemory, writeMemoryBinary, insertBreakpoint, removeBreakpoint, setThread, threadAlive, qC, qfThreadInfo, qsThreadInfo, qThreadExtraInfo, qThreadEvents, vCont, ...oldResume,
  vCtrlC, qNonStop, vStopped, lastStop, vFile, extendedMode, qAttached, detach, killTarget, vKill, vAttach, restart, vRun, ...Object.values(lldb),
];
const byName = new Map(all.map((packet) => [packet.name, packet]));

/** Long names end at a separator; `qRegisterInfo` and `qThreadStopInfo` have their hexadecimal argument right behind. */
const LONG = /^(?:[qQvj][A-Za-z]+?(?=[:;,?]|$)|qRegisterInfo|qThreadStopInfo)/;

export const commands = {
  /** Runs the command that a packet holds. One that isn't known gets the empty reply. */
  run(session: GdbSession, text: string): Reply | Promise<Reply> {
    const name = /^(?:qRegisterInfo|qThreadStopInfo)/.exec(text)?.[0] ?? LONG.exec(text)?.[0] ?? text.slice(0, 1);
    const packet = byName.get(name);
    return packet === undefined ? '' : packet.run(session, text.slice(name.length));
  },
};
