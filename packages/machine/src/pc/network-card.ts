import { E1000, type E1000Options } from '@pckit/e1000';
import type { EthernetPort } from '@pckit/interfaces';
import type { PciSlot } from '@pckit/pc-chipset';
import { VirtioNet, type VirtioNetOptions } from '@pckit/virtio-net';
import type { VirtioDevice } from '@pckit/virtio';
import type { Machine } from '../machine.js';
import { MachineError } from '../machine-error.js';
import type { PciCard } from './create-pc.js';
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
  /** PCI slot, 2 to 31. Default the first free one from 3. */
  readonly slot?: number;
}

/** A network card in the machine. */
export interface PcNetworkCard {
  readonly name: string;
  readonly model: 'virtio' | 'e1000';
  readonly mac: Uint8Array;
  /** Plugs the cable in or out; through the door. */
  setLink(up: boolean): void;
  /** Has the driver tell the network where it is, as after a move; through the door. */
  announce(): void;
}

/** How cards get into slots. */
export interface CardSlots {
  plug(make: (slot: PciSlot) => PciCard, slotNumber?: number): PciSlot;
  plugVirtio(device: VirtioDevice, slotNumber?: number): void;
}

export function addNetworkCard(machine: Machine, slots: CardSlots, nic: PcNic, index: number): PcNetworkCard {
  const name = nic.name ?? `nic${index}`;
  const mac = nic.mac ?? defaultMac(index);
  if (mac.length !== 6 || (mac[0] & 1) !== 0)
    throw new MachineError('configuration', `${name}: ${Array.from(mac, hexByte).join(':')} is not a unicast MAC address`);
  const { door } = machine;
  const cable = machine.add(new EthernetCable(`${name}-cable`, door, nic.port));
  const { model = 'virtio', mtu, slot } = nic;
  const inSlot: CardSlots = { plug: (make) => slots.plug(make, slot), plugVirtio: (device) => slots.plugVirtio(device, slot) };
  const card = model === 'e1000' ? plugE1000(machine, inSlot, cable, { name, mac }) : plugVirtioNet(machine, inSlot, cable, { name, mac, ...(mtu === undefined ? {} : { mtu }) });
  const links = door.input<boolean>(`${name}-link`, (up) => card.setLink(up));
  const announcements = door.input<null>(`${name}-announce`, () => card.announce());
  return { name, model, mac: mac.slice(), setLink: (up) => links.post(up), announce: () => announcements.post(null) };
}

interface Plugged {
  setLink(up: boolean): void;
  announce(): void;
}

function plugVirtioNet({ clock }: Machine, { plugVirtio }: CardSlots, port: EthernetPort, options: VirtioNetOptions): Plugged {
  const card = new VirtioNet({ port, clock }, options);
  plugVirtio(card);
  return card;
}

function plugE1000({ ram: memory, clock }: Machine, { plug }: CardSlots, port: EthernetPort, options: E1000Options): Plugged {
  let card: E1000 | undefined;
  plug(({ interrupts }) => {
    card = new E1000({ memory, clock, irq: interrupts.intx, port }, options);
    return { device: card, function: card.function };
  });
  return {
    setLink: (up) => card?.setLink(up),
    // A driver announces itself when its link comes back.
    announce: () => {
      card?.setLink(false);
      card?.setLink(true);
    },
  };
}

/** QEMU's range: locally administered, and what people know. */
function defaultMac(index: number): Uint8Array {
  return Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56 + index);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
