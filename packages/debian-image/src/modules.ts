/** Which modules to load, in which order: dependencies from each module's own .modinfo, as depmod would find them. */
import { decompress } from './decompress.js';
import { ImageError } from './image-error.js';
import { normalizeModuleName, readModuleInfo } from './modinfo.js';
import type { ModuleInfo } from './modinfo.js';

/** What lies below /lib/modules/RELEASE. */
export interface ModuleTree {
  /** `uname -r` of the kernel. */
  readonly release: string;
  /** Relative: "kernel/fs/ext4/ext4.ko.xz". */
  readonly paths: readonly string[];
  read(path: string): Promise<Uint8Array>;
  /** Names of what is built into the kernel (modules.builtin), with underscores. */
  readonly builtin: ReadonlySet<string>;
}

export interface ResolvedModule {
  readonly name: string;
  /** In the tree, less the compression's suffix: "kernel/fs/ext4/ext4.ko". */
  readonly path: string;
  /** Decompressed. */
  readonly bytes: Uint8Array;
  readonly info: ModuleInfo;
}

export interface ModuleSelection {
  /** In load order: a module stands behind all that it needs. */
  readonly modules: readonly ResolvedModule[];
  /** Asked for, and part of the kernel itself. */
  readonly builtin: readonly string[];
  /** Asked for with a "?" and nowhere to be found. */
  readonly missing: readonly string[];
}

const MODULE_PATH = /([^/]+)\.ko(\.xz|\.gz|\.zst)?$/;

/** "kernel/fs/ext4/ext4.ko.xz" -> "ext4"; `undefined` for what isn't a module. */
export function moduleName(path: string): string | undefined {
  const match = MODULE_PATH.exec(path);
  return match === null ? undefined : normalizeModuleName(match[1]);
}

/** modules.builtin: a path a line. */
export function parseModulesBuiltin(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => moduleName(line.trim()) ?? []));
}

/** @param names module names, with dashes or underscores; a trailing "?" means: if there is one */
export async function resolveModules(tree: ModuleTree, names: readonly string[]): Promise<ModuleSelection> {
  const byName = new Map<string, string>();
  for (const path of tree.paths) {
    const name = moduleName(path);
    if (name !== undefined) byName.set(name, path);
  }
  const modules: ResolvedModule[] = [];
  const builtin: string[] = [];
  const missing: string[] = [];
  const done = new Set<string>();

  const visit = async (name: string, chain: readonly string[], wanted: 'required' | 'optional'): Promise<void> => {
    if (chain.includes(name)) throw new ImageError('cycle', `modules depend on each other: ${[...chain, name].join(' -> ')}`);
    if (done.has(name)) return;
    const path = byName.get(name);
    if (path === undefined) {
      done.add(name);
      if (tree.builtin.has(name)) {
        if (chain.length === 0) builtin.push(name);
      } else if (wanted === 'required') {
        throw new ImageError(
          'missing',
          `no module ${name} for kernel ${tree.release}${chain.length > 0 ? `, which ${chain.at(-1)} needs` : ''}`,
        );
      } else if (chain.length === 0) {
        missing.push(name);
      }
      return;
    }
    const bytes = await decompress(await tree.read(path));
    const info = readModuleInfo(bytes, path);
    for (const dependency of info.depends) await visit(dependency, [...chain, name], 'required');
    // A soft dependency may be an alias, or lead back to its user; then it is left to the kernel.
    for (const soft of info.softPre) {
      if (byName.has(soft) && ![...chain, name].includes(soft)) await visit(soft, [...chain, name], 'optional');
    }
    if (done.has(name)) return;
    done.add(name);
    modules.push({ name, path: path.replace(/\.(xz|gz|zst)$/, ''), bytes, info });
  };

  for (const asked of names) {
    const optional = asked.endsWith('?');
    await visit(normalizeModuleName(optional ? asked.slice(0, -1) : asked), [], optional ? 'optional' : 'required');
  }
  return { modules, builtin, missing };
}

/** modules.dep for the selection: "path: all that it needs". modprobe loads from the right, so what is deepest stands last. */
export function formatModulesDep(modules: readonly ResolvedModule[]): string {
  const order = new Map(modules.map((module, index) => [module.name, index]));
  const lines = modules.map((module) => {
    const needed = new Set<number>();
    const collect = (one: ResolvedModule): void => {
      for (const name of one.info.depends) {
        const index = order.get(name);
        if (index === undefined || needed.has(index)) continue;
        needed.add(index);
        collect(modules[index]);
      }
    };
    collect(module);
    const paths = [...needed].sort((a, b) => b - a).map((index) => ` ${modules[index].path}`);
    return `${module.path}:${paths.join('')}\n`;
  });
  return lines.sort().join('');
}

/** modules.alias for the selection: what the kernel asks modprobe for. */
export function formatModulesAlias(modules: readonly ResolvedModule[]): string {
  return modules
    .flatMap((module) => module.info.aliases.map((alias) => `alias ${alias} ${module.name}\n`))
    .sort()
    .join('');
}
