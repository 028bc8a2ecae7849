/** Where Debian packages come from: the host's apt, or a mirror. Both check what they fetch. */

export interface FetchedPackage {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/**
 * - `apt`: apt checked the archive's signature and the hashes.
 * - `gpgv`: gpgv checked the archive's signature, we the hashes.
 * - `hashes`: nobody checked the signature: a mirror (or who sits between) could have made both.
 */
export type Verification = 'apt' | 'gpgv' | 'hashes';

export interface PackageSource {
  readonly verified: Verification;
  /** The newest version's fields. */
  describe(name: string): Promise<ReadonlyMap<string, string>>;
  download(name: string): Promise<FetchedPackage>;
  /** Removes what was made for this source alone. */
  close(): Promise<void>;
}

export interface FetchProgress {
  readonly stage: 'index' | 'package' | 'unpack' | 'note';
  readonly text: string;
  /** 0..100, where it is known. */
  readonly percent?: number;
}

export type OnProgress = (progress: FetchProgress) => void;

/** Debian's keys as its own packages install them. */
export const KEYRINGS: readonly string[] = [
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/usr/share/keyrings/debian-archive-keyring.gpg',
];

export const PUBLIC_MIRROR = 'http://deb.debian.org/debian';
