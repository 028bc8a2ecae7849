import { DEFAULT_PCI_MEMORY } from '../pci/assign-resources.js';
import { pirqOf } from '../pci/pci-bus.js';
import type { AcpiBoard } from './acpi-config.js';
import { aPackage, and, arg, concat, createDwordField, device, eisaId, field, ifThen, method, name, operationRegion, or, path, returns, scope, store } from './aml.js';
import type { AmlObject, AmlTerm } from './aml.js';
import { busNumbers, interrupt, ioPorts, ioWindow, irqNoFlags, memory32Fixed, memoryWindow, resourceTemplate } from './aml-resources.js';
import { table } from './table.js';

/**
 * The Differentiated System Description Table: the namespace of the board in AML. ACPI 6.5, chapters 5.7 (predefined names) and 6 (device
 * configuration).
 *
 * Interrupts of PCI slots (_PRT): in PIC mode through the link devices LNKA to LNKD, which program the PIIX3's PIRQRC registers; in APIC mode,
 * which the operating system announces with \_PIC (1), PIRQA to PIRQD are hardwired to four I/O APIC inputs of their own.
 *
 * Slots have their device number as _SUN (ACPI 6.5 section 6.1.11), from which Linux makes /sys/bus/pci/slots, and udev an `ens3`. Nothing can be
 * ejected: there is no _EJ0.
 */

/** A method's `_STA`: present, enabled, decoding, working. */
const STATUS_ENABLED = 0x0b;
const STATUS_DISABLED = 0x09;
/** PIIX3 PIRQRC. */
const PIRQRC_A = 0x60;
const PIRQRC_DISABLED = 0x80;
const PIRQRC_ROUTE = 0x0f;
/** Byte offset of the interrupt number in a template that begins with an extended interrupt descriptor. */
const INTERRUPT_NUMBER_OFFSET = 5;
const PIRQS = [0, 1, 2, 3];

export function buildDsdt(board: AcpiBoard): Uint8Array {
  const devices: AmlTerm[] = board.apicIds.map((_, uid) => processor(uid));
  if (board.pci !== null) devices.push(...pciDevices(board, board.pci));
  else devices.push(...legacyDevices(board));
  if (board.hpet !== undefined) {
    devices.push(
      device('HPET', name('_HID', eisaId('PNP0103')), name('_UID', 0), name('_CRS', resourceTemplate(memory32Fixed(board.hpet.address, 0x400, 'read-only')))),
    );
  }
  board.virtioMmio.forEach(({ address, length, gsi }, i) => devices.push(virtioMmio(i, address, length, gsi)));

  const terms: AmlTerm[] = [
    name('PICF', 0),
    method('_PIC', { args: 1 }, store(arg(0), path('PICF'))),
    // SLP_TYP 0 in both control registers: what `AcpiPm` takes for soft off.
    name('_S5', aPackage(0, 0, 0, 0)),
    scope('_SB', ...devices, ...board.extraDevices),
  ];
  // Revision 2: integers have 64 bits.
  return table('DSDT', 2, Uint8Array.from(concat(terms)));
}

/** A processor device; its _UID is the one in the MADT. */
function processor(uid: number): AmlObject {
  return device(`C${uid.toString(16).toUpperCase().padStart(3, '0')}`, name('_HID', 'ACPI0007'), name('_UID', uid));
}

function pciDevices(board: AcpiBoard, pci: NonNullable<AcpiBoard['pci']>): AmlObject[] {
  const memory = pci.memory ?? DEFAULT_PCI_MEMORY;
  const windows = [busNumbers(0, 255), ioPorts(0xcf8, 8), ioWindow(0, 0xcf7), ioWindow(0xd00, 0xffff)];
  if (board.vga) windows.push(memoryWindow(0xa_0000, 0xb_ffff, { cacheable: true }));
  windows.push(memoryWindow(memory.start, memory.end));
  if (pci.memory64 !== undefined) windows.push(memoryWindow(pci.memory64.start, pci.memory64.end, { cacheable: true }));

  const apicRoutes = slotPins(pci.lastSlot).map(({ address, pin, pirq }) => aPackage(address, pin, 0, pci.pirqGsi + pirq));
  const picRoutes = slotPins(pci.lastSlot).map(({ address, pin, pirq }) => aPackage(address, pin, path(linkPath(pirq)), 0));
  const prt: AmlTerm[] = pci.isaBridge
    ? [
        name('PRTP', aPackage(...picRoutes)),
        name('PRTA', aPackage(...apicRoutes)),
        method('_PRT', {}, ifThen(path('PICF'), returns(path('PRTA'))), returns(path('PRTP'))),
      ]
    : [name('_PRT', aPackage(...apicRoutes))];

  const bridge = device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', 0),
    name('_BBN', 0),
    name('_CRS', resourceTemplate(...windows)),
    ...prt,
    ...(pci.isaBridge ? [isaBridge(board)] : legacyDevices(board)),
    ...slots(pci.isaBridge ? 2 : 1, pci.lastSlot),
  );
  return pci.isaBridge ? [bridge, ...PIRQS.map((pirq) => link(pirq, pci.pirqIrqs))] : [bridge];
}

