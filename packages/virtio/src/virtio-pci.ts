import type { AccessSize, Device, GuestMemory, IoRegion, PciBar, PciCapability, PciFunction, PciInterrupts } from '@pckit/interfaces';
import { VirtioEndpoint } from './endpoint.js';
import type { EndpointState } from './endpoint.js';
import { LegacyPciRegisters } from './legacy-pci.js';
import { RegisterFields } from './register-fields.js';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE, VIRTIO_ID_ENTROPY, VIRTIO_ID_NET, VirtioError } from './virtio-device.js';
import type { VirtioDevice, VirtioObserver } from './virtio-device.js';
import { QUEUE_DESC, QUEUE_DEVICE, QUEUE_DRIVER } from './virtqueue.js';
import type { QueuePart } from './virtqueue.js';

// virtio over PCI: VIRTIO 1.2, 4.1. A modern device, or a transitional one, which answers legacy drivers through an I/O BAR too
// (legacy-pci.ts). The host bridge owns configuration space, the MSI-X table and the BARs' places; this is the function as data.
//
// Layout, as QEMU's (no driver may rely on it, they read the capabilities):
//   BAR 0  I/O       legacy registers (transitional only)
//   BAR 1  memory32  MSI-X table at 0, pending bits at 800H
//   BAR 4  memory64  common configuration 0, ISR 1000H, device configuration 2000H, notifications 3000H

const VENDOR_ID = 0x1af4;
/** 4.1.2: modern devices are 1040H + type. */
const MODERN_ID = 0x1040;
/** 4.1.2.3: transitional devices that had numbers of their own. */
const TRANSITIONAL_IDS: Readonly<Record<number, number>> = {
  [VIRTIO_ID_NET]: 0x1000,
  [VIRTIO_ID_BLOCK]: 0x1001,
  [VIRTIO_ID_CONSOLE]: 0x1003,
  [VIRTIO_ID_ENTROPY]: 0x1005,
};

// 4.1.4 "Virtio Structure PCI Capabilities"
const PCI_CAP_ID_VNDR = 0x09;
const CAP_COMMON_CFG = 1;
const CAP_NOTIFY_CFG = 2;
const CAP_ISR_CFG = 3;
const CAP_DEVICE_CFG = 4;
const CAP_PCI_CFG = 5;

const MSIX_BAR = 1;
const MSIX_PENDING = 0x800;
/** As many as fit before the pending bits. */
const MAX_VECTORS = 128;
const MODERN_BAR = 4;
const COMMON_AT = 0x0000;
const ISR_AT = 0x1000;
const DEVICE_AT = 0x2000;
const NOTIFY_AT = 0x3000;
const PART_LENGTH = 0x1000;
const NOTIFY_MULTIPLIER = 4;

// 4.1.4.3 "Common configuration structure layout"
const DEVICE_FEATURE_SELECT = 0x00;
const DEVICE_FEATURE = 0x04;
const DRIVER_FEATURE_SELECT = 0x08;
const DRIVER_FEATURE = 0x0c;
const CONFIG_MSIX_VECTOR = 0x10;
const NUM_QUEUES = 0x12;
const DEVICE_STATUS = 0x14;
const CONFIG_GENERATION = 0x15;
const QUEUE_SELECT = 0x16;
const QUEUE_SIZE = 0x18;
const QUEUE_MSIX_VECTOR = 0x1a;
const QUEUE_ENABLE = 0x1c;
const QUEUE_NOTIFY_OFF = 0x1e;
const QUEUE_DESC_LO = 0x20;
const QUEUE_DESC_HI = 0x24;
const QUEUE_DRIVER_LO = 0x28;
const QUEUE_DRIVER_HI = 0x2c;
const QUEUE_DEVICE_LO = 0x30;
const QUEUE_DEVICE_HI = 0x34;
const QUEUE_NOTIF_CONFIG_DATA = 0x38;
const QUEUE_RESET = 0x3a;
const COMMON = new RegisterFields([4, 4, 4, 4, 2, 2, 1, 1, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 2, 2]);

