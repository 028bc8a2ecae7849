/** A kernel that somebody built to learn from: without virtio, with debug information and gdb scripts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './tool.js';

export interface Learner {
  readonly bzImage: string;
  /** Its scripts lie beside it, where gdb finds them by itself. */
  readonly vmlinux: string;
}

/** @param from holds `learner-bzImage`, `learner-vmlinux.xz`, `learner-gdb-scripts.tar.xz` */
export function unpackLearner(from: string, folder: string): Learner {
  const tool = (name: string, ...args: string[]): void => void mustRun(name, args, folder);
  if (!existsSync(join(folder, 'vmlinux'))) tool('sh', '-c', 'xz -dc "$0" > vmlinux.part && mv vmlinux.part vmlinux', join(from, 'learner-vmlinux.xz'));
  tool('tar', 'xf', join(from, 'learner-gdb-scripts.tar.xz'));
  tool('ln', '-sf', 'scripts/gdb/vmlinux-gdb.py', 'vmlinux-gdb.py');
  return { bzImage: join(from, 'learner-bzImage'), vmlinux: join(folder, 'vmlinux') };
}
