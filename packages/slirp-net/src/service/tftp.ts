/** A file that TFTP serves, read by position. */
export interface TftpFile {
  readonly size: number;
  /** Fewer bytes than asked for only at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
  close(): void;
}

/** What TFTP serves. `slirp-net/node` has one over a folder of the host. */
export interface TftpFolder {
  /** undefined: there is no such file, or not for guests. The name is what the guest sent, untouched: `..` and all. */
  open(name: string): Promise<TftpFile | undefined>;
}
