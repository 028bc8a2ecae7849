import { CliError } from '../cli-error.js';

/** `--add HOSTFILE:GUESTPATH` */
export interface GuestFile {
  readonly host: string;
  /** Absolute, without `.` and `..`. */
  readonly guest: string;
}

export function parseGuestFile(text: string): GuestFile {
  // The last colon: a host path may have one (C:\...), a guest path better not.
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(colon, 0));
  const guest = text.slice(colon + 1);
  if (host === '' || guest === '') {
    throw new CliError('usage', `--add: "${text}" is not HOSTFILE:GUESTPATH`, 'Write --add ./test.sh:/bin/test.sh');
  }
  return { host, guest: checkGuestPath(guest) };
}

/** A path inside the guest. */
function checkGuestPath(path: string): string {
  const parts = path.split('/');
  if (!path.startsWith('/') || path.endsWith('/') || parts.slice(1).some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) {
    throw new CliError('usage', `--add: "${path}" is not a file's path in the guest`, 'It begins with / and has no //, . or .. in it: /bin/test.sh');
  }
  return path;
}
