export { foldedSum, internetChecksum, onesComplementSum } from './internet-checksum.js';
export { WordBuffer } from './word-buffer.js';
export { Segmenter } from './segmenter.js';
export type { Offload, SegmenterState } from './segmenter.js';
export { findIpHeaders, PROTOCOL_TCP, PROTOCOL_UDP, setU16, u16 } from './ip-headers.js';
export type { IpHeaders } from './ip-headers.js';
