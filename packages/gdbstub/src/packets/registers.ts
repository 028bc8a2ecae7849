import { fromHex, parseNumber, toHex } from '../hex.js';
import type { GdbSession } from '../session.js';
import { BAD_PACKET, FAILED, OK, type Packet } from './packet.js';
import { withThreadSuffix } from './thread-id.js';

/** A value that isn't there reads as `xx`. */
function registerHex(session: GdbSession, thread: number, register: number): string {
  const value = session.target.readRegister(thread, register);
  return value === undefined ? 'xx'.repeat(session.registerBytes(register)) : toHex(value);
}

/** @rsp g */
export const readRegisters: Packet = {
  name: 'g',
  run(session, args) {
    const at = withThreadSuffix(session, args);
    if (at === undefined) return BAD_PACKET;
    return session.target.architecture.registers.map((_, register) => registerHex(session, at.thread, register)).join('');
  },
};

/** @rsp G */
export const writeRegisters: Packet = {
  name: 'G',
  run(session, args) {
    const at = withThreadSuffix(session, args);
    const bytes = at === undefined ? undefined : fromHex(at.text);
    if (at === undefined || bytes === undefined) return BAD_PACKET;
    const { target } = session;
    let from = 0;
    for (let register = 0; register < target.architecture.registers.length && from < bytes.length; register++) {
      const end = from + session.registerBytes(register);
      if (end > bytes.length) return BAD_PACKET;
      const value = bytes.subarray(from, end);
      from = end;
      // What is read-only may be handed back unchanged.
      const old = target.readRegister(at.thread, register);
      if (old === undefined || toHex(old) === toHex(value)) continue;
      if (!target.writeRegister(at.thread, register, value)) return FAILED;
    }
    return OK;
  },
};

/** @rsp p */
export const readRegister: Packet = {
  name: 'p',
  run(session, args) {
    const at = withThreadSuffix(session, args);
    const register = at === undefined ? undefined : parseNumber(at.text);
    if (at === undefined || register === undefined) return BAD_PACKET;
    return register < session.target.architecture.registers.length ? registerHex(session, at.thread, register) : BAD_PACKET;
  },
};

/** @rsp P */
export const writeRegister: Packet = {
  name: 'P',
  run(session, args) {
    const at = withThreadSuffix(session, args);
    const [number, hex] = (at?.text ?? '').split('=');
    const register = parseNumber(number);
    const value = hex === undefined ? undefined : fromHex(hex);
    if (at === undefined || register === undefined || value === undefined || register >= session.target.architecture.registers.length) return BAD_PACKET;
    if (value.length !== session.registerBytes(register)) return BAD_PACKET;
    return session.target.writeRegister(at.thread, register, value) ? OK : FAILED;
  },
};
