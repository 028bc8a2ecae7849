import { CliError } from '../cli-error.js';
import { parseMac } from './mac.js';

/** Where a stream of frames is: `unix:PATH` or `tcp:[HOST:]PORT`. */
export type StreamAddress = { readonly kind: 'unix'; readonly path: string } | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface HostForward {
  readonly protocol: 'tcp' | 'udp';
  /** Of the host; empty: this machine alone. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** Of the guest; empty: whichever has the first lease. */
  readonly guestAddress: string;
  readonly guestPort: number;
}

export interface GuestForward {
  readonly guestAddress: string;
  readonly guestPort: number;
  readonly target: StreamAddress;
}

/** `--net ...` */
export type NetOption =
  | {
      readonly kind: 'user';
      readonly hostForwards: readonly HostForward[];
      readonly guestForwards: readonly GuestForward[];
      readonly restrict: boolean;
      /** `10.0.2.0/24` */
      readonly net?: string;
      readonly dns?: string;
      readonly hostname?: string;
      readonly domain?: string;
      readonly tftp?: string;
      readonly bootfile?: string;
      readonly ipv6: boolean;
      readonly pcap?: string;
    }
  | { readonly kind: 'stream'; readonly role: 'listen' | 'connect'; readonly address: StreamAddress };

/** `--nic virtio|e1000[,mac=..][,slot=..]` */
export interface NicOption {
  readonly model: NicModel;
  readonly mac?: string;
  readonly mtu?: number;
  /** PCI slot. */
  readonly slot?: number;
}

export type NicModel = 'virtio' | 'e1000';
const MODELS: readonly string[] = ['virtio', 'e1000'];

const advice =
  'It takes user[,hostfwd=tcp:[ADDRESS]:PORT-[GUEST]:PORT][,guestfwd=tcp:ADDRESS:PORT-unix:PATH][,net=10.0.2.0/24][,dns=ADDRESS][,restrict][,tftp=FOLDER][,pcap=FILE], stream,listen=unix:PATH or stream,connect=tcp:HOST:PORT.';

export function parseNet(text: string): NetOption {
  const [kind, ...parts] = text.split(',');
  if (kind === 'user') return parseUser(text, parts);
  if (kind === 'stream') return parseStream(text, parts);
  throw new CliError('usage', `--net: "${kind}" in "${text}" is not a network`, advice);
}

export function parseNic(text: string): NicOption {
  const [model = '', ...parts] = text.split(',');
  const nicAdvice = 'It takes virtio or e1000, then mac=52:54:00:12:34:56, slot=3 (2 to 31), and for virtio mtu=1500.';
  if (!MODELS.includes(model)) throw new CliError('usage', `--nic: there is no card "${model}"`, nicAdvice);
  let mac: string | undefined;
  let mtu: number | undefined;
  let slot: number | undefined;
  for (const part of parts) {
    const [key, value] = keyValue(part);
    if (key === 'mac' && parseMac(value) !== undefined) mac = value;
    else if (key === 'mtu' && model === 'virtio' && /^\d{2,5}$/.test(value) && Number(value) >= 68 && Number(value) <= 65535) mtu = Number(value);
    else if (key === 'slot' && /^\d{1,2}$/.test(value) && Number(value) >= 2 && Number(value) <= 31) slot = Number(value);
    else throw new CliError('usage', `--nic: "${part}" in "${text}" makes no sense`, nicAdvice);
  }
  return { model: model as NicModel, ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }), ...(slot === undefined ? {} : { slot }) };
}

function parseUser(text: string, parts: readonly string[]): NetOption {
  const hostForwards: HostForward[] = [];
  const guestForwards: GuestForward[] = [];
  const plain: Partial<Record<'net' | 'dns' | 'hostname' | 'domain' | 'tftp' | 'bootfile' | 'pcap', string>> = {};
  let restrict = false;
  let ipv6 = true;
  for (const part of parts) {
    const [key, value] = keyValue(part);
    switch (key) {
      case 'hostfwd':
        hostForwards.push(parseHostForward(value));
        break;
      case 'guestfwd':
        guestForwards.push(parseGuestForward(value));
        break;
      case 'restrict':
        restrict = onOff(part, value);
        break;
      case 'ipv6':
        ipv6 = onOff(part, value);
        break;
      case 'net':
      case 'dns':
      case 'hostname':
      case 'domain':
      case 'tftp':
      case 'bootfile':
      case 'pcap':
        if (value === '') throw new CliError('usage', `--net: "${key}" in "${text}" has no value`, advice);
        plain[key] = value;
        break;
      default:
        throw new CliError('usage', `--net: "${part}" in "${text}" is not an option of the user network`, advice);
    }
  }
  return { kind: 'user', hostForwards, guestForwards, restrict, ipv6, ...plain };
}

/** `tcp:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT`, as QEMU has it. */
function parseHostForward(value: string): HostForward {
  const match = /^(?:(tcp|udp):)?(\[[^\]]*\]|[^:]*):(\d{1,5})-(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(value);
  const hostPort = Number(match?.[3]);
  const guestPort = Number(match?.[5]);
  if (match === null || hostPort > 65535 || guestPort > 65535 || guestPort === 0) {
    throw new CliError('usage', `--net: "hostfwd=${value}" is not a forward`, 'Write hostfwd=tcp::10021-:22: the host\'s address (may be absent) and port, a dash, the guest\'s.');
  }
  return { protocol: match[1] === 'udp' ? 'udp' : 'tcp', hostAddress: unbracket(match[2] as string), hostPort, guestAddress: unbracket(match[4] as string), guestPort };
}

function parseGuestForward(value: string): GuestForward {
  const match = /^tcp:(\[[^\]]*\]|[^:]+):(\d{1,5})-(.+)$/.exec(value);
  const guestPort = Number(match?.[2]);
  if (match === null || guestPort > 65535 || guestPort === 0) {
    throw new CliError('usage', `--net: "guestfwd=${value}" is not a forward`, 'Write guestfwd=tcp:10.0.2.100:80-tcp:127.0.0.1:8080 or guestfwd=tcp:10.0.2.100:80-unix:PATH.');
  }
  return { guestAddress: unbracket(match[1] as string), guestPort, target: parseStreamAddress(match[3] as string) };
}

function parseStream(text: string, parts: readonly string[]): NetOption {
  const [key, value] = keyValue(parts[0] ?? '');
  if (parts.length !== 1 || (key !== 'listen' && key !== 'connect')) throw new CliError('usage', `--net: "${text}" says neither where to listen nor where to connect`, advice);
  return { kind: 'stream', role: key, address: parseStreamAddress(value) };
}

export function parseStreamAddress(text: string): StreamAddress {
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: text.slice(5) };
  const match = /^tcp:(?:(.+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? Number.NaN);
  // Without a host only this machine: whoever reaches the port is on the guest's network.
  if (port <= 65535) return { kind: 'tcp', host: unbracket(match?.[1] ?? '127.0.0.1'), port };
  throw new CliError('usage', `--net: "${text}" is not an address`, 'Write unix:PATH, tcp:PORT or tcp:HOST:PORT.');
}

function keyValue(part: string): [string, string] {
  const equals = part.indexOf('=');
  return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
}

function onOff(part: string, value: string): boolean {
  if (value === '' || value === 'on' || value === 'y' || value === 'yes') return true;
  if (value === 'off' || value === 'n' || value === 'no') return false;
  throw new CliError('usage', `--net: "${part}" is neither on nor off`, advice);
}

function unbracket(address: string): string {
  return address.replace(/^\[(.*)\]$/, '$1');
}
