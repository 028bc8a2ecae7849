export { HandClock } from './hand-clock.js';
