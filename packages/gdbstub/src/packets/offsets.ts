import type { Packet } from './packet.js';

/** Where a relocated program's text is. Nothing when that isn't known. @rsp qOffsets */
export const qOffsets: Packet = {
  name: 'qOffsets',
  run(session) {
    const base = session.target.textBase?.();
    return base === undefined ? '' : `TextSeg=${base.toString(16)}`;
  },
};
