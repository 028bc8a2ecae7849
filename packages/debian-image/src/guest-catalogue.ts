/** The guests that we know by name: which Debian packages make each. */

export type DebianSuite = 'bullseye' | 'bookworm' | 'trixie';
export type DebianArchitecture = 'amd64' | 'i386';

export interface GuestDefinition {
  readonly name: string;
  readonly description: string;
  readonly suite: DebianSuite;
  readonly architecture: DebianArchitecture;
  /** The metapackage that depends on the suite's current kernel. */
  readonly kernelPackage: string;
  readonly busyboxPackage: string;
}

export const GUESTS: readonly GuestDefinition[] = [
  {
    name: 'bookworm-cloud',
    description: 'Debian 12, Linux 6.1 for virtual machines (amd64)',
    suite: 'bookworm',
    architecture: 'amd64',
    kernelPackage: 'linux-image-cloud-amd64',
    busyboxPackage: 'busybox-static',
  },
  {
    name: 'bookworm',
    description: 'Debian 12, Linux 6.1 (amd64)',
    suite: 'bookworm',
    architecture: 'amd64',
    kernelPackage: 'linux-image-amd64',
    busyboxPackage: 'busybox-static',
  },
  {
    name: 'bullseye',
    description: 'Debian 11, Linux 5.10 (amd64)',
    suite: 'bullseye',
    architecture: 'amd64',
    kernelPackage: 'linux-image-amd64',
    busyboxPackage: 'busybox-static',
  },
  {
    name: 'trixie',
    description: 'Debian 13, Linux 6.12 (amd64)',
    suite: 'trixie',
    architecture: 'amd64',
    kernelPackage: 'linux-image-amd64',
    busyboxPackage: 'busybox-static',
  },
  {
    name: 'bookworm-i386',
    description: 'Debian 12, Linux 6.1 with PAE (i386)',
    suite: 'bookworm',
    architecture: 'i386',
    kernelPackage: 'linux-image-686-pae',
    busyboxPackage: 'busybox-static',
  },
];

export const DEFAULT_GUEST = 'bookworm-cloud';

export function findGuest(name: string): GuestDefinition | undefined {
  return GUESTS.find((guest) => guest.name === (name === 'default' ? DEFAULT_GUEST : name));
}

/**
 * Directories of drivers for hardware that no board of ours has, below /lib/modules/RELEASE. They are most of a kernel package, and
 * are not kept unless asked for.
 */
export const UNUSED_MODULE_DIRECTORIES: readonly string[] = [
  'kernel/sound',
  'kernel/drivers/gpu',
  'kernel/drivers/media',
  'kernel/drivers/infiniband',
  'kernel/drivers/net/wireless',
  'kernel/drivers/net/can',
  'kernel/drivers/staging',
  'kernel/drivers/iio',
  'kernel/drivers/isdn',
  'kernel/drivers/accel',
  'kernel/drivers/bluetooth',
  'kernel/drivers/comedi',
  'kernel/drivers/hid',
  'kernel/drivers/hwmon',
  'kernel/drivers/mtd',
  'kernel/drivers/thunderbolt',
  'kernel/drivers/platform',
  'kernel/net/bluetooth',
  'kernel/net/mac80211',
  'kernel/net/wireless',
];
