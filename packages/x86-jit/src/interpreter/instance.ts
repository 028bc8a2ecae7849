import { interpreterBytes } from './module.js';

const MAX_PAGES = 65536;

/** A number of pages in LEB128 of three bytes. */
const leb = (pages: number): number[] => [(pages & 0x7f) | 0x80, ((pages >> 7) & 0x7f) | 0x80, pages >> 14];

/** The import of the memory, up to its limits. */
const MEMORY_IMPORT = [3, ...new TextEncoder().encode('env'), 6, ...new TextEncoder().encode('memory'), 2, 1];

let bytes: Uint8Array<ArrayBuffer> | undefined;
const compiled = new Map<string, WebAssembly.Module>();

function indexOf(all: Uint8Array, part: readonly number[]): number {
  for (let at = all.indexOf(part[0] as number); at >= 0; at = all.indexOf(part[0] as number, at + 1)) {
    if (part.every((byte, k) => all[at + k] === byte)) return at;
  }
  throw new Error('the interpreter does not import its memory as it should');
}

/** Compiled once a process and size of memory: it is code, not state. */
function interpreterModule(least: number, most: number): WebAssembly.Module {
  const key = `${least} ${most}`;
  let module = compiled.get(key);
  if (module === undefined) {
    bytes ??= interpreterBytes();
    bytes.set([...leb(least), ...leb(most)], indexOf(bytes, MEMORY_IMPORT) + MEMORY_IMPORT.length);
    compiled.set(key, (module = new WebAssembly.Module(bytes)));
  }
  return module;
}

/**
 * The interpreter, over the memory among its imports. Of a memory that can't grow V8 need not look up the address again after every call.
 * @throws WebAssembly.LinkError when the memory has no maximum
 */
export function instantiateInterpreter(imports: WebAssembly.ModuleImports & { readonly memory: WebAssembly.Memory }): WebAssembly.Instance {
  const pages = imports.memory.buffer.byteLength / 65536;
  try {
    return new WebAssembly.Instance(interpreterModule(pages, pages), { env: imports });
  } catch (error) {
    if (!(error instanceof WebAssembly.LinkError)) throw error;
    return new WebAssembly.Instance(interpreterModule(1, MAX_PAGES), { env: imports });
  }
}
