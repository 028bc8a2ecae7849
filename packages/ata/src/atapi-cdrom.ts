import type { BlockBackend } from '@pckit/interfaces';
import type { AtaDevice } from './ata-device.js';
import { AtaError } from './ata-error.js';
import { checkStrings, identifyPacket, SECTOR } from './identify.js';
import type { IdentifyStrings } from './identify.js';
import * as mmc from './mmc-responses.js';
import { DONE, failed } from './plan.js';
import type { AtaEnd, AtaPlan } from './plan.js';
import * as sense from './sense.js';
import { senseData } from './sense.js';
import type { Sense } from './sense.js';
import * as tf from './taskfile.js';
import type { Taskfile } from './taskfile.js';
import { TransferMode } from './transfer-mode.js';

/**
 * An ATAPI CD-ROM or DVD-ROM drive: the PACKET feature set of ATA8-ACS (T13/1699-D), commands of MMC-5 (T10/1675-D) and SPC-3. The disc is
 * an image of 2048-byte sectors, one session with one data track, which is what an ISO file is.
 *
 * Deviations: no audio, no subchannels, no raw sectors (READ CD gives user data only), no disc structures of DVDs; MODE SELECT is refused.
 * A disc that is ejected comes back when the tray closes.
 */

export interface AtapiCdromOptions {
  /** Default `PCKIT CD-ROM`. */
  readonly model?: string;
  /** Default `PCKITCD01`. */
  readonly serial?: string;
  /** Default `1.0`. */
  readonly firmware?: string;
  /** On a Serial ATA cable. Default false. */
  readonly sata?: boolean;
}

export type AtapiCdromState = {
  readonly version: 1;
  readonly multiwordDma: number;
  readonly ultraDma: number;
  readonly senseKey: number;
  readonly asc: number;
  readonly ascq: number;
  /** ASC of the unit attention condition that the next command reports; 0 for none. */
  readonly attention: number;
  readonly loaded: boolean;
  readonly locked: boolean;
  readonly mediaEvent: number;
};

// Operation codes.
const TEST_UNIT_READY = 0x00;
const REQUEST_SENSE = 0x03;
const INQUIRY = 0x12;
const START_STOP_UNIT = 0x1b;
const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
const READ_CAPACITY = 0x25;
const READ_10 = 0x28;
const SEEK_10 = 0x2b;
const READ_TOC_PMA_ATIP = 0x43;
const GET_CONFIGURATION = 0x46;
const GET_EVENT_STATUS_NOTIFICATION = 0x4a;
const READ_DISC_INFORMATION = 0x51;
const READ_TRACK_INFORMATION = 0x52;
const MODE_SENSE_10 = 0x5a;
const READ_12 = 0xa8;
const SET_CD_SPEED = 0xbb;
const MECHANISM_STATUS = 0xbd;
const READ_CD = 0xbe;

const EVENT_NONE = 0;
const EVENT_NEW_MEDIA = 2;
const EVENT_REMOVAL = 3;

/** Answered although a unit attention condition waits (MMC-5 section 4.1.6.1). */
const IN_SPITE_OF_ATTENTION: ReadonlySet<number> = new Set([INQUIRY, REQUEST_SENSE, GET_CONFIGURATION, GET_EVENT_STATUS_NOTIFICATION]);

export class AtapiCdrom implements AtaDevice {
  readonly kind = 'cdrom';
  readonly signature = tf.SIGNATURE_ATAPI;

  readonly #strings: IdentifyStrings;
  readonly #sata: boolean;
  readonly #mode: TransferMode;
  readonly #sectors: number;
  #sense: Sense = sense.NO_SENSE;
  #attention: number = sense.POWER_ON_OR_RESET.asc;
  #loaded = true;
  #locked = false;
  #mediaEvent = EVENT_NEW_MEDIA;

