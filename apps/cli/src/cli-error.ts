/**
 * What goes wrong before, around and after a machine, as the person at the terminal sees it.
 * - `usage`: the command line is wrong.
 * - `input`: a file that was named is missing, unreadable or not what it should be.
 * - `setup`: the host lacks something (a guest that was never fetched, a tool, the network).
 * - `host`: the host failed while the machine ran (a disk is full, a port is taken).
 */
export type CliErrorCode = 'usage' | 'input' | 'setup' | 'host';

/** An error that is shown as its message and what to do about it; never as a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly code: CliErrorCode,
    message: string,
    /** What the reader can do, as one or more full sentences. */
    readonly advice?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The lines that standard error gets. */
export function formatError(error: CliError): string {
  const lines = [`pckit: ${error.message}`];
  if (error.advice !== undefined) for (const line of error.advice.split('\n')) lines.push(`       ${line}`);
  return `${lines.join('\n')}\n`;
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EMFILE: 'too many files are open',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this host has no such address',
  ENOTFOUND: 'the name is unknown',
  ECONNREFUSED: 'the connection was refused',
  EBUSY: 'it is in use',
  EFBIG: 'it is too large',
  EIO: 'the disk reports an error',
};

/** A host error's reason in words: `there is no such file`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && Object.hasOwn(systemReasons, code)) return systemReasons[code] as string;
    return error.message;
  }
  return String(error);
}
