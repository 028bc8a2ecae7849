// Libraries that bring no types of their own.

declare module 'lz4js' {
  const lz4: {
    /** @returns where the output ends */
    decompressBlock(source: Uint8Array, output: Uint8Array, at: number, length: number, outputAt: number): number;
  };
  export default lz4;
}

declare module 'seek-bzip' {
  const bzip2: { decode(input: Uint8Array, length: number): Uint8Array };
  export default bzip2;
}
