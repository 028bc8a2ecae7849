export { internetChecksum, onesComplementSum } from './internet-checksum.js';
export { Segmenter } from './segmenter.js';
export type { Offload } from './segmenter.js';
export { findIpHeaders, PROTOCOL_TCP, PROTOCOL_UDP } from './ip-headers.js';
export type { IpHeaders } from './ip-headers.js';
