export {
  STATUS_ACKNOWLEDGE,
  STATUS_DEVICE_NEEDS_RESET,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FAILED,
  STATUS_FEATURES_OK,
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_RING_EVENT_IDX,
  VIRTIO_F_RING_INDIRECT_DESC,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_VERSION_1,
  VIRTIO_ID_BLOCK,
  VIRTIO_ID_CONSOLE,
  VIRTIO_ID_ENTROPY,
  VIRTIO_ID_NET,
  VirtioError,
} from './virtio-device.js';
export type { DriverErrorCode, DriverErrorEvent, VirtioDevice, VirtioErrorCode, VirtioHost, VirtioObserver } from './virtio-device.js';
export { DescriptorChain, MAX_CHAIN } from './descriptor-chain.js';
export { Virtqueue } from './virtqueue.js';
export type { QueueOwner, VirtqueueState } from './virtqueue.js';
export type { EndpointState } from './endpoint.js';
export { ISR_CONFIG, ISR_QUEUE, VirtioPci } from './virtio-pci.js';
export type { VirtioPciOptions, VirtioPciState, VirtioPciWires } from './virtio-pci.js';
export { VirtioMmio } from './virtio-mmio.js';
export type { VirtioMmioOptions, VirtioMmioState, VirtioMmioWires } from './virtio-mmio.js';
export { VirtioRng } from './virtio-rng.js';
export type { VirtioRngOptions, VirtioRngState, VirtioRngWires } from './virtio-rng.js';
