import { AtaError } from '@pckit/ata';
import type { AtaDevice } from '@pckit/ata';
import type { Device, GuestMemory, Ingress, IoRegion, IrqLine, PciFunction } from '@pckit/interfaces';
import { IdeChannel } from './ide-channel.js';
import type { IdeChannelState } from './ide-channel.js';

/**
 * The IDE function of the 82371SB (PIIX3), function 1: Intel 82371FB (PIIX) and 82371SB (PIIX3) datasheet, sections 2.3 and 2.5. Two
 * channels at the ports of a PC/AT, and bus master registers where BMIBA says.
 *
 * Deviations: timings store without effect. The channels' ports decode while IDETIM says so, whatever the command register does.
 */

const IDETIM = 0x40;
/** IDETIM bit 15: the channel decodes its ports. */
const IDE_DECODE_ENABLE = 0x8000;
const SIDETIM = 0x44;
const BUS_MASTER_BYTES = 16;
const CHANNEL_BYTES = 8;

export interface PiixIdeWires {
  readonly memory: GuestMemory;
  readonly ingress: Ingress;
  /** IRQ 14 and IRQ 15. */
  readonly irqs: readonly [IrqLine, IrqLine];
  /** Primary master and slave, secondary master and slave. */
  readonly drives: readonly (AtaDevice | undefined)[];
}

export interface PiixIdeOptions {
  readonly name?: string;
}

export type PiixIdeState = {
  readonly version: 1;
  /** IDETIM of both channels, and SIDETIM. */
  readonly timing: readonly number[];
  readonly busMaster: boolean;
  readonly channels: readonly IdeChannelState[];
};

export class PiixIde implements Device<PiixIdeState> {
  readonly name: string;
  readonly pciFunction: PciFunction;
  /** For 1F0H and 3F6H, 170H and 376H. */
  readonly regions: {
    readonly primary: IoRegion;
    readonly primaryControl: IoRegion;
    readonly secondary: IoRegion;
    readonly secondaryControl: IoRegion;
  };

  readonly #channels: readonly [IdeChannel, IdeChannel];
  /** 40H to 44H. */
  readonly #timing = new Uint8Array(5);
  #busMaster = false;

  constructor({ memory, ingress, irqs, drives }: PiixIdeWires, options: PiixIdeOptions = {}) {
    this.name = options.name ?? 'piix3-ide';
    if (drives.length > 4) throw new AtaError('bad-option', `${drives.length} drives; two channels take four`);
    const channel = (index: 0 | 1): IdeChannel =>
      new IdeChannel(`${this.name}-${index}`, { memory, ingress, irq: irqs[index], devices: [drives[2 * index], drives[2 * index + 1]] });
    this.#channels = [channel(0), channel(1)];
    this.regions = {
      primary: this.#commandRegion(0),
      primaryControl: this.#controlRegion(0),
      secondary: this.#commandRegion(1),
      secondaryControl: this.#controlRegion(1),
    };
    this.pciFunction = {
      name: this.name,
      vendorId: 0x8086,
      deviceId: 0x7010,
      // Both channels in compatibility mode, bus master.
      classCode: 0x010180,
      fixedCommand: 0,
      bars: [{ index: 4, kind: 'io', region: this.#busMasterRegion() }],
      readConfig: (register, size) => this.#readConfig(register, size),
      writeConfig: (register, value, size) => this.#writeConfig(register, value, size),
      onBusMaster: (enabled) => {
        this.#busMaster = enabled;
        this.#channels.forEach((each) => (each.mayMaster = enabled));
      },
    };
  }

  /** What a BIOS does: the channels that have drives decode their ports. */
  enable(): void {
    this.#channels.forEach((channel, i) => this.#setTiming(i, channel.empty ? 0 : IDE_DECODE_ENABLE));
  }

  reset(kind: 'cold' | 'warm'): void {
    this.#timing.fill(0);
    this.#busMaster = false;
    for (const channel of this.#channels) {
      channel.mayMaster = false;
      channel.reset(kind === 'cold' ? 'power' : 'hard');
    }
  }

  save(): PiixIdeState {
    return { version: 1, timing: [...this.#timing], busMaster: this.#busMaster, channels: this.#channels.map((channel) => channel.save()) };
  }

  restore(state: PiixIdeState): void {
    if (state.version !== 1) throw new AtaError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    this.#timing.set(state.timing);
    this.#busMaster = state.busMaster;
    this.#channels.forEach((channel, i) => channel.restore(state.channels[i], state.busMaster));
  }

  #commandRegion(index: 0 | 1): IoRegion {
    const { command } = this.#channels[index];
    return {
      name: `${this.name} ${index === 0 ? 'primary' : 'secondary'}`,
      length: 8,
      handler: {
        read: (offset, size) => (this.#decodes(index) ? command.read(offset, size) : 2 ** (8 * size) - 1),
        write: (offset, value, size) => {
          if (this.#decodes(index)) command.write(offset, value, size);
        },
      },
    };
  }

  #controlRegion(index: 0 | 1): IoRegion {
    const { control } = this.#channels[index];
    return {
      name: `${this.name} ${index === 0 ? 'primary' : 'secondary'} control`,
      length: 1,
      accepts: [1],
      handler: {
        read: (offset, size) => (this.#decodes(index) ? control.read(offset, size) : 0xff),
        write: (offset, value, size) => {
          if (this.#decodes(index)) control.write(offset, value, size);
        },
      },
    };
  }

  #busMasterRegion(): IoRegion {
    const bus = (offset: number): { readonly handler: IoRegion['handler'] } => this.#channels[offset < CHANNEL_BYTES ? 0 : 1].bus;
    return {
      name: `${this.name} bus master`,
      length: BUS_MASTER_BYTES,
      handler: {
        read: (offset, size) => bus(offset).handler.read(offset % CHANNEL_BYTES, size),
        write: (offset, value, size) => bus(offset).handler.write(offset % CHANNEL_BYTES, value, size),
      },
    };
  }

  #decodes(index: 0 | 1): boolean {
    return (this.#timing[2 * index + 1] & (IDE_DECODE_ENABLE >>> 8)) !== 0;
  }

  #setTiming(index: number, value: number): void {
    this.#timing[2 * index] = value & 0xff;
    this.#timing[2 * index + 1] = value >>> 8;
  }

  #readConfig(register: number, size: number): number | undefined {
    if (register < IDETIM || register + size - 1 > SIDETIM) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#timing[register - IDETIM + i] * 2 ** (8 * i);
    return value;
  }

  #writeConfig(register: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const index = register + i - IDETIM;
      if (index >= 0 && index < this.#timing.length) this.#timing[index] = Math.floor(value / 2 ** (8 * i)) & 0xff;
    }
  }
}
