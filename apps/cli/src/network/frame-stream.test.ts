import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameStream, type FrameSocket } from './frame-stream.js';

class FakeSocket implements FrameSocket {
  writableLength = 0;
  readonly written: number[] = [];
  state: 'flowing' | 'paused' | 'destroyed' = 'flowing';

  write(bytes: Uint8Array): boolean {
    this.written.push(...bytes);
    return true;
  }
  pause(): void {
    this.state = 'paused';
  }
  resume(): void {
    this.state = 'flowing';
  }
  destroy(): void {
    this.state = 'destroyed';
  }
}

function rig(): { stream: FrameStream; socket: FakeSocket; frames: number[][]; room: { left: number } } {
  const stream = new FrameStream();
  const socket = new FakeSocket();
  const frames: number[][] = [];
  const room = { left: Infinity };
  stream.attach((frame) => {
    if (room.left-- <= 0) return false;
    frames.push([...frame]);
    return true;
  });
  stream.connect(socket);
  return { stream, socket, frames, room };
}

const framed = (...frames: number[][]): number[] => frames.flatMap((frame) => [0, 0, frame.length >> 8, frame.length & 0xff, ...frame]);

describe('frames over a stream', () => {
  it('stand behind their length', () => {
    const { stream, socket, frames } = rig();
    stream.send(Uint8Array.of(1, 2, 3));
    expect(socket.written).toEqual([0, 0, 0, 3, 1, 2, 3]);
    stream.push(Uint8Array.from(socket.written));
    expect(frames).toEqual([[1, 2, 3]]);
  });

  it('come out the same however the stream is cut', () => {
    const sent = [[1], [2, 3, 4], Array.from({ length: 300 }, (_, i) => i & 0xff), [9]];
    const bytes = framed(...sent);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const { stream, frames } = rig();
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          stream.push(Uint8Array.from(bytes.slice(from, cut)));
          from = cut;
        }
        expect(frames).toEqual(sent);
      }),
      { seed: 2 },
    );
  });

  it('that are refused wait, and the peer with them', () => {
    const { stream, socket, frames, room } = rig();
    room.left = 1;
    stream.push(Uint8Array.from(framed([1], [2], [3])));
    expect([frames.length, socket.state]).toEqual([1, 'paused']);
    room.left = 5;
    stream.onReady();
    expect([frames, socket.state]).toEqual([[[1], [2], [3]], 'flowing']);
  });

  it('are lost without a peer, and when it reads too slowly', () => {
    const { stream, socket } = rig();
    socket.writableLength = 2 << 20;
    stream.send(Uint8Array.of(1));
    stream.disconnect();
    stream.send(Uint8Array.of(1));
    expect(socket.written).toEqual([]);
  });

  it.each([[[0, 0, 0, 0, 1]], [[0, 2, 0, 0, 1]], [[255, 255, 255, 255]]])('of a length that no frame has end the connection: %j', (bytes) => {
    const { stream, socket, frames } = rig();
    stream.push(Uint8Array.from(bytes));
    expect([socket.state, stream.connected, frames]).toEqual(['destroyed', false, []]);
  });
});
