import { ata } from '@pckit/ata';
import type { AtaDevice, AtaEnd, Taskfile } from '@pckit/ata';

/** Command block registers that have a previous value behind them: what 48-bit commands write twice. */
export type Register = 'features' | 'count' | 'lbaLow' | 'lbaMid' | 'lbaHigh';

export type DriveRegistersState = {
  readonly features: number;
  readonly count: number;
  readonly lbaLow: number;
  readonly lbaMid: number;
  readonly lbaHigh: number;
  readonly device: number;
  readonly error: number;
  readonly status: number;
  readonly interrupt: boolean;
};

/** A drive's registers: both of a cable hear every write, each answers with its own. Two bytes each, the previous value above. */
export class DriveRegisters {
  features = 0;
  count = 0;
  lbaLow = 0;
  lbaMid = 0;
  lbaHigh = 0;
  device = 0;
  error = 0;
  status = 0;
  /** INTRQ, before nIEN. */
  interrupt = false;

  write(register: Register, value: number): void {
    this[register] = ((this[register] << 8) | value) & 0xffff;
  }

  /** @param previous HOB: the value before the last */
  read(register: Register, previous: boolean): number {
    return previous ? this[register] >>> 8 : this[register] & 0xff;
  }

  taskfile(command: number): Taskfile {
    const { features, count, lbaLow, lbaMid, lbaHigh, device } = this;
    const low = (lbaLow & 0xff) + (lbaMid & 0xff) * 2 ** 8 + (lbaHigh & 0xff) * 2 ** 16;
    const high = (lbaLow >>> 8) + (lbaMid >>> 8) * 2 ** 8 + (lbaHigh >>> 8) * 2 ** 16;
    return { command, features, count, lba: low + high * 2 ** 24, device };
  }

  /** There is no drive. */
  clear(): void {
    this.features = 0;
    this.count = 0;
    this.lba = 0;
    this.device = 0;
    this.error = 0;
    this.status = 0;
  }

  /** After a reset or a diagnostic: what kind of device this is. */
  post(device: AtaDevice): void {
    this.features = 0;
    this.count = device.signature.count;
    this.lba = device.signature.lba;
    this.device = 0;
    this.error = ata.DIAGNOSTIC_PASSED;
    // A packet device is not ready until it gets a packet (ATA8-ACS section 6.5).
    this.status = device.kind === 'disk' ? ata.DRDY | ata.DSC : 0;
  }

  /** The command is over. */
  end({ error, count, lba }: AtaEnd): void {
    this.error = error;
    this.status = ata.DRDY | ata.DSC | (error === 0 ? 0 : ata.ERR);
    if (count !== undefined) this.count = count;
    if (lba !== undefined) this.lba = lba;
  }

  set lba(value: number) {
    const high = Math.floor(value / 2 ** 24);
    this.lbaLow = (value & 0xff) | ((high & 0xff) << 8);
    this.lbaMid = ((value >>> 8) & 0xff) | (((high >>> 8) & 0xff) << 8);
    this.lbaHigh = ((value >>> 16) & 0xff) | (((high >>> 16) & 0xff) << 8);
  }

  save(): DriveRegistersState {
    const { features, count, lbaLow, lbaMid, lbaHigh, device, error, status, interrupt } = this;
    return { features, count, lbaLow, lbaMid, lbaHigh, device, error, status, interrupt };
  }

  restore(state: DriveRegistersState): void {
    Object.assign(this, state);
  }
}
