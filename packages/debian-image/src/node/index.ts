export { buildGuestInitramfs, cachedGuest, fetchGuest, removeGuest, type FetchGuestOptions } from './fetch-guest.js';
export { defaultCacheFolder, type Guest, type GuestPackage } from './guest-store.js';
export { PUBLIC_MIRROR, type FetchProgress, type OnProgress, type Verification } from './package-source.js';
