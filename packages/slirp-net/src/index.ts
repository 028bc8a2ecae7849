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
export type { AttachOptions, FrameOffload, Middleware, NetworkPort } from './iface/port.js';
export { faultInjector, type FaultInjectorOptions, type Faults } from './middleware/fault-injector.js';
export { pcapWriter, type PcapOptions } from './middleware/pcap-writer.js';
export { describeFrame, tracer } from './middleware/tracer.js';
export type { FlowRequest, Policy, PolicyDecision } from './nat/policy.js';
export type { GuestForwardOptions, HostForward, HostForwardOptions } from './nat/forward-options.js';
export type { GuestStream, StreamHandler } from './nat/function-stream.js';
export { createNetwork, type Network } from './network.js';
export type { PortState, TcpFlowState, WaitingFrame } from './port-state.js';
export { NetworkError, type NetworkErrorCode } from './network-error.js';
export type { Ipv4Options, Ipv6Options, NetworkLimits, NetworkOptions } from './options.js';
export type { FlowStatistics, NetworkStatistics } from './statistics.js';
export type { TftpFile, TftpFolder } from './service/tftp.js';