/** Named by device and function number, as `S18` for device 3. */
function slots(first: number, last: number): AmlObject[] {
  const devices: AmlObject[] = [];
  for (let slot = first; slot <= last; slot++) {
    devices.push(device(`S${(slot << 3).toString(16).toUpperCase().padStart(2, '0')}`, name('_ADR', slot * 0x1_0000), name('_SUN', slot)));
  }
  return devices;
}

/** Every pin of every slot but the host bridge's. */
function slotPins(lastSlot: number): { address: number; pin: number; pirq: number }[] {
  const pins: { address: number; pin: number; pirq: number }[] = [];
  for (let slot = 1; slot <= lastSlot; slot++) {
    for (let pin = 0; pin < 4; pin++) pins.push({ address: slot * 0x1_0000 + 0xffff, pin, pirq: pirqOf(slot, pin + 1) });
  }
  return pins;
}

function linkName(pirq: number): string {
  return `LNK${'ABCD'[pirq]}`;
}

function linkPath(pirq: number): string {
  return `\\_SB.${linkName(pirq)}`;
}

/** PCI interrupt link device, ACPI 6.5 section 6.2.13. */
function link(pirq: number, irqs: readonly number[]): AmlObject {
  const route = path(`\\_SB.PCI0.ISA.PRQ${pirq}`);
  const sharedLevel = { trigger: 'level', polarity: 'low', shared: true } as const;
  return device(
    linkName(pirq),
    name('_HID', eisaId('PNP0C0F')),
    name('_UID', pirq),
    name('_PRS', resourceTemplate(interrupt(irqs, sharedLevel))),
    name('CRSB', resourceTemplate(interrupt([0], sharedLevel))),
    createDwordField(path('CRSB'), INTERRUPT_NUMBER_OFFSET, 'CRSI'),
    method('_STA', {}, ifThen(and(route, PIRQRC_DISABLED), returns(STATUS_DISABLED)), returns(STATUS_ENABLED)),
    method('_DIS', {}, or(route, PIRQRC_DISABLED, route)),
    method('_CRS', {}, and(route, PIRQRC_ROUTE, path('CRSI')), returns(path('CRSB'))),
    method('_SRS', { args: 1, serialized: true }, createDwordField(arg(0), INTERRUPT_NUMBER_OFFSET, 'SRSI'), store(path('SRSI'), route)),
  );
}

function isaBridge(board: AcpiBoard): AmlObject {
  return device(
    'ISA',
    name('_ADR', 0x0001_0000),
    operationRegion('PIRQ', 'pciConfig', PIRQRC_A, 4),
    field('PIRQ', 'byte', ...PIRQS.map((pirq) => ({ name: `PRQ${pirq}`, bits: 8 }))),
    ...legacyDevices(board),
  );
}

/** What hangs on the ISA bus. */
function legacyDevices(board: AcpiBoard): AmlObject[] {
  const devices = board.serialPorts.map(({ ioBase, irq }, i) =>
    device(`COM${i + 1}`, name('_HID', eisaId('PNP0501')), name('_UID', i + 1), name('_CRS', resourceTemplate(ioPorts(ioBase, 8), irqNoFlags(irq)))),
  );
  if (board.keyboard) {
    devices.push(device('KBD', name('_HID', eisaId('PNP0303')), name('_CRS', resourceTemplate(ioPorts(0x60, 1), ioPorts(0x64, 1), irqNoFlags(1)))));
  }
  if (board.mouse) devices.push(device('MOU', name('_HID', eisaId('PNP0F13')), name('_CRS', resourceTemplate(irqNoFlags(12)))));
  if (board.rtc) devices.push(device('RTC', name('_HID', eisaId('PNP0B00')), name('_CRS', resourceTemplate(ioPorts(0x70, 2), irqNoFlags(8)))));
  // Ports that no other device claims: edge/level control of the 8259s, SMI command, PM block.
  devices.push(
    device('MRES', name('_HID', eisaId('PNP0C02')), name('_CRS', resourceTemplate(ioPorts(0x4d0, 2), ioPorts(0xb2, 2), ioPorts(board.pm.base, 0x40)))),
  );
  return devices;
}

function virtioMmio(index: number, address: number, length: number, gsi: number): AmlObject {
  const irq = interrupt([gsi], { trigger: 'level', polarity: 'high', shared: true });
  return device(
    `VR${index.toString(16).toUpperCase().padStart(2, '0')}`,
    name('_HID', 'LNRO0005'),
    name('_UID', index),
    name('_CCA', 1),
    name('_CRS', resourceTemplate(memory32Fixed(address, length, 'read-write'), irq)),
  );
}
