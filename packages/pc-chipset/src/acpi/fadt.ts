import type { AcpiBoard } from './acpi-config.js';
import { ACPI_DISABLE, ACPI_ENABLE } from './acpi-pm.js';
import { table, TableWriter } from './table.js';

/** Fixed ACPI Description Table, revision 6: ACPI 6.5, section 5.2.9. */

const REVISION = 6;
const MINOR_REVISION = 0;
const PROFILE_DESKTOP = 1;

/** The PM block's layout, see `acpi-pm.ts`. */
const PM1_EVENT = 0x00;
const PM1_CONTROL = 0x04;
const PM_TIMER = 0x08;
const GPE0 = 0x0c;

const SMI_COMMAND_PORT = 0xb2;
const RESET_PORT = 0xcf9;
/** A hard reset with one write: RCPU goes from 0 to 1 with SRST set (PIIX3 datasheet, RC register). */
const RESET_VALUE = 0x06;
/** Latencies that say "no C2" and "no C3". */
const NO_C2 = 0xfff;
const NO_C3 = 0xfff;
const CMOS_CENTURY = 0x32;

/** IAPC_BOOT_ARCH, table 5.10. */
const LEGACY_DEVICES = 1 << 0;
const HAS_8042 = 1 << 1;
const VGA_NOT_PRESENT = 1 << 2;
const CMOS_RTC_NOT_PRESENT = 1 << 5;

/** Fixed feature flags, table 5.9. */
const WBINVD = 1 << 0;
const PROC_C1 = 1 << 2;
/** No fixed sleep button. The power button is a fixed one: PWR_BUTTON stays zero. */
const SLP_BUTTON = 1 << 5;
/** The RTC's wake status is not in the fixed registers. */
const FIX_RTC = 1 << 6;
const TMR_VAL_EXT = 1 << 8;
const RESET_REG_SUP = 1 << 10;

export function buildFadt(board: AcpiBoard, facs: number, dsdt: number): Uint8Array {
  const { base, timerBits, acpiEnabled, sciIrq } = board.pm;
  const bootArchitecture =
    LEGACY_DEVICES | (board.keyboard ? HAS_8042 : 0) | (board.vga ? 0 : VGA_NOT_PRESENT) | (board.rtc ? 0 : CMOS_RTC_NOT_PRESENT);
  const flags = WBINVD | PROC_C1 | SLP_BUTTON | FIX_RTC | (timerBits === 32 ? TMR_VAL_EXT : 0) | RESET_REG_SUP;
  const w = new TableWriter()
    .u32(facs) // FIRMWARE_CTRL
    .u32(dsdt) // DSDT
    .u8(0)
    .u8(PROFILE_DESKTOP)
    .u16(sciIrq) // SCI_INT
    .u32(acpiEnabled ? 0 : SMI_COMMAND_PORT) // SMI_CMD
    .u8(acpiEnabled ? 0 : ACPI_ENABLE)
    .u8(acpiEnabled ? 0 : ACPI_DISABLE)
    .u8(0) // S4BIOS_REQ
    .u8(0) // PSTATE_CNT
    .u32(base + PM1_EVENT) // PM1a_EVT_BLK
    .u32(0)
    .u32(base + PM1_CONTROL) // PM1a_CNT_BLK
    .u32(0)
    .u32(0) // PM2_CNT_BLK
    .u32(base + PM_TIMER) // PM_TMR_BLK
    .u32(base + GPE0) // GPE0_BLK
    .u32(0)
    .u8(4) // PM1_EVT_LEN
    .u8(2) // PM1_CNT_LEN
    .u8(0)
    .u8(4) // PM_TMR_LEN
    .u8(4) // GPE0_BLK_LEN
    .u8(0)
    .u8(0) // GPE1_BASE
    .u8(0) // CST_CNT
    .u16(NO_C2)
    .u16(NO_C3)
    .u16(0) // FLUSH_SIZE
    .u16(0)
    .u8(0) // DUTY_OFFSET
    .u8(0)
    .u8(0) // DAY_ALRM
    .u8(0)
    .u8(board.rtc ? CMOS_CENTURY : 0)
    .u16(bootArchitecture)
    .u8(0)
    .u32(flags)
    .ioAddress(RESET_PORT, 8)
    .u8(RESET_VALUE)
    .u16(0) // ARM_BOOT_ARCH
    .u8(MINOR_REVISION)
    .u64(0) // X_FIRMWARE_CTRL: zero, FIRMWARE_CTRL holds the address
    .u64(dsdt) // X_DSDT
    .ioAddress(base + PM1_EVENT, 32)
    .zeros(12)
    .ioAddress(base + PM1_CONTROL, 16)
    .zeros(12)
    .zeros(12) // X_PM2_CNT_BLK
    .ioAddress(base + PM_TIMER, 32)
    .ioAddress(base + GPE0, 32)
    .zeros(12)
    .zeros(12) // SLEEP_CONTROL_REG
    .zeros(12) // SLEEP_STATUS_REG
    .zeros(8); // hypervisor vendor identity
  return table('FACP', REVISION, w.toBytes());
}
