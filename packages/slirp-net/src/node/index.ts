export { NodeHost } from './node-host.js';
export { RealClock } from './real-clock.js';
