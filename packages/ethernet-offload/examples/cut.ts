import { Segmenter } from '@pckit/ethernet-offload';

// A TCP segment of 4,000 bytes over IPv4, as an operating system hands it to a card that segments: one pair of headers, checksums left open.
const frame = new Uint8Array(14 + 20 + 20 + 4000).fill(0x55, 54);
frame.set([0x08, 0x00, 0x45, 0, 4040 >> 8, 4040 & 0xff, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2], 12);
frame.set([0x50, 0x18], 46);

const segmenter = new Segmenter();
const count = segmenter.begin(frame, { checksumStart: 34, checksumOffset: 16, segmentation: 'tcp', segmentBytes: 1460 });
for (let i = 0; i < count; i++) {
  const packet = segmenter.packet(i);
  const view = new DataView(packet.buffer, packet.byteOffset);
  console.log(`${packet.length} bytes, sequence number ${view.getUint32(38)}, checksum 0x${view.getUint16(50).toString(16)}`);
}
