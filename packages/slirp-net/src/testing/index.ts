export { FakeHost, FakeStream, FakeUdp, type FakeDatagram } from './fake-host.js';
export { GuestSocket, GuestStack, type GuestDatagram, type GuestStackOptions } from './guest-stack.js';
export { HandClock } from './hand-clock.js';
export { rig, type Rig, type RigOptions } from './rig.js';
