/** The interfaces that a disk can have, and what a stock Debian kernel needs for them. */

export const INTERFACES = ['virtio', 'ide', 'ahci'] as const;
export type Interface = (typeof INTERFACES)[number];

/** Those that the command line names; all, if it names none. */
export function chosenInterfaces(): readonly Interface[] {
  const names = process.argv.slice(2);
  for (const name of names) if (!INTERFACES.some((kind) => kind === name)) throw new Error(`there is no "${name}": ${INTERFACES.join(', ')}`);
  return names.length > 0 ? (names as Interface[]) : INTERFACES;
}

/** Options for `pckit guest build`: drivers of the interfaces, in this order, and what else is named. */
export function diskModules(...others: readonly string[]): string[] {
  return ['ata_piix', 'ahci', 'sd_mod', 'virtio_blk', 'virtio_pci', ...others].flatMap((name) => ['--module', name]);
}
