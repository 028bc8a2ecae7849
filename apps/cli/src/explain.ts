import { CliError, reasonOf } from './cli-error.js';

/** An error class of one of our packages: a name and a literal code. */
interface PackageError extends Error {
  readonly code: string;
}

function isPackageError(error: unknown): error is PackageError {
  return error instanceof Error && /^(?:Boot|Symbols|DiskImage|Image|Machine|GuestMemory|Cpu|X86)Error$/.test(error.name) && typeof (error as Partial<PackageError>).code === 'string';
}

/** What to do about it, by `name/code`. */
const advice: Readonly<Record<string, string>> = {
  'BootError/not-a-kernel': 'pckit boots bzImage (a distribution\'s vmlinuz), ELF vmlinux with a PVH note, and multiboot kernels.',
  'BootError/truncated': 'The file ends early: copy or download it again.',
  'BootError/malformed': 'The file is damaged, or not a kernel: copy or download it again.',
  'BootError/unsupported': 'pckit boots x86 Linux kernels from boot protocol 2.06 (2.6.22) on, PVH and multiboot ELF files.',
  'SymbolsError/unsupported': 'pckit reads 64-bit kernels with CONFIG_KALLSYMS, from 4.19 on.',
  'SymbolsError/malformed': 'The file is damaged, or not a kernel: copy or download it again.',
  'BootError/overlap': 'Give the machine more memory with --memory, or use a smaller initrd.',
  'BootError/too-large': 'Give the machine more memory with --memory, or use a smaller initrd.',
  'BootError/command-line': 'Shorten --append.',
  'DiskImageError/not-found': 'Create it first, with "truncate -s 2G FILE" or qemu-img.',
  'DiskImageError/bad-size': 'A raw image is a multiple of 512 bytes: "truncate -s %512 FILE" rounds it up.',
  'DiskImageError/in-use': 'Another program uses it. Stop that one, or add ",overlay" to leave the file alone.',
  'DiskImageError/read-only': 'Add ",ro" for a write-protected disk or ",overlay" to forget the guest\'s writes.',
  'DiskImageError/unsupported-format': 'Convert it: "qemu-img convert -O qcow2 IN OUT". If it is a raw disk for all that it looks like, add ",format=raw".',
  'DiskImageError/corrupt': '"qemu-img check FILE" says more; "qemu-img check -r all FILE" repairs.',
  'ImageError/network': 'Check the network, or say where a Debian mirror is: --mirror http://HOST/debian',
  'ImageError/missing': '',
  'ImageError/signature': 'What was downloaded is not what Debian signed. Try again; if it persists, try another mirror.',
  'MachineError/snapshot': 'Resume with the same --memory, --smp, --disk and --serial options as when the snapshot was saved.',
  'MachineError/configuration': 'See "pckit boot --help".',
  'GuestMemoryError/too-large': 'Lower --memory.',
};

/**
 * Turns what a package threw into what the person at the terminal can use; `undefined` for a fault of ours.
 * @param subject what was being done or read, as a noun: `the kernel /boot/vmlinuz`
 */
export function explain(error: unknown, subject?: string): CliError | undefined {
  if (error instanceof CliError) return error;
  const about = subject === undefined ? '' : `${subject}: `;
  if (isPackageError(error)) {
    const host = error.code === 'network' || error.code === 'tool' || error.code === 'host';
    const known = advice[`${error.name}/${error.code}`];
    const { cause } = error;
    // What the system says is about the subject; of guests there are files and programs, which only the message names.
    const bySystem = cause instanceof Error && typeof (cause as NodeJS.ErrnoException).syscall === 'string' && error.name !== 'ImageError';
    const message = bySystem && subject !== undefined ? reasonOf(cause) : error.message;
    return new CliError(host ? 'host' : 'input', about + message, known === '' ? undefined : known, { cause: error });
  }
  if (error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string') {
    return new CliError('input', about + reasonOf(error), undefined, { cause: error });
  }
  // V8 when it can't reserve guest RAM.
  if (error instanceof RangeError && /WebAssembly\.Memory|allocation failed|could not allocate/i.test(error.message)) {
    return new CliError('host', 'this host can\'t give the guest so much memory', 'Lower --memory.', { cause: error });
  }
  return undefined;
}

/** Runs `work`; an error in it is about `subject`. */
export async function about<T>(subject: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error, subject) ?? error;
  }
}
