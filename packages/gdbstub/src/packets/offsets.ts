import type { Packet } from './packet.js';

/** Where a relocated program's text is: to GDB the address, to LLDB how far it moved. Nothing when that isn't known. @rsp qOffsets */
export const qOffsets: Packet = {
  name: 'qOffsets',
  run(session) {
    const relocation = session.target.relocation?.();
    if (relocation === undefined) return '';
    return `TextSeg=${(session.threadSuffix ? relocation.slide : relocation.base).toString(16)}`;
  },
};
