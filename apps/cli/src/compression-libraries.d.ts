// A library that brings no types of its own.

declare module 'seek-bzip' {
  const bzip2: { decode(input: Uint8Array, length: number): Uint8Array };
  export default bzip2;
}
