/** One buffer in which every outgoing packet is built, with its views made once per length: a view costs as much as sending a small frame. */
export class FrameBuffer {
  readonly bytes: Uint8Array;
  private readonly views: (Uint8Array | undefined)[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** The first `length` bytes. */
  view(length: number): Uint8Array {
    if (length > 2048) return this.bytes.subarray(0, length);
    return (this.views[length] ??= this.bytes.subarray(0, length));
  }
}
