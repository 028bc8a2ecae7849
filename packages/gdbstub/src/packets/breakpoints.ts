import type { Programs, Spot } from '../breakpoint-table.js';
import { fromHex, parseAddress, parseNumber } from '../hex.js';
import type { GdbSession } from '../session.js';
import { BAD_PACKET, FAILED, OK, type Packet } from './packet.js';

/** A watched range longer than this is a mistake. */
const LONGEST_WATCH = 1 << 20;

function parseSpot(text: string): Spot | undefined {
  const [type, address, kind, ...more] = text.split(',');
  const at = parseAddress(address ?? '');
  const size = parseNumber(kind ?? '');
  if (!/^[0-4]$/.test(type) || at === undefined || size === undefined || more.length > 0) return undefined;
  if (Number(type) >= 2 && (size === 0 || size > LONGEST_WATCH)) return undefined;
  return { type: Number(type) as 0, address: at, kind: size };
}

/** `X len,code` one after the other. */
function parsePrograms(text: string): Uint8Array[] | undefined {
  const programs: Uint8Array[] = [];
  for (let at = 0; at < text.length; ) {
    const comma = text.indexOf(',', at);
    const length = text[at] === 'X' && comma > 0 ? parseNumber(text.slice(at + 1, comma)) : undefined;
    const code = length === undefined ? undefined : fromHex(text.slice(comma + 1, comma + 1 + 2 * length));
    if (length === undefined || code?.length !== length) return undefined;
    programs.push(code);
    at = comma + 1 + 2 * length;
  }
  return programs;
}

/** GDB manual, E.2, "Z0": `;cond_list` and `;cmds:persist,cmd_list`. */
function parseAll(text: string): Programs | undefined {
  const [first = '', ...rest] = text.split(';');
  let conditions: Uint8Array[] | undefined = [];
  let commands: Uint8Array[] | undefined = [];
  for (const part of [first, ...rest]) {
    const match = /^cmds:[01],/.exec(part);
    if (match !== null) commands = parsePrograms(part.slice(match[0].length));
    else if (part !== '') conditions = parsePrograms(part);
  }
  return conditions === undefined || commands === undefined ? undefined : { conditions, commands };
}

function supported({ target }: GdbSession, type: string): boolean {
  return type <= '1' ? target.breakpoints !== undefined : target.watchpoints !== undefined;
}

/** @rsp Z0 Z1 Z2 Z3 Z4 */
export const insertBreakpoint: Packet = {
  name: 'Z',
  run(session, args) {
    if (!supported(session, args[0])) return '';
    const semicolon = args.indexOf(';');
    const spot = parseSpot(semicolon < 0 ? args : args.slice(0, semicolon));
    const programs = semicolon < 0 ? { conditions: [], commands: [] } : parseAll(args.slice(semicolon + 1));
    if (spot === undefined || programs === undefined) return BAD_PACKET;
    return session.breakpoints.insert(spot, programs) ? OK : FAILED;
  },
};

/** @rsp z0 z1 z2 z3 z4 */
export const removeBreakpoint: Packet = {
  name: 'z',
  run(session, args) {
    if (!supported(session, args[0])) return '';
    const spot = parseSpot(args.split(';')[0]);
    if (spot === undefined) return BAD_PACKET;
    session.breakpoints.remove(spot);
    return OK;
  },
};
