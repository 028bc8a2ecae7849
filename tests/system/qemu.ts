export interface QemuMachine {
  readonly kernel: string;
  readonly initrd: string;
  /** Kernel command line. */
  readonly append: string;
  readonly megabytes: number;
}

/** @returns arguments of `qemu-system-x86_64` for a `pc` with one processor, whose instructions are translated; its console is on the standard streams */
export function qemuArguments({ kernel, initrd, append, megabytes }: QemuMachine): readonly string[] {
  return [
    ...['-machine', 'pc', '-accel', 'tcg,thread=single', '-smp', '1', '-m', String(megabytes), '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', append],
  ];
}
