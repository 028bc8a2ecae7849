import type { BlockBackend } from '@pckit/interfaces';
import type { AtaDevice } from './ata-device.js';
import { AtaError } from './ata-error.js';
import { checkStrings, defaultGeometry, identifyDisk, MAX_MULTIPLE, MAX_TRIM_BLOCKS, SECTOR } from './identify.js';
import type { Geometry, IdentifyStrings } from './identify.js';
import { DONE, failed } from './plan.js';
import type { AtaEnd, AtaPlan, AtaProtocol } from './plan.js';
import * as tf from './taskfile.js';
import type { Taskfile } from './taskfile.js';
import { TransferMode } from './transfer-mode.js';

/**
 * An ATA disk: ATA8-ACS (T13/1699-D revision 6), the general feature set with 48-bit addresses, the power management commands, queued
 * commands for Serial ATA, and TRIM where the backend can discard.
 *
 * Deviations: no SMART, security, HPA or DCO feature sets: their commands are aborted, and IDENTIFY DEVICE says so. Standby and sleep
 * change nothing; a sleeping device answers without a reset. READ VERIFY does not read.
 */

export interface AtaDiskOptions {
  /** Default `PCKIT DISK`. */
  readonly model?: string;
  /** Default `PCKIT0001`. */
  readonly serial?: string;
  /** Default `1.0`. */
  readonly firmware?: string;
  /** On a Serial ATA cable: queued commands. Default false. */
  readonly sata?: boolean;
}

export type AtaDiskState = {
  readonly version: 1;
  readonly multiple: number;
  readonly multiwordDma: number;
  readonly ultraDma: number;
  readonly writeCache: boolean;
  readonly lookAhead: boolean;
  readonly heads: number;
  readonly sectorsPerTrack: number;
  readonly queuedError: Uint8Array;
};

const LBA28_SECTORS = 2 ** 28;
const LOG_DIRECTORY = 0x00;
const LOG_QUEUED_ERROR = 0x10;
/** Bytes of an entry in a TRIM list: 48 bits of LBA, 16 of count (section 7.9.2.3). */
const TRIM_ENTRY = 8;

// SET FEATURES subcommands (section 7.47).
const FEATURE_WRITE_CACHE_ON = 0x02;
const FEATURE_TRANSFER_MODE = 0x03;
const FEATURE_LOOK_AHEAD_OFF = 0x55;
const FEATURE_REVERT_OFF = 0x66;
const FEATURE_WRITE_CACHE_OFF = 0x82;
const FEATURE_LOOK_AHEAD_ON = 0xaa;
const FEATURE_REVERT_ON = 0xcc;

export class AtaDisk implements AtaDevice {
  readonly kind = 'disk';
  readonly signature = tf.SIGNATURE_ATA;
  /** Sectors of 512 bytes. */
  readonly sectors: number;

  readonly #strings: IdentifyStrings;
  readonly #sata: boolean;
  readonly #mode: TransferMode;
  #geometry: Geometry;
  #multiple = MAX_MULTIPLE;
  #writeCache = true;
  #lookAhead = true;
  #queuedError = new Uint8Array(SECTOR);

