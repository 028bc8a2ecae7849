import { hexToText, textToHex } from '../hex.js';
import { BAD_PACKET, OK, type Packet, type Reply } from './packet.js';

/** `monitor`. @rsp qRcmd */
export const qRcmd: Packet = {
  name: 'qRcmd',
  run(session, args): Reply | Promise<Reply> {
    const { monitor } = session.target;
    if (monitor === undefined) return '';
    const command = hexToText(args.slice(1));
    if (command === undefined) return BAD_PACKET;
    const shown = (text: string): string => (text === '' ? OK : textToHex(text.endsWith('\n') ? text : `${text}\n`));
    // A message is more use than a number, and `monitor` shows what it gets.
    const failed = (error: unknown): string => textToHex(`${error instanceof Error ? error.message : String(error)}\n`);
    try {
      const result = monitor.run(command, session.thread, (text) => session.console(text));
      return typeof result === 'string' ? shown(result) : result.then(shown, failed);
    } catch (error) {
      return failed(error);
    }
  },
};
