export type { NetworkClock } from './clock.js';
export type { NetworkCounters } from './counters.js';
export type {
  HostAddress,
  HostFailure,
  HostListener,
  HostNetwork,
  HostPath,
  HostPing,
  HostStream,
  HostStreamEvents,
  HostTarget,
  HostUdp,
  HostUdpEvents,
} from './host-network.js';
export type { Middleware, NetworkPort } from './iface/port.js';
export type { FlowRequest, Policy, PolicyDecision } from './nat/policy.js';
export { createNetwork, type Network } from './network.js';
export { NetworkError, type NetworkErrorCode } from './network-error.js';
export type { Ipv4Options, Ipv6Options, NetworkLimits, NetworkOptions } from './options.js';
export type { TftpFile, TftpFolder } from './service/tftp.js';
