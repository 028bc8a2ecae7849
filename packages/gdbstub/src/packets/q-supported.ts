import type { Packet } from './packet.js';

/** What both sides can do. GDB manual, E.4, "qSupported". @rsp qSupported */
export const qSupported: Packet = {
  name: 'qSupported',
  run(session, args) {
    const wanted = new Set(args.slice(1).split(';'));
    session.multiprocess = wanted.has('multiprocess+');
    session.swbreak = wanted.has('swbreak+');
    session.hwbreak = wanted.has('hwbreak+');
    const { target } = session;
    const features = ['QStartNoAckMode+', 'vContSupported+', 'QThreadEvents+', 'no-resumed+', 'qXfer:features:read+', 'qXfer:threads:read+', 'binary-upload+'];
    if (session.multiprocess) features.push('multiprocess+');
    if (target.memoryMap !== undefined) features.push('qXfer:memory-map:read+');
    if (target.execFile !== undefined) features.push('qXfer:exec-file:read+');
    if (target.nonStop !== undefined) features.push('QNonStop+');
    if (target.breakpoints !== undefined) {
      if (session.swbreak) features.push('swbreak+');
      if (session.hwbreak) features.push('hwbreak+');
      features.push('ConditionalBreakpoints+', 'BreakpointCommands+');
    }
    return [`PacketSize=${session.packetBytes.toString(16)}`, ...features].join(';');
  },
};

/** @rsp QStartNoAckMode */
export const qStartNoAckMode: Packet = {
  name: 'QStartNoAckMode',
  run(session) {
    session.noAck = true;
    return 'OK';
  },
};
