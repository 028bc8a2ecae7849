import { ByteWriter } from './byte-writer.js';
import type { ValueType } from './opcodes.js';

const SECTION = { type: 1, import: 2, function: 3, table: 4, memory: 5, export: 7, element: 9, code: 10, custom: 0 } as const;

export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly type: number;
}

interface DefinedFunction {
  readonly type: number;
  readonly name: string;
  exported: boolean;
  locals: readonly { readonly count: number; readonly type: ValueType }[];
  body: Uint8Array;
}

/** Assembles a WebAssembly module from function bodies. One memory, imported as `env.memory`. */
export class ModuleWriter {
  readonly #types: Signature[] = [];
  readonly #imports: ImportedFunction[] = [];
  readonly #functions: DefinedFunction[] = [];
  #table: { readonly name: string; readonly size: number } | undefined;

  #typeIndex(signature: Signature): number {
    const key = (s: Signature): string => `${s.params.join(',')}>${s.results.join(',')}`;
    const found = this.#types.findIndex((t) => key(t) === key(signature));
    return found >= 0 ? found : this.#types.push(signature) - 1;
  }

  /** A table of functions, exported. */
  exportTable(name: string, size: number): void {
    this.#table = { name, size };
  }
  /** For `call_indirect`. */
  typeIndex(signature: Signature): number {
    return this.#typeIndex(signature);
  }

  /** All imports come before the first defined function. @returns the function index */
  importFunction(module: string, name: string, signature: Signature): number {
    if (this.#functions.length > 0) throw new Error(`import ${module}.${name} comes after a defined function`);
    return this.#imports.push({ module, name, type: this.#typeIndex(signature) }) - 1;
  }

  /** Reserves an index; the body follows with `defineFunction`. */
  declareFunction(name: string, signature: Signature, exported = false): number {
    this.#functions.push({ type: this.#typeIndex(signature), name, exported, locals: [], body: new Uint8Array(0) });
    return this.#imports.length + this.#functions.length - 1;
  }

  /** @param body instructions without the final `end` */
  defineFunction(index: number, locals: DefinedFunction['locals'], body: Uint8Array): void {
    const entry = this.#functions[index - this.#imports.length];
    if (!entry) throw new Error(`function ${index} was not declared`);
    entry.locals = locals;
    entry.body = body;
  }

  /** @param options `memoryPages`: the imported memory has so many, always; absent, it may have any number */
  finish(options: { readonly names?: boolean; readonly memoryPages?: number } = {}): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(1 << 16);
    for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(byte);
    const section = (id: number, write: (w: ByteWriter) => void): void => {
      const w = new ByteWriter(1 << 14);
      write(w);
      out.u8(id);
      out.u32(w.length);
      out.raw(w.bytes, w.length);
    };
    section(SECTION.type, (w) => {
      w.u32(this.#types.length);
      for (const { params, results } of this.#types) {
        w.u8(0x60);
        w.u32(params.length);
        for (const p of params) w.u8(p);
        w.u32(results.length);
        for (const r of results) w.u8(r);
      }
    });
    section(SECTION.import, (w) => {
      w.u32(this.#imports.length + 1);
      for (const { module, name, type } of this.#imports) {
        w.name(module);
        w.name(name);
        w.u8(0);
        w.u32(type);
      }
      w.name('env');
      w.name('memory');
      w.u8(2);
      if (options.memoryPages === undefined) {
        w.u8(0);
        w.u32(1);
      } else {
        w.u8(1);
        w.u32(options.memoryPages);
        w.u32(options.memoryPages);
      }
    });
    section(SECTION.function, (w) => {
      w.u32(this.#functions.length);
      for (const f of this.#functions) w.u32(f.type);
    });
    const table = this.#table;
    if (table) {
      section(SECTION.table, (w) => {
        w.u32(1);
        w.u8(0x70);
        w.u8(1);
        w.u32(table.size);
        w.u32(table.size);
      });
    }
    const exported = this.#functions.map((f, i) => ({ f, index: this.#imports.length + i })).filter(({ f }) => f.exported);
    section(SECTION.export, (w) => {
      w.u32(exported.length + (table ? 1 : 0));
      if (table) {
        w.name(table.name);
        w.u8(1);
        w.u32(0);
      }
      for (const { f, index } of exported) {
        w.name(f.name);
        w.u8(0);
        w.u32(index);
      }
    });
    section(SECTION.code, (w) => {
      w.u32(this.#functions.length);
      const head = new ByteWriter(64);
      for (const f of this.#functions) {
        head.reset();
        head.u32(f.locals.length);
        for (const { count, type } of f.locals) {
          head.u32(count);
          head.u8(type);
        }
        w.u32(head.length + f.body.length + 1);
        w.raw(head.bytes, head.length);
        w.raw(f.body);
        w.u8(0x0b);
      }
    });
    if (options.names) {
      section(SECTION.custom, (w) => {
        w.name('name');
        const names = new ByteWriter(1 << 14);
        names.u32(this.#functions.length);
        this.#functions.forEach((f, i) => {
          names.u32(this.#imports.length + i);
          names.name(f.name);
        });
        w.u8(1);
        w.u32(names.length);
        w.raw(names.bytes, names.length);
      });
    }
    return out.finish();
  }
}
