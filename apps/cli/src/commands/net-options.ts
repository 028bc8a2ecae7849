import { Command } from 'commander';
import { CliError } from '../cli-error.js';
import { parseNet, parseStreamAddress, type StreamAddress } from '../parse/net-option.js';
import { parseCount } from '../parse/number.js';
import type { UserNetworkOption } from '../network/user-network.js';

/** What `pckit net` was asked for. */
export interface NetRequest {
  readonly network: UserNetworkOption;
  readonly listen: readonly StreamAddress[];
  readonly ws?: WebSocketRequest;
  /** Figures on standard error every so many seconds. */
  readonly statsSeconds?: number;
}

export interface WebSocketRequest {
  readonly host: string;
  readonly port: number;
  /** Made up when not given. */
  readonly token?: string;
  /** Pages that may connect: `https://example.org`. */
  readonly origins: readonly string[];
}

interface RawNet {
  net?: string;
  listen?: string[];
  ws?: string;
  token?: string;
  origin?: string[];
  stats?: string;
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value];

export function netCommand(act: (request: NetRequest) => Promise<void>): Command {
  return new Command('net')
    .summary('the user-mode network alone, for QEMU and for pages')
    .description('Offers the user-mode network to any QEMU, one network card per connection, until it is interrupted.')
    .option('--listen <address>', 'unix:PATH or tcp:[HOST:]PORT: frames as QEMU\'s "-netdev stream" has them; may be repeated', collect)
    .option('--net <options>', 'what "pckit boot --net user,..." takes: user[,hostfwd=tcp::10021-:22][,pcap=FILE][,restrict][,...]')
    .option('--ws <[host:]port>', 'the same frames over a WebSocket, for pages; this machine alone unless HOST says otherwise')
    .option('--token <text>', 'what a page has to show, as ws://HOST:PORT/?token=TEXT (default: made up, and printed)')
    .option('--origin <url>', 'a page\'s origin that may connect; may be repeated (default: pages from this machine)', collect)
    .option('--stats <seconds>', 'figures every so many seconds')
    .addHelpText(
      'after',
      '\nExamples:\n  pckit net --listen unix:/tmp/net --net user,hostfwd=tcp::10021-:22\n  qemu-system-x86_64 ... -netdev stream,id=n,server=off,addr.type=unix,addr.path=/tmp/net \\\n      -device virtio-net-pci,netdev=n\n  pckit net --ws 8081\n',
    )
    .action(async (raw: RawNet) => act(check(raw)));
}

function check(raw: RawNet): NetRequest {
  const listen = (raw.listen ?? []).map(parseStreamAddress);
  if (listen.length === 0 && raw.ws === undefined) throw new CliError('usage', 'pckit net: nowhere to listen', 'Write --listen unix:PATH, --listen tcp:PORT or --ws PORT.');
  const network = parseNet(raw.net ?? 'user');
  if (network.kind !== 'user') throw new CliError('usage', `pckit net: "${raw.net}" is not a user network`, 'Write --net user[,hostfwd=...][,...].');
  if (raw.ws === undefined && (raw.token !== undefined || raw.origin !== undefined)) throw new CliError('usage', 'pckit net: --token and --origin are for --ws', 'Add --ws PORT.');
  return {
    network,
    listen,
    ...(raw.ws === undefined ? {} : { ws: webSocket(raw.ws, raw) }),
    ...(raw.stats === undefined ? {} : { statsSeconds: parseCount(raw.stats, '--stats', { min: 1, max: 86_400 }) }),
  };
}

function webSocket(text: string, { token, origin = [] }: RawNet): WebSocketRequest {
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(text);
  if (match === null || Number(match[2]) > 65_535) throw new CliError('usage', `--ws: "${text}" is not a port`, 'Write --ws 8081 or --ws HOST:8081.');
  if (token !== undefined && !/^[\w-]{16,}$/.test(token)) throw new CliError('usage', '--token: too short, or with characters that an address can\'t hold', 'At least 16 letters, digits, - and _.');
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]), origins: origin, ...(token === undefined ? {} : { token }) };
}