  constructor(
    readonly backend: BlockBackend,
    options: AtaDiskOptions = {},
  ) {
    this.#strings = { model: options.model ?? 'PCKIT DISK', serial: options.serial ?? 'PCKIT0001', firmware: options.firmware ?? '1.0' };
    checkStrings(this.#strings);
    this.#sata = options.sata ?? false;
    this.#mode = new TransferMode(this.#sata ? 6 : 5);
    this.sectors = Math.floor(backend.size / SECTOR);
    if (this.sectors === 0 || this.sectors > 2 ** 48)
      throw new AtaError('bad-option', `a disk of ${backend.size} bytes: an ATA disk has 1 to 2^48 sectors of ${SECTOR} bytes`);
    this.#geometry = defaultGeometry(this.sectors);
  }

  reset(kind: 'power' | 'hard' | 'soft'): void {
    // Settings survive a software reset (section 7.47.5: reverting to defaults is off), as libata expects of every disk.
    if (kind === 'soft') return;
    this.#mode.reset();
    this.#geometry = defaultGeometry(this.sectors);
    this.#multiple = MAX_MULTIPLE;
    this.#writeCache = true;
    this.#lookAhead = true;
    this.#queuedError = new Uint8Array(SECTOR);
  }

  plan(taskfile: Taskfile): AtaPlan {
    switch (taskfile.command) {
      case tf.CMD_READ_SECTORS:
      case tf.CMD_READ_SECTORS + 1:
        return this.#transfer28(taskfile, 'in', 'pio', 1);
      case tf.CMD_READ_SECTORS_EXT:
        return this.#transfer48(taskfile, 'in', 'pio', 1);
      case tf.CMD_WRITE_SECTORS:
      case tf.CMD_WRITE_SECTORS + 1:
        return this.#transfer28(taskfile, 'out', 'pio', 1);
      case tf.CMD_WRITE_SECTORS_EXT:
        return this.#transfer48(taskfile, 'out', 'pio', 1);
      case tf.CMD_READ_MULTIPLE:
        return this.#transfer28(taskfile, 'in', 'pio', this.#multiple);
      case tf.CMD_READ_MULTIPLE_EXT:
        return this.#transfer48(taskfile, 'in', 'pio', this.#multiple);
      case tf.CMD_WRITE_MULTIPLE:
        return this.#transfer28(taskfile, 'out', 'pio', this.#multiple);
      case tf.CMD_WRITE_MULTIPLE_EXT:
        return this.#transfer48(taskfile, 'out', 'pio', this.#multiple);
      case tf.CMD_WRITE_MULTIPLE_FUA_EXT:
        return this.#transfer48(taskfile, 'out', 'pio', this.#multiple, true);
      case tf.CMD_READ_DMA:
      case tf.CMD_READ_DMA + 1:
        return this.#transfer28(taskfile, 'in', 'dma', 1);
      case tf.CMD_READ_DMA_EXT:
        return this.#transfer48(taskfile, 'in', 'dma', 1);
      case tf.CMD_WRITE_DMA:
      case tf.CMD_WRITE_DMA + 1:
        return this.#transfer28(taskfile, 'out', 'dma', 1);
      case tf.CMD_WRITE_DMA_EXT:
        return this.#transfer48(taskfile, 'out', 'dma', 1);
      case tf.CMD_WRITE_DMA_FUA_EXT:
        return this.#transfer48(taskfile, 'out', 'dma', 1, true);
      case tf.CMD_READ_FPDMA_QUEUED:
        return this.#queued(taskfile, 'in');
      case tf.CMD_WRITE_FPDMA_QUEUED:
        return this.#queued(taskfile, 'out');
      case tf.CMD_READ_VERIFY_SECTORS:
      case tf.CMD_READ_VERIFY_SECTORS + 1:
        return this.#verify(this.#address28(taskfile), count28(taskfile));
      case tf.CMD_READ_VERIFY_SECTORS_EXT:
        return this.#verify(taskfile.lba, count48(taskfile));
      case tf.CMD_FLUSH_CACHE:
      case tf.CMD_FLUSH_CACHE_EXT:
        return { step: 'work', work: 'flush' };
      case tf.CMD_IDENTIFY_DEVICE:
        return this.#bytes('pio', this.#identify());
      case tf.CMD_SET_FEATURES:
        return this.#setFeatures(taskfile);
      case tf.CMD_SET_MULTIPLE_MODE:
        return this.#setMultiple(taskfile.count & 0xff);
      case tf.CMD_INITIALIZE_DEVICE_PARAMETERS:
        return this.#setGeometry((taskfile.device & 0xf) + 1, taskfile.count & 0xff);
      case tf.CMD_DATA_SET_MANAGEMENT:
        return this.#dataSetManagement(taskfile);
      case tf.CMD_READ_LOG_EXT:
        return this.#readLog(taskfile);
      case tf.CMD_CHECK_POWER_MODE:
        // PM0: active or idle.
        return { step: 'end', error: 0, count: 0xff };
      case tf.CMD_STANDBY_IMMEDIATE:
      case tf.CMD_STANDBY:
      case tf.CMD_SLEEP:
        // Section 7.53: the write cache is written out first.
        return { step: 'work', work: 'flush' };
      case tf.CMD_IDLE_IMMEDIATE:
      case tf.CMD_IDLE:
        return DONE;
      default:
        return failed(tf.ERROR_ABRT);
    }
  }

  accept(data: Uint8Array): AtaPlan {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const ranges: number[] = [];
    for (let at = 0; at + TRIM_ENTRY <= data.length; at += TRIM_ENTRY) {
      const lba = view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
      const count = view.getUint16(at + 6, true);
      if (count === 0) continue;
      if (lba + count > this.sectors) return failed(tf.ERROR_IDNF | tf.ERROR_ABRT, lba);
      ranges.push(lba * SECTOR, count * SECTOR);
    }
    return ranges.length === 0 ? DONE : { step: 'work', work: 'trim', ranges };
  }

  packet(): AtaPlan {
    return failed(tf.ERROR_ABRT);
  }

  hostFailed(plan: AtaPlan): AtaEnd {
    if (plan.step === 'media') return failed(plan.direction === 'in' ? tf.ERROR_UNC : tf.ERROR_ABRT, plan.offset / SECTOR);
    return failed(tf.ERROR_ABRT);
  }

  /** The queued error log, page 10H: ATA8-ACS annex A.12. */
  queuedFailed(tag: number, taskfile: Taskfile, end: AtaEnd): void {
    const log = new Uint8Array(SECTOR);
    const lba = end.lba ?? taskfile.lba;
    log[0] = tag & 0x1f;
    log[2] = tf.DRDY | tf.ERR;
    log[3] = end.error;
    log[4] = lba % 0x100;
    log[5] = Math.floor(lba / 2 ** 8) % 0x100;
    log[6] = Math.floor(lba / 2 ** 16) % 0x100;
    log[7] = taskfile.device;
    log[8] = Math.floor(lba / 2 ** 24) % 0x100;
    log[9] = Math.floor(lba / 2 ** 32) % 0x100;
    log[10] = Math.floor(lba / 2 ** 40) % 0x100;
    log[12] = taskfile.count & 0xff;
    log[13] = taskfile.count >>> 8;
    let sum = 0;
    for (let i = 0; i < 511; i++) sum += log[i];
    log[511] = -sum & 0xff;
    this.#queuedError = log;
  }

  save(): AtaDiskState {
    return {
      version: 1,
      multiple: this.#multiple,
      multiwordDma: this.#mode.multiwordDma,
      ultraDma: this.#mode.ultraDma,
      writeCache: this.#writeCache,
      lookAhead: this.#lookAhead,
      heads: this.#geometry.heads,
      sectorsPerTrack: this.#geometry.sectors,
      queuedError: this.#queuedError.slice(),
    };
  }

  restore(state: AtaDiskState): void {
    if (state.version !== 1) throw new AtaError('bad-state', `ATA disk: state version ${String(state.version)}, known: 1`);
    this.#multiple = state.multiple;
    this.#mode.multiwordDma = state.multiwordDma;
    this.#mode.ultraDma = state.ultraDma;
    this.#writeCache = state.writeCache;
    this.#lookAhead = state.lookAhead;
    this.#geometry = this.#translation(state.heads, state.sectorsPerTrack);
    this.#queuedError = state.queuedError.slice();
  }

  // Reads and writes

  #transfer28(taskfile: Taskfile, direction: 'in' | 'out', protocol: AtaProtocol, blockSectors: number): AtaPlan {
    return this.#transfer(this.#address28(taskfile), count28(taskfile), { direction, protocol, blockSectors, fua: false });
  }

