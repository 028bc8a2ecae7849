export { VirtioNet } from './virtio-net.js';
export type { VirtioNetOptions, VirtioNetState, VirtioNetStatistics, VirtioNetWires } from './virtio-net.js';
export type { ReceiveFilterState } from './receive-filter.js';
