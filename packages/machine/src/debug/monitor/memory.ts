import { CommandError, parseAddress, type Command } from './command.js';
import { dump, hex } from './format.js';

const MOST_BYTES = 4096;

export const gva2gpa: Command = {
  name: 'gva2gpa',
  usage: 'gva2gpa ADDRESS',
  does: 'the physical address of a virtual one',
  run({ target, vcpu }, [address]) {
    const page = target.memory.translate(vcpu, parseAddress(address, gva2gpa.usage));
    if (!('physical' in page)) return `not mapped, nor is anything in ${hex(page.unmappedBytes)} bytes around it`;
    return `${hex(page.physical)}, ${page.user ? 'user' : 'supervisor'}, ${page.writable ? 'writable' : 'read-only'}, ${page.executable ? 'executable' : 'not executable'}, page of ${hex(page.pageBytes)} bytes`;
  },
};

export const xp: Command = {
  name: 'xp',
  usage: 'xp ADDRESS [BYTES]',
  does: 'physical memory',
  run({ target }, [address, length]) {
    const at = parseAddress(address, xp.usage);
    const bytes = length === undefined ? 64n : parseAddress(length, xp.usage);
    if (bytes > BigInt(MOST_BYTES)) throw new CommandError(`at most ${MOST_BYTES} bytes`);
    const read = at < 1n << 52n ? target.memory.readPhysical(Number(at), Number(bytes)) : undefined;
    if (read === undefined) throw new CommandError(`${hex(at)}: not RAM`);
    return dump(Number(at), read);
  },
};