  constructor(
    readonly backend: BlockBackend,
    options: AtapiCdromOptions = {},
  ) {
    this.#strings = { model: options.model ?? 'PCKIT CD-ROM', serial: options.serial ?? 'PCKITCD01', firmware: options.firmware ?? '1.0' };
    checkStrings(this.#strings);
    this.#sata = options.sata ?? false;
    this.#mode = new TransferMode(this.#sata ? 6 : 5);
    this.#sectors = Math.floor(backend.size / mmc.CD_SECTOR);
    if (this.#sectors === 0 || this.#sectors >= 2 ** 32)
      throw new AtaError('bad-option', `a disc of ${backend.size} bytes: it has 1 to 2^32-1 sectors of ${mmc.CD_SECTOR} bytes`);
  }

  reset(kind: 'power' | 'hard' | 'soft'): void {
    this.#sense = sense.NO_SENSE;
    if (kind === 'soft') return;
    this.#mode.reset();
    this.#attention = sense.POWER_ON_OR_RESET.asc;
    this.#locked = false;
    if (kind === 'power') {
      this.#loaded = true;
      this.#mediaEvent = EVENT_NEW_MEDIA;
    }
  }

  plan(taskfile: Taskfile): AtaPlan {
    switch (taskfile.command) {
      case tf.CMD_PACKET:
        // Overlapped commands are not for us.
        if ((taskfile.features & 2) !== 0) return failed(tf.ERROR_ABRT);
        return { step: 'packet', protocol: (taskfile.features & 1) !== 0 ? 'dma' : 'pio' };
      case tf.CMD_IDENTIFY_PACKET_DEVICE:
        return { step: 'bytes', protocol: 'pio', block: SECTOR, data: identifyPacket({ strings: this.#strings, modes: this.#mode, sata: this.#sata }) };
      case tf.CMD_DEVICE_RESET:
        this.reset('soft');
        return DONE;
      case tf.CMD_IDENTIFY_DEVICE:
      case tf.CMD_READ_SECTORS:
        // ATA8-ACS sections 7.16 and 7.36: aborted, with the signature.
        return { step: 'end', error: tf.ERROR_ABRT, ...this.signature };
      case tf.CMD_SET_FEATURES:
        return (taskfile.features & 0xff) === 0x03 && this.#mode.select(taskfile.count & 0xff) ? DONE : failed(tf.ERROR_ABRT);
      case tf.CMD_CHECK_POWER_MODE:
        return { step: 'end', error: 0, count: 0xff };
      case tf.CMD_STANDBY_IMMEDIATE:
      case tf.CMD_IDLE_IMMEDIATE:
      case tf.CMD_SLEEP:
        return DONE;
      default:
        return failed(tf.ERROR_ABRT);
    }
  }

  accept(): AtaPlan {
    return failed(tf.ERROR_ABRT);
  }

  packet(packet: Uint8Array, protocol: 'pio' | 'dma'): AtaPlan {
    const code = packet[0];
    if (code !== REQUEST_SENSE) this.#sense = sense.NO_SENSE;
    if (this.#attention !== 0 && !IN_SPITE_OF_ATTENTION.has(code)) {
      const asc = this.#attention;
      this.#attention = 0;
      return this.#check({ key: 0x6, asc, ascq: 0 });
    }
    const answer = (data: Uint8Array | undefined, allocation: number): AtaPlan =>
      data === undefined ? this.#check(sense.INVALID_FIELD) : this.#answer(data.subarray(0, allocation), protocol);
    const u16 = (at: number): number => packet[at] * 0x100 + packet[at + 1];
    const u32 = (at: number): number => u16(at) * 0x1_0000 + u16(at + 2);

    switch (code) {
      case TEST_UNIT_READY:
        return this.#loaded ? DONE : this.#check(sense.MEDIUM_NOT_PRESENT);
      case REQUEST_SENSE:
        return answer(this.#requestSense(), packet[4]);
      case INQUIRY:
        // No vital product data pages.
        if ((packet[1] & 1) !== 0 || packet[2] !== 0) return this.#check(sense.INVALID_FIELD);
        return answer(mmc.inquiry('PCKIT', this.#strings.model.replace(/^PCKIT /, '').slice(0, 16), this.#strings.firmware.slice(0, 4)), u16(3));
      case START_STOP_UNIT:
        return this.#startStop(packet[4]);
      case PREVENT_ALLOW_MEDIUM_REMOVAL:
        this.#locked = (packet[4] & 1) !== 0;
        return DONE;
      case GET_CONFIGURATION:
        return answer(mmc.getConfiguration(packet[1] & 3, u16(2), this.#loaded, this.#sectors), u16(7));
      case GET_EVENT_STATUS_NOTIFICATION:
        // Only polled operation.
        if ((packet[1] & 1) === 0) return this.#check(sense.INVALID_FIELD);
        return answer(this.#event(packet[4]), u16(7));
      case MODE_SENSE_10:
        // Saved values (page control 11b) there are none; nothing is changeable.
        if (packet[2] >>> 6 === 3) return this.#check({ key: 0x5, asc: 0x39, ascq: 0 });
        return answer(mmc.modeSense(packet[2] & 0x3f, this.#locked), u16(7));
      case MECHANISM_STATUS:
        return answer(mmc.mechanismStatus(this.#loaded), u16(8));
      case SET_CD_SPEED:
        return DONE;
      default:
        break;
    }
    if (!this.#loaded) return this.#check(MEDIA_COMMANDS.has(code) ? sense.MEDIUM_NOT_PRESENT : sense.INVALID_COMMAND);
    switch (code) {
      case READ_CAPACITY:
        return answer(mmc.readCapacity(this.#sectors), 8);
      case READ_10:
        return this.#read(u32(2), u16(7), protocol);
      case READ_12:
        return this.#read(u32(2), u32(6), protocol);
      case READ_CD:
        return this.#readCd(packet, u32(2), protocol);
      case SEEK_10:
        return u32(2) < this.#sectors ? DONE : this.#check(sense.LBA_OUT_OF_RANGE);
      case READ_TOC_PMA_ATIP:
        // Old software puts the format into the control byte (MMC-5 section 6.25.2.2).
        return answer(mmc.readToc(packet[2] & 0xf || packet[9] >>> 6, packet[6], (packet[1] & 2) !== 0, this.#sectors), u16(7));
      case READ_DISC_INFORMATION:
        return (packet[1] & 7) === 0 ? answer(mmc.discInformation(), u16(7)) : this.#check(sense.INVALID_FIELD);
      case READ_TRACK_INFORMATION:
        return answer(mmc.trackInformation(this.#sectors), u16(7));
      default:
        return this.#check(sense.INVALID_COMMAND);
    }
  }

  hostFailed(): AtaEnd {
    return this.#check(sense.UNRECOVERED_READ_ERROR);
  }

  queuedFailed(): void {}

  save(): AtapiCdromState {
    return {
      version: 1,
      multiwordDma: this.#mode.multiwordDma,
      ultraDma: this.#mode.ultraDma,
      senseKey: this.#sense.key,
      asc: this.#sense.asc,
      ascq: this.#sense.ascq,
      attention: this.#attention,
      loaded: this.#loaded,
      locked: this.#locked,
      mediaEvent: this.#mediaEvent,
    };
  }

  restore(state: AtapiCdromState): void {
    if (state.version !== 1) throw new AtaError('bad-state', `ATAPI CD-ROM: state version ${String(state.version)}, known: 1`);
    this.#mode.multiwordDma = state.multiwordDma;
    this.#mode.ultraDma = state.ultraDma;
    this.#sense = { key: state.senseKey, asc: state.asc, ascq: state.ascq };
    this.#attention = state.attention;
    this.#loaded = state.loaded;
    this.#locked = state.locked;
    this.#mediaEvent = state.mediaEvent;
  }

  #read(lba: number, count: number, protocol: 'pio' | 'dma'): AtaPlan {
    if (lba + count > this.#sectors) return this.#check(sense.LBA_OUT_OF_RANGE);
    if (count === 0) return DONE;
    return { step: 'media', protocol, direction: 'in', block: mmc.CD_SECTOR, offset: lba * mmc.CD_SECTOR, length: count * mmc.CD_SECTOR, durable: false };
  }

  /** MMC-5 section 6.19: user data of mode 1 sectors is all that an image holds. */
  #readCd(packet: Uint8Array, lba: number, protocol: 'pio' | 'dma'): AtaPlan {
    const expected = (packet[1] >>> 2) & 7;
    const count = packet[6] * 0x1_0000 + packet[7] * 0x100 + packet[8];
    const main = packet[9] & 0xf8;
    if (count === 0 || main === 0) return DONE;
    if ((expected !== 0 && expected !== 2) || (packet[10] & 7) !== 0) return this.#check(sense.ILLEGAL_MODE);
    return main === 0x10 ? this.#read(lba, count, protocol) : this.#check(sense.INVALID_FIELD);
  }

  #requestSense(): Uint8Array {
    const waiting = this.#attention;
    this.#attention = 0;
    const report = this.#sense.key === 0 && waiting !== 0 ? { key: 0x6, asc: waiting, ascq: 0 } : this.#sense;
    this.#sense = sense.NO_SENSE;
    return senseData(report);
  }

  /** MMC-5 section 6.42: LoEj 0 and Start 0 or 1 stop and start; LoEj with Start 0 ejects, with Start 1 loads. */
  #startStop(bits: number): AtaPlan {
    if ((bits & 2) === 0) return DONE;
    const load = (bits & 1) !== 0;
    if (!load && this.#locked) return this.#check(sense.MEDIUM_REMOVAL_PREVENTED);
    if (load !== this.#loaded) {
      this.#loaded = load;
      this.#mediaEvent = load ? EVENT_NEW_MEDIA : EVENT_REMOVAL;
      if (load) this.#attention = sense.MEDIUM_MAY_HAVE_CHANGED.asc;
    }
    return DONE;
  }

  #event(wanted: number): Uint8Array {
    const data = mmc.eventStatus(wanted, this.#mediaEvent, this.#loaded);
    if (data.length > 4) this.#mediaEvent = EVENT_NONE;
    return data;
  }

  #answer(data: Uint8Array, protocol: 'pio' | 'dma'): AtaPlan {
    if (data.length === 0) return DONE;
    return { step: 'bytes', protocol, block: mmc.CD_SECTOR, data };
  }

  /** CHECK CONDITION: the sense key is in the error register, the rest is for REQUEST SENSE (ATA8-ACS section 7.20.5). */
  #check(reason: Sense): AtaEnd {
    this.#sense = reason;
    return failed((reason.key << 4) | (reason.key === 5 ? tf.ERROR_ABRT : 0));
  }
}

const MEDIA_COMMANDS: ReadonlySet<number> = new Set([READ_CAPACITY, READ_10, READ_12, READ_CD, SEEK_10, READ_TOC_PMA_ATIP, READ_DISC_INFORMATION, READ_TRACK_INFORMATION]);
