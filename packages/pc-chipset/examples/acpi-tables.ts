// The ACPI tables of a two-processor machine with a device of our own, and where they go.
import { aml, amlResources, buildAcpiTables } from '@pckit/pc-chipset';

const { device, name, method, returns } = aml;
const { resourceTemplate, memory32Fixed, interrupt } = amlResources;

const led = device(
  'LED0',
  name('_HID', 'PCKT0001'),
  method('_STA', {}, returns(0x0f)),
  name('_CRS', resourceTemplate(memory32Fixed(0xfe00_0000, 0x1000, 'read-write'), interrupt([22], { trigger: 'level', polarity: 'high', shared: false }))),
);
const { rsdp, segments } = buildAcpiTables({
  placement: { tables: 0x7fff_0000 },
  apicIds: [0, 1],
  hpet: {},
  extraDevices: [led],
});

console.log(`RSDP at 0x${rsdp.toString(16)}`);
for (const { name, address, bytes, memoryType } of segments) console.log(`${name}: ${bytes.length} bytes at 0x${address.toString(16)} (${memoryType})`);