// 4.1.4.5 "ISR status capability"
export const ISR_QUEUE = 0x01;
export const ISR_CONFIG = 0x02;

/** "No vector": 4.1.5.1.2. */
const NO_VECTOR = 0xffff;

// The PCI configuration access capability (4.1.4.9), as offsets in the capability's body (after its two header bytes).
const WINDOW_BAR = 2;
const WINDOW_OFFSET = 6;
const WINDOW_LENGTH = 10;
const WINDOW_DATA = 14;

export interface VirtioPciWires {
  readonly memory: GuestMemory;
  readonly interrupts: PciInterrupts;
  readonly device: VirtioDevice;
  readonly observer?: VirtioObserver;
}

export interface VirtioPciOptions {
  /** Also answer legacy drivers (Linux before 3.19, BIOSes of that age). Default false. */
  readonly transitional?: boolean;
}

export type VirtioPciState = {
  readonly version: 1;
  readonly isr: number;
  readonly configVector: number;
  readonly queueVectors: readonly number[];
  readonly window: Uint8Array;
  readonly endpoint: EndpointState;
};

/** The transport and the device behind it, as one `Device`: the board saves and resets this and plugs `function` into a slot. */
export class VirtioPci implements Device<VirtioPciState> {
  readonly name: string;
  readonly function: PciFunction;
  readonly endpoint: VirtioEndpoint;
  readonly #interrupts: PciInterrupts;
  readonly #vectors: number;
  readonly #queueVectors: Uint16Array;
  readonly #bars = new Map<number, IoRegion>();
  /** Body of the PCI configuration access capability. */
  readonly #window: Uint8Array;
  #configVector = NO_VECTOR;
  #isr = 0;

