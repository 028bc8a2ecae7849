export { PiixIde } from './piix-ide.js';
export type { PiixIdeOptions, PiixIdeState, PiixIdeWires } from './piix-ide.js';
export type { IdeChannelState } from './ide-channel.js';
