import { CliError } from '../cli-error.js';
import { parseNet, parseNic, type NetOption, type NicOption } from '../parse/net-option.js';
import { KeyValues } from './key-values.js';

/** -net, -netdev, -nic and the cards among -device. */
export class Networks {
  readonly #pairs: { readonly net: NetOption; readonly nic: NicOption }[] = [];
  readonly #netdevs = new Map<string, NetOption>();
  /** Of -net: a hub has networks and cards, which come in any order. */
  readonly #hubNets: NetOption[] = [];
  readonly #hubNics: NicOption[] = [];
  #mentioned = false;

  /** `-net user,...`, `-net nic,...`, `-net none` */
  net(text: string): void {
    this.#mentioned = true;
    const values = new KeyValues('-net', text, 'type');
    const type = values.take('type') ?? '';
    if (type === 'none') return;
    if (type !== 'nic') {
      this.#hubNets.push(network('-net', text, values, type));
      return;
    }
    const nic = card(values, values.take('model') ?? 'e1000', `-net ${text}`);
    const netdev = values.take('netdev');
    for (const key of ['name', 'vectors', 'vlan']) values.take(key);
    values.expectNoMore('model, macaddr, netdev, addr');
    if (netdev === undefined) this.#hubNics.push(nic);
    else this.#pairs.push({ net: this.#netdev(netdev, `-net ${text}`), nic });
  }

  netdev(text: string): void {
    this.#mentioned = true;
    const values = new KeyValues('-netdev', text, 'type');
    const type = values.take('type') ?? '';
    const id = values.take('id');
    if (id === undefined) throw new CliError('usage', `-netdev ${text} has no id`, 'A card names it: -netdev user,id=net0 -device e1000,netdev=net0.');
    this.#netdevs.set(id, network('-netdev', text, values, type));
  }

  /** `-nic user,model=e1000,...`: both at once. */
  nic(text: string): void {
    this.#mentioned = true;
    const values = new KeyValues('-nic', text, 'type');
    const type = values.take('type') ?? 'user';
    if (type === 'none') return;
    const nic = card(values, values.take('model') ?? 'e1000', `-nic ${text}`);
    values.take('id');
    this.#pairs.push({ net: network('-nic', text, values, type), nic });
  }

  /** `-device e1000,netdev=ID` */
  device(model: string, values: KeyValues, text: string): void {
    this.#mentioned = true;
    const netdev = values.take('netdev');
    const nic = card(values, model, `-device ${text}`);
    for (const key of ['id', 'romfile', 'bootindex', 'disable-legacy', 'disable-modern', 'mq', 'vectors']) values.take(key);
    values.expectNoMore('netdev, mac, addr');
    if (netdev === undefined) throw new CliError('usage', `-device ${text} has no network`, 'Write -netdev user,id=net0 and add netdev=net0.');
    this.#pairs.push({ net: this.#netdev(netdev, `-device ${text}`), nic });
  }

  /** @param defaults as QEMU has a card and a user network when nothing is said of them */
  result(defaults: boolean): { readonly nets: readonly NetOption[]; readonly nics: readonly NicOption[] } {
    const pairs = [...this.#pairs];
    this.#hubNics.forEach((nic, i) => {
      const net = this.#hubNets[i];
      if (net === undefined) throw new CliError('usage', `-net nic was given ${this.#hubNics.length} times, other -net ${this.#hubNets.length} times`, 'Each card needs a network: -net user -net nic.');
      pairs.push({ net, nic });
    });
    if (this.#hubNets.length > this.#hubNics.length) throw new CliError('usage', '-net user without -net nic: the guest has no card', 'Add -net nic, or write -nic user.');
    if (!this.#mentioned && defaults) pairs.push({ net: parseNet('user'), nic: parseNic('e1000') });
    return { nets: pairs.map(({ net }) => net), nics: pairs.map(({ nic }) => nic) };
  }

  #netdev(id: string, where: string): NetOption {
    const net = this.#netdevs.get(id);
    if (net === undefined) throw new CliError('usage', `${where}: there is no -netdev with the id ${JSON.stringify(id)}`, 'Write -netdev user,id=NAME before it.');
    this.#netdevs.delete(id);
    return net;
  }
}

const CARDS: Readonly<Record<string, string>> = { e1000: 'e1000', 'e1000-82540em': 'e1000', virtio: 'virtio', 'virtio-net': 'virtio', 'virtio-net-pci': 'virtio' };
export const isCard = (model: string): boolean => Object.hasOwn(CARDS, model);

function card(values: KeyValues, model: string, where: string): NicOption {
  const ours = CARDS[model];
  if (ours === undefined) throw new CliError('usage', `${where}: pckit has no network card "${model}"`, 'The cards are e1000 and virtio-net-pci.');
  const mac = values.take('mac', 'macaddr');
  const slot = slotOf(values, where);
  return parseNic(`${ours}${mac === undefined ? '' : `,mac=${mac}`}${slot === undefined ? '' : `,slot=${slot}`}`);
}

/** `addr=SLOT[.FUNCTION]`, in hexadecimal. @returns undefined without it, and on a bus behind a bridge, which we don't have */
function slotOf(values: KeyValues, where: string): number | undefined {
  const addr = values.take('addr');
  const bus = values.take('bus') ?? 'pci.0';
  if (addr === undefined || !/^pcie?\.0$/.test(bus)) return undefined;
  const slot = Number.parseInt(/^(?:0x)?([\da-f]{1,2})(?:\.0)?$/i.exec(addr)?.[1] ?? '', 16);
  if (slot >= 2 && slot <= 31) return slot;
  throw new CliError('usage', `${where}: addr=${addr} is not a slot for a card`, 'Write addr=0x2 to addr=0x1f.');
}

/** What our `--net` takes of it. */
function network(flag: string, text: string, values: KeyValues, type: string): NetOption {
  const parts: string[] = [];
  if (type === 'user') {
    parts.push('user');
    // The names are ours too, but for these.
    for (const domain of values.takeAll('domainname')) parts.push(`domain=${domain}`);
    values.take('name');
    if (values.takeBoolean('ipv4') === false) throw new CliError('usage', `${flag} ${text}: the user network always has IPv4`);
    parts.push(...values.rest);
  } else if (type === 'socket' || type === 'stream') {
    const listen = values.take('listen');
    const connect = values.take('connect');
    const server = values.takeBoolean('server') ?? false;
    const path = values.take('addr.path');
    const host = values.take('addr.host');
    const port = values.take('addr.port');
    values.take('addr.type');
    values.expectNoMore('listen=[HOST]:PORT, connect=HOST:PORT, server=on|off, addr.type=unix|inet, addr.path, addr.host, addr.port');
    const address = path !== undefined ? `unix:${path}` : `tcp:${(listen ?? connect ?? `${host ?? ''}:${port ?? ''}`).replace(/^:/, '')}`;
    parts.push('stream', `${listen !== undefined || server ? 'listen' : 'connect'}=${address}`);
  } else {
    throw new CliError('usage', `${flag} ${text}: pckit has no network "${type}"`, 'The networks are user (NAT, without any right of the host) and stream or socket (to another emulator).');
  }
  try {
    return parseNet(parts.join(','));
  } catch (error) {
    if (error instanceof CliError) throw new CliError('usage', `${flag} ${text}: ${error.message.replace(/^--net: /, '')}`, error.advice);
    throw error;
  }
}