  #transfer48(taskfile: Taskfile, direction: 'in' | 'out', protocol: AtaProtocol, blockSectors: number, fua = false): AtaPlan {
    if ((taskfile.device & tf.DEVICE_LBA) === 0) return failed(tf.ERROR_ABRT);
    return this.#transfer(taskfile.lba, count48(taskfile), { direction, protocol, blockSectors, fua });
  }

  /** READ and WRITE FPDMA QUEUED: the count is in the features register, FUA in bit 7 of the device register (section 7.33). */
  #queued(taskfile: Taskfile, direction: 'in' | 'out'): AtaPlan {
    if (!this.#sata) return failed(tf.ERROR_ABRT);
    const fua = (taskfile.device & 0x80) !== 0;
    return this.#transfer(taskfile.lba, taskfile.features === 0 ? 0x1_0000 : taskfile.features, { direction, protocol: 'queued', blockSectors: 1, fua });
  }

  #transfer(
    lba: number,
    count: number,
    { direction, protocol, blockSectors, fua }: { direction: 'in' | 'out'; protocol: AtaProtocol; blockSectors: number; fua: boolean },
  ): AtaPlan {
    // READ MULTIPLE before SET MULTIPLE MODE, or DMA with no mode selected, which power-on doesn't leave.
    if (blockSectors === 0) return failed(tf.ERROR_ABRT);
    if (lba < 0 || lba + count > this.sectors) return failed(tf.ERROR_IDNF, Math.max(lba, 0));
    if (direction === 'out' && this.backend.readOnly) return failed(tf.ERROR_ABRT, lba);
    return {
      step: 'media',
      protocol,
      direction,
      block: blockSectors * SECTOR,
      offset: lba * SECTOR,
      length: count * SECTOR,
      durable: direction === 'out' && (fua || !this.#writeCache),
    };
  }

  #verify(lba: number, count: number): AtaPlan {
    return lba < 0 || lba + count > this.sectors ? failed(tf.ERROR_IDNF, Math.max(lba, 0)) : DONE;
  }

  /** @returns -1 for a cylinder, head or sector that isn't there */
  #address28({ lba, device }: Taskfile): number {
    if ((device & tf.DEVICE_LBA) !== 0) return (lba % 2 ** 24) + (device & 0xf) * 2 ** 24;
    const { heads, sectors } = this.#geometry;
    const sector = lba % 0x100;
    const cylinder = Math.floor(lba / 0x100) % 0x1_0000;
    const head = device & 0xf;
    if (sector === 0 || sector > sectors || head >= heads) return -1;
    return (cylinder * heads + head) * sectors + sector - 1;
  }

  // Settings

  #setFeatures({ features, count }: Taskfile): AtaPlan {
    switch (features & 0xff) {
      case FEATURE_TRANSFER_MODE:
        return this.#mode.select(count & 0xff) ? DONE : failed(tf.ERROR_ABRT);
      case FEATURE_WRITE_CACHE_ON:
        this.#writeCache = true;
        return DONE;
      case FEATURE_WRITE_CACHE_OFF:
        this.#writeCache = false;
        return { step: 'work', work: 'flush' };
      case FEATURE_LOOK_AHEAD_ON:
        this.#lookAhead = true;
        return DONE;
      case FEATURE_LOOK_AHEAD_OFF:
        this.#lookAhead = false;
        return DONE;
      case FEATURE_REVERT_OFF:
      case FEATURE_REVERT_ON:
        return DONE;
      default:
        return failed(tf.ERROR_ABRT);
    }
  }

  #setMultiple(count: number): AtaPlan {
    if (count > MAX_MULTIPLE || (count & (count - 1)) !== 0) return failed(tf.ERROR_ABRT);
    this.#multiple = count;
    return DONE;
  }

  #setGeometry(heads: number, sectors: number): AtaPlan {
    if (sectors === 0) return failed(tf.ERROR_ABRT);
    this.#geometry = this.#translation(heads, sectors);
    return DONE;
  }

  #translation(heads: number, sectors: number): Geometry {
    return { cylinders: Math.min(0xffff, Math.max(1, Math.floor(Math.min(this.sectors, LBA28_SECTORS) / (heads * sectors)))), heads, sectors };
  }

  // The rest

  #identify(): Uint8Array {
    return identifyDisk({
      strings: this.#strings,
      sectors: this.sectors,
      geometry: this.#geometry,
      multiple: this.#multiple,
      modes: this.#mode,
      writeCache: this.#writeCache,
      lookAhead: this.#lookAhead,
      sata: this.#sata,
      trim: this.#canTrim,
    });
  }

  get #canTrim(): boolean {
    return this.backend.discard !== undefined && !this.backend.readOnly;
  }

  #dataSetManagement({ features, count }: Taskfile): AtaPlan {
    if (!this.#canTrim || (features & 1) === 0 || count === 0 || count > MAX_TRIM_BLOCKS) return failed(tf.ERROR_ABRT);
    return { step: 'receive', protocol: 'dma', block: SECTOR, length: count * SECTOR };
  }

  /** Annex A: the directory, and the queued error log. */
  #readLog({ lba, count, features }: Taskfile): AtaPlan {
    const address = lba % 0x100;
    const page = (Math.floor(lba / 2 ** 8) % 0x100) + (Math.floor(lba / 2 ** 32) % 0x100) * 0x100;
    if (!this.#sata || count !== 1 || page !== 0 || features > 1) return failed(tf.ERROR_ABRT);
    if (address === LOG_QUEUED_ERROR) return this.#bytes('pio', this.#queuedError.slice());
    if (address !== LOG_DIRECTORY) return failed(tf.ERROR_ABRT);
    const directory = new Uint8Array(SECTOR);
    directory[0] = 1;
    directory[2 * LOG_QUEUED_ERROR] = 1;
    return this.#bytes('pio', directory);
  }

  #bytes(protocol: AtaProtocol, data: Uint8Array): AtaPlan {
    return { step: 'bytes', protocol, block: SECTOR, data };
  }
}

/** A count of 0 means the most that the register could hold and one more. */
function count28({ count }: Taskfile): number {
  return (count & 0xff) === 0 ? 0x100 : count & 0xff;
}

function count48({ count }: Taskfile): number {
  return count === 0 ? 0x1_0000 : count;
}
