import { describe, expect, it } from 'vitest';
import { MicrowireEeprom } from './microwire-eeprom.js';
import { EECD_CS, EECD_DI, EECD_DO, EECD_SK } from './registers.js';

const MAC = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56);
const make = (): MicrowireEeprom => new MicrowireEeprom(MAC, 0x100e, { vendor: 0x8086, device: 0x1e });

/** Software that drives the pins, as Linux's e1000_hw.c does. */
class Driver {
  constructor(readonly eeprom: MicrowireEeprom) {}

  select(): void {
    this.eeprom.drive(0);
    this.eeprom.drive(EECD_CS);
  }

  send(value: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) {
      const di = ((value >>> bit) & 1) !== 0 ? EECD_DI : 0;
      this.eeprom.drive(EECD_CS | di);
      this.eeprom.drive(EECD_CS | di | EECD_SK);
      this.eeprom.drive(EECD_CS | di);
    }
  }

  receive(bits: number): number {
    let value = 0;
    for (let bit = 0; bit < bits; bit++) {
      this.eeprom.drive(EECD_CS | EECD_SK);
      value = (value << 1) | ((this.eeprom.output & EECD_DO) !== 0 ? 1 : 0);
      this.eeprom.drive(EECD_CS);
    }
    return value;
  }

  read(address: number): number {
    this.select();
    this.send(6, 3);
    this.send(address, 6);
    return this.receive(16);
  }

  command(opcode: number, bits: number, address = 0, addressBits = 0, data?: number): void {
    this.select();
    this.send(opcode, bits);
    this.send(address, addressBits);
    if (data !== undefined) this.send(data, 16);
    this.eeprom.drive(0);
  }
}

describe('the EEPROM', () => {
  it('holds the address, the IDs, and words that add up to BABAH', () => {
    const { words } = make();
    expect([...words.subarray(0, 3)]).toEqual([0x5452, 0x1200, 0x5634]);
    expect([words[0x0d], words[0x0e]]).toEqual([0x100e, 0x8086]);
    expect(words.reduce((sum, word) => (sum + word) & 0xffff, 0)).toBe(0xbaba);
  });

  it('is read bit by bit, a zero first, and on into the next word', () => {
    const eeprom = make();
    const driver = new Driver(eeprom);
    expect(driver.read(0)).toBe(0x5452);
    expect(driver.receive(16)).toBe(0x1200);
    expect(driver.read(63)).toBe(eeprom.words[63]);
    expect(driver.receive(16)).toBe(0x5452);
    driver.select();
    driver.send(6, 3);
    driver.send(2, 6);
    expect(eeprom.output).toBe(0);
  });

  it('is written only between enable and disable', () => {
    const driver = new Driver(make());
    driver.command(5, 3, 7, 6, 0x1234);
    expect(driver.read(7)).toBe(0);
    driver.command(0x13, 5, 0, 4);
    driver.command(5, 3, 7, 6, 0x1234);
    driver.select();
    expect(driver.eeprom.output).toBe(EECD_DO);
    expect(driver.read(7)).toBe(0x1234);
    driver.command(7, 3, 7, 6);
    expect(driver.read(7)).toBe(0xffff);
    driver.command(0x10, 5, 0, 4);
    driver.command(5, 3, 7, 6, 1);
    expect(driver.read(7)).toBe(0xffff);
  });

  it('writes and erases all', () => {
    const driver = new Driver(make());
    driver.command(0x13, 5, 0, 4);
    driver.command(0x11, 5, 0, 4, 0xabcd);
    expect([0, 30, 63].map((address) => driver.read(address))).toEqual([0xabcd, 0xabcd, 0xabcd]);
    driver.command(0x12, 5, 0, 4);
    expect(driver.read(9)).toBe(0xffff);
  });

  it('goes on in the middle of a word after a restore', () => {
    const driver = new Driver(make());
    driver.select();
    driver.send(6, 3);
    driver.send(1, 6);
    const high = driver.receive(7);
    const copy = make();
    copy.restore(structuredClone(driver.eeprom.save()));
    expect((high << 9) | new Driver(copy).receive(9)).toBe(0x1200);
  });
});

// ES2023 has no declaration for it; every host has it.
declare function structuredClone<T>(value: T): T;
