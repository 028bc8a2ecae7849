import { OK, type Packet } from './packet.js';

/** Answers that never change. */
const always = (name: string, reply: string): Packet => ({ name, run: () => reply });

export const small: readonly Packet[] = [
  /** What isn't known must be answered with nothing. @rsp vMustReplyEmpty */
  always('vMustReplyEmpty', ''),
  /** We need no symbols. @rsp qSymbol */
  always('qSymbol', OK),
  /** Virtual processors get no signals. @rsp QPassSignals QProgramSignals */
  always('QPassSignals', OK),
  always('QProgramSignals', OK),
];
