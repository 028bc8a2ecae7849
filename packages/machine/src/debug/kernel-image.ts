/** The kernel that runs, as its image says: what names and KASLR take. `readKernelSymbols` of @pckit/kernel-symbols gives one. */
export interface KernelImage {
  /** `_text`, where it was linked to. */
  readonly textBase: bigint;
  /** After the last byte that is loaded. */
  readonly textEnd: bigint;
  /** Link address of a symbol. */
  address(name: string): bigint | undefined;
  /** The symbol that an address lies in. */
  nearest(address: bigint): { readonly name: string; readonly offset: bigint } | undefined;
  /** Bytes of the image at a link address. */
  bytes(address: bigint, length: number): Uint8Array | undefined;
}
