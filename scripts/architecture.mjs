/**
 * Which package may import which. An import only ever points down this table; the linter (`eslint/boundaries.mjs`), a test over
 * every package.json and tsconfig.json (`scripts/architecture.test.mjs`) and the diagram in `docs/architecture.md` all read it.
 *
 * `tier` is 0..4 or 'dev'. `mayImport` names packages of ours; a package of tier 3 or 4 may import every lower tier.
 */
export const packages = {
  interfaces: { tier: 0, mayImport: [], is: 'contracts between packages' },
  'x86-decoder': { tier: 0, mayImport: [], is: 'instructions: bytes to operands, flags, text' },
  'linux-boot': { tier: 0, mayImport: [], is: 'kernel, initrd, command line to a memory plan' },
  'debian-image': { tier: 0, mayImport: [], is: 'Debian kernels, modules, initramfs images' },
  gdbstub: { tier: 0, mayImport: [], is: 'GDB remote protocol' },
  'kernel-symbols': { tier: 0, mayImport: [], is: 'symbols of a stock kernel image' },
  'slirp-net': { tier: 0, mayImport: [], is: 'user-mode network' },
  'ftrace-reader': { tier: 0, mayImport: [], is: 'kernel trace buffers' },
  'ethernet-offload': { tier: 0, mayImport: [], is: 'checksums and segmentation of frames' },
  'guest-memory': { tier: 1, mayImport: ['interfaces'], is: 'RAM in a WebAssembly.Memory' },
  virtio: { tier: 1, mayImport: ['interfaces'], is: 'virtqueues and transports' },
  'pc-chipset': { tier: 1, mayImport: ['interfaces'], is: 'PIC, PIT, APICs, RTC, HPET, UART, PCI, ACPI' },
  ata: { tier: 1, mayImport: ['interfaces'], is: 'ATA disks and ATAPI drives' },
  e1000: { tier: 1, mayImport: ['ethernet-offload', 'interfaces'], is: 'Ethernet controller' },
  'disk-image': { tier: 1, mayImport: ['interfaces'], is: 'disk images: raw, qcow2 and others, overlays' },
  'x86-jit': { tier: 1, mayImport: ['x86-decoder', 'interfaces'], is: 'the processor' },
  'virtio-blk': { tier: 2, mayImport: ['virtio', 'interfaces'], is: 'disk' },
  'piix-ide': { tier: 2, mayImport: ['ata', 'interfaces'], is: 'IDE controller' },
  ahci: { tier: 2, mayImport: ['ata', 'interfaces'], is: 'SATA controller' },
  'virtio-net': { tier: 2, mayImport: ['virtio', 'ethernet-offload', 'interfaces'], is: 'network card' },
  machine: { tier: 3, mayImport: 'lower', is: 'the board' },
  cli: { tier: 4, mayImport: 'lower', is: 'pckit, the command' },
  web: { tier: 4, mayImport: 'lower', is: 'pckit in a page' },
  'device-testing': { tier: 'dev', mayImport: ['interfaces'], is: 'fakes and compliance suites' },
};

/** @param {string} importer @param {string} imported package folder names @param {{ test?: boolean }} [where] */
export function mayImport(importer, imported, where = {}) {
  if (importer === imported) return true;
  const from = packages[importer];
  const to = packages[imported];
  if (from === undefined || to === undefined) return false;
  // Tests of any package may use the fakes; nothing that ships may.
  if (to.tier === 'dev') return where.test === true;
  if (from.mayImport === 'lower') return to.tier < from.tier;
  return from.mayImport.includes(imported);
}

/** `@pckit/virtio/testing` to `virtio`; undefined when the specifier is not one of ours. @param {string} specifier */
export function packageOf(specifier) {
  if (specifier === 'pckit' || specifier.startsWith('pckit/')) return 'cli';
  return /^@pckit\/([^/]+)/.exec(specifier)?.[1];
}