  constructor(wires: VirtioPciWires, options: VirtioPciOptions = {}) {
    const { device } = wires;
    this.name = device.name;
    this.#interrupts = wires.interrupts;
    this.#vectors = device.queueSizes.length + 1;
    if (this.#vectors > MAX_VECTORS) throw new VirtioError('bad-option', `${this.name}: ${device.queueSizes.length} queues, at most ${MAX_VECTORS - 1}`);
    this.#queueVectors = new Uint16Array(device.queueSizes.length).fill(NO_VECTOR);
    this.endpoint = new VirtioEndpoint(wires.memory, device, { queueInterrupt: (queue) => this.#queueInterrupt(queue), configInterrupt: () => this.#configInterrupt() }, wires.observer);
    this.endpoint.setDma(false);
    this.#window = capability(CAP_PCI_CFG, 0, 0, 0, 4);
    this.function = this.#describe(device, options.transitional ?? false);
  }

  reset(kind: 'cold' | 'warm'): void {
    this.endpoint.setDma(false);
    this.#deviceReset(kind);
    this.#window.set(capability(CAP_PCI_CFG, 0, 0, 0, 4));
  }

  save(): VirtioPciState {
    return {
      version: 1,
      isr: this.#isr,
      configVector: this.#configVector,
      queueVectors: [...this.#queueVectors],
      window: this.#window.slice(),
      endpoint: this.endpoint.save(),
    };
  }

  restore(state: VirtioPciState): void {
    if (state.version !== 1) throw new VirtioError('bad-state', `${this.name}: state version ${String(state.version)}, known: 1`);
    this.#isr = state.isr;
    this.#configVector = state.configVector;
    this.#queueVectors.set(state.queueVectors);
    this.#window.set(state.window);
    this.endpoint.restore(state.endpoint);
  }

  #describe(device: VirtioDevice, transitional: boolean): PciFunction {
    const modern: IoRegion = {
      name: `${this.name} registers`,
      length: 0x4000,
      handler: { read: (offset, size) => this.#read(offset, size), write: (offset, value, size) => this.#write(offset, value, size) },
    };
    // The host bridge answers for the table and the pending bits; nothing else is there.
    const msix: IoRegion = { name: `${this.name} msix`, length: 0x1000, handler: { read: () => 0, write: () => undefined } };
    this.#bars.set(MODERN_BAR, modern);
    const bars: PciBar[] = [
      { index: MSIX_BAR, kind: 'memory32', region: msix },
      { index: MODERN_BAR, kind: 'memory64', prefetchable: true, region: modern },
    ];
    if (transitional) {
      const legacy = new LegacyPciRegisters(this.endpoint, {
        msixEnabled: () => this.#interrupts.msixEnabled,
        takeIsr: () => this.#takeIsr(),
        reset: () => this.#deviceReset('warm'),
        configVector: () => this.#configVector,
        setConfigVector: (vector) => (this.#configVector = this.#vector(vector)),
        queueVector: (queue) => this.#queueVectors[queue] ?? NO_VECTOR,
        setQueueVector: (queue, vector) => (this.#queueVectors[queue] = this.#vector(vector)),
      });
      bars.unshift({ index: 0, kind: 'io', region: legacy.region });
      this.#bars.set(0, legacy.region);
    }
    const transitionalId = TRANSITIONAL_IDS[device.deviceType];
    if (transitional && transitionalId === undefined) throw new VirtioError('bad-option', `${this.name}: device type ${device.deviceType} has no transitional form`);
    const modernCapabilities: PciCapability[] = [
      { id: PCI_CAP_ID_VNDR, body: capability(CAP_COMMON_CFG, MODERN_BAR, COMMON_AT, PART_LENGTH) },
      { id: PCI_CAP_ID_VNDR, body: capability(CAP_ISR_CFG, MODERN_BAR, ISR_AT, PART_LENGTH) },
      ...(device.config.length > 0 ? [{ id: PCI_CAP_ID_VNDR, body: capability(CAP_DEVICE_CFG, MODERN_BAR, DEVICE_AT, PART_LENGTH) }] : []),
      { id: PCI_CAP_ID_VNDR, body: capability(CAP_NOTIFY_CFG, MODERN_BAR, NOTIFY_AT, PART_LENGTH, 4) },
      {
        id: PCI_CAP_ID_VNDR,
        body: this.#window.slice(),
        onRead: (offset, size) => this.#readWindow(offset, size),
        onWrite: (offset, value, size) => this.#writeWindow(offset, value, size),
      },
    ];
    return {
      name: this.name,
      vendorId: VENDOR_ID,
      deviceId: transitional ? (transitionalId as number) : MODERN_ID + device.deviceType,
      // 4.1.2.1: modern devices have revision 1 or more, transitional ones 0, and the device type as subsystem ID.
      revision: transitional ? 0 : 1,
      classCode: device.pciClass,
      subsystemVendorId: VENDOR_ID,
      subsystemId: transitional ? device.deviceType : 0x1100,
      bars,
      interruptPin: 1,
      msix: { vectors: this.#vectors, bar: MSIX_BAR, tableOffset: 0, pendingOffset: MSIX_PENDING },
      capabilities: modernCapabilities,
      onBusMaster: (enabled) => this.endpoint.setDma(enabled),
    };
  }

  #read(offset: number, size: AccessSize): number {
    switch (offset & ~(PART_LENGTH - 1)) {
      case COMMON_AT:
        return this.#readCommon(offset, size);
      case ISR_AT:
        return offset === ISR_AT ? this.#takeIsr() : 0;
      case DEVICE_AT:
        return this.endpoint.readConfig(offset - DEVICE_AT, size);
      default:
        return 0;
    }
  }

  #write(offset: number, value: number, size: AccessSize): void {
    switch (offset & ~(PART_LENGTH - 1)) {
      case NOTIFY_AT:
        // 4.1.5.2: the queue's own address says which; the value repeats it.
        if (offset % NOTIFY_MULTIPLIER === 0) this.endpoint.notify((offset - NOTIFY_AT) / NOTIFY_MULTIPLIER);
        break;
      case COMMON_AT:
        this.#writeCommon(offset, value, size);
        break;
      case DEVICE_AT:
        this.endpoint.writeConfig(offset - DEVICE_AT, value, size);
        break;
    }
  }

  #readCommon(offset: number, size: AccessSize): number {
    return COMMON.read(offset, size, this.#readRegister);
  }

  readonly #readRegister = (register: number): number => {
    const { endpoint } = this;
    const queue = endpoint.selectedQueue;
    switch (register) {
      case DEVICE_FEATURE_SELECT:
        return endpoint.deviceFeatureSelect;
      case DEVICE_FEATURE:
        return endpoint.deviceFeatures(endpoint.deviceFeatureSelect);
      case DRIVER_FEATURE_SELECT:
        return endpoint.driverFeatureSelect;
      case DRIVER_FEATURE:
        return endpoint.driverFeatures(endpoint.driverFeatureSelect);
      case CONFIG_MSIX_VECTOR:
        return this.#configVector;
      case NUM_QUEUES:
        return endpoint.queues.length;
      case DEVICE_STATUS:
        return endpoint.status;
      case CONFIG_GENERATION:
        return endpoint.generation;
      case QUEUE_SELECT:
        return endpoint.queueSelect;
      case QUEUE_SIZE:
        return queue?.size ?? 0;
      case QUEUE_MSIX_VECTOR:
        return this.#queueVectors[endpoint.queueSelect] ?? NO_VECTOR;
      case QUEUE_ENABLE:
        return queue?.enabled === true ? 1 : 0;
      case QUEUE_NOTIFY_OFF:
        return queue?.index ?? 0;
      case QUEUE_DESC_LO:
        return queue?.addressWord(QUEUE_DESC, 0) ?? 0;
      case QUEUE_DESC_HI:
        return queue?.addressWord(QUEUE_DESC, 1) ?? 0;
      case QUEUE_DRIVER_LO:
        return queue?.addressWord(QUEUE_DRIVER, 0) ?? 0;
      case QUEUE_DRIVER_HI:
        return queue?.addressWord(QUEUE_DRIVER, 1) ?? 0;
      case QUEUE_DEVICE_LO:
        return queue?.addressWord(QUEUE_DEVICE, 0) ?? 0;
      case QUEUE_DEVICE_HI:
        return queue?.addressWord(QUEUE_DEVICE, 1) ?? 0;
      case QUEUE_NOTIF_CONFIG_DATA:
        return queue?.index ?? 0;
      default:
        // QUEUE_RESET is done as soon as it is asked for.
        return 0;
    }
  };

  /** A write that begins within a register, or doesn't cover it, is not a driver's. */
  #writeCommon(offset: number, value: number, size: AccessSize): void {
    if (!COMMON.covers(offset, size)) return;
    const { endpoint } = this;
    switch (offset) {
      case DEVICE_FEATURE_SELECT:
        endpoint.deviceFeatureSelect = value;
        break;
      case DRIVER_FEATURE_SELECT:
        endpoint.driverFeatureSelect = value;
        break;
      case DRIVER_FEATURE:
        endpoint.setDriverFeatures(endpoint.driverFeatureSelect, value);
        break;
      case CONFIG_MSIX_VECTOR:
        this.#configVector = this.#vector(value & 0xffff);
        break;
      case DEVICE_STATUS:
        if ((value & 0xff) === 0) this.#deviceReset('warm');
        else endpoint.setStatus(value, false);
        break;
      case QUEUE_SELECT:
        endpoint.queueSelect = value & 0xffff;
        break;
      case QUEUE_SIZE:
        endpoint.selectedQueue?.setSize(value & 0xffff);
        break;
      case QUEUE_MSIX_VECTOR:
        if (endpoint.selectedQueue !== undefined) this.#queueVectors[endpoint.queueSelect] = this.#vector(value & 0xffff);
        break;
      case QUEUE_ENABLE:
        // 4.1.4.3.2: the driver writes only 1.
        if ((value & 0xffff) === 1) endpoint.selectedQueue?.enable();
        break;
      case QUEUE_DESC_LO:
        this.#setAddress(QUEUE_DESC, 0, value);
        break;
      case QUEUE_DESC_HI:
        this.#setAddress(QUEUE_DESC, 1, value);
        break;
      case QUEUE_DRIVER_LO:
        this.#setAddress(QUEUE_DRIVER, 0, value);
        break;
      case QUEUE_DRIVER_HI:
        this.#setAddress(QUEUE_DRIVER, 1, value);
        break;
      case QUEUE_DEVICE_LO:
        this.#setAddress(QUEUE_DEVICE, 0, value);
        break;
      case QUEUE_DEVICE_HI:
        this.#setAddress(QUEUE_DEVICE, 1, value);
        break;
      case QUEUE_RESET:
        if ((value & 0xffff) === 1) endpoint.resetQueue(endpoint.queueSelect);
        break;
    }
  }

  #setAddress(part: QueuePart, high: 0 | 1, value: number): void {
    this.endpoint.selectedQueue?.setAddressWord(part, high, value);
  }

  /** 4.1.5.1.2.1: a vector that the device can't use reads back as "no vector". */
  #vector(vector: number): number {
    return vector < this.#vectors ? vector : NO_VECTOR;
  }

  #deviceReset(kind: 'cold' | 'warm'): void {
    this.#isr = 0;
    this.#interrupts.intx.set(false);
    this.#configVector = NO_VECTOR;
    this.#queueVectors.fill(NO_VECTOR);
    this.endpoint.reset(kind);
  }

