import type { EthernetPort } from '@pckit/interfaces';
import { VirtioNet } from '@pckit/virtio-net';
import type { VirtioDevice } from '@pckit/virtio';
import type { Machine } from '../machine.js';
import { MachineError } from '../machine-error.js';
import { EthernetCable } from './ethernet-cable.js';

export interface PcNic {
  /** The network: where frames go, and come from. */
  readonly port: EthernetPort;
  /** Default `virtio`. */
  readonly model?: 'virtio' | 'e1000';
  /** Unique. Default `nic0`, `nic1` ... */
  readonly name?: string;
  /** Six bytes, unicast. Default 52:54:00:12:34:56, and one more for each further card. */
  readonly mac?: Uint8Array;
  /** Told to the driver, which takes 1500 by itself; virtio only. */
  readonly mtu?: number;
}

/** A network card in the machine. */
export interface PcNetworkCard {
  readonly name: string;
  readonly model: 'virtio' | 'e1000';
  readonly mac: Uint8Array;
  readonly statistics: Readonly<Record<string, number>>;
  /** Plugs the cable in or out; through the door. */
  setLink(up: boolean): void;
  /** Has the driver tell the network where it is, as after a move; through the door. Nothing where the card can't ask for that. */
  announce(): void;
}

/** How cards get into slots. */
export interface CardSlots {
  plugVirtio(device: VirtioDevice): void;
}

export function addNetworkCard(machine: Machine, slots: CardSlots, nic: PcNic, index: number): PcNetworkCard {
  const name = nic.name ?? `nic${index}`;
  const mac = nic.mac ?? defaultMac(index);
  if (mac.length !== 6 || (mac[0] & 1) !== 0)
    throw new MachineError('configuration', `${name}: ${Array.from(mac, hexByte).join(':')} is not a unicast MAC address`);
  const { door } = machine;
  const cable = machine.add(new EthernetCable(`${name}-cable`, door, nic.port));
  const card = new VirtioNet({ port: cable }, { name, mac, ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }) });
  slots.plugVirtio(card);
  const links = door.input<boolean>(`${name}-link`, (up) => card.setLink(up));
  const announcements = door.input<null>(`${name}-announce`, () => card.announce());
  return {
    name,
    model: nic.model ?? 'virtio',
    mac: mac.slice(),
    get statistics() {
      return { ...card.statistics };
    },
    setLink: (up) => links.post(up),
    announce: () => announcements.post(null),
  };
}

/** QEMU's range: locally administered, and what people know. */
function defaultMac(index: number): Uint8Array {
  return Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56 + index);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