  #queueInterrupt(queue: number): void {
    if (this.#interrupts.msixEnabled) {
      const vector = this.#queueVectors[queue] as number;
      if (vector !== NO_VECTOR) this.#interrupts.notify(vector);
      return;
    }
    this.#isr |= ISR_QUEUE;
    this.#interrupts.intx.set(true);
  }

  #configInterrupt(): void {
    this.#isr |= ISR_CONFIG;
    if (this.#interrupts.msixEnabled) {
      if (this.#configVector !== NO_VECTOR) this.#interrupts.notify(this.#configVector);
      return;
    }
    this.#interrupts.intx.set(true);
  }

  /** Reading the ISR clears it and lowers the line. */
  #takeIsr(): number {
    const isr = this.#isr;
    this.#isr = 0;
    this.#interrupts.intx.set(false);
    return isr;
  }

  #readWindow(offset: number, size: number): number {
    if (offset === WINDOW_DATA) {
      const region = this.#windowRegion(size);
      if (region !== undefined) return region.handler.read(this.#windowOffset, size as AccessSize);
    }
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.#window[offset + i] ?? 0);
    return value;
  }

  #writeWindow(offset: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      // cap.bar, cap.offset and cap.length are the driver's; the rest is not.
      if (at === WINDOW_BAR || (at >= WINDOW_OFFSET && at < WINDOW_DATA)) this.#window[at] = (value >>> (8 * i)) & 0xff;
    }
    if (offset === WINDOW_DATA) this.#windowRegion(size)?.handler.write(this.#windowOffset, value, size as AccessSize);
  }

  get #windowOffset(): number {
    return new DataView(this.#window.buffer).getUint32(WINDOW_OFFSET, true);
  }

  /** The BAR that the window looks into, if the driver set it up for an access of `size`. */
  #windowRegion(size: number): IoRegion | undefined {
    const region = this.#bars.get(this.#window[WINDOW_BAR] as number);
    const offset = this.#windowOffset;
    const length = new DataView(this.#window.buffer).getUint32(WINDOW_LENGTH, true);
    if (region === undefined || length !== size || offset % size !== 0 || offset + size > region.length) return undefined;
    return region;
  }
}

/** A `struct virtio_pci_cap` without its two header bytes; `extra` bytes follow: the notify multiplier or pci_cfg_data. */
function capability(type: number, bar: number, offset: number, length: number, extra = 0): Uint8Array {
  const body = new Uint8Array(14 + extra);
  const view = new DataView(body.buffer);
  body[0] = body.length + 2;
  body[1] = type;
  body[2] = bar;
  view.setUint32(6, offset, true);
  view.setUint32(10, length, true);
  if (type === CAP_NOTIFY_CFG) view.setUint32(14, NOTIFY_MULTIPLIER, true);
  return body;
}
