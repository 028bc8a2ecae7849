import { ByteWriter } from '../emit/byte-writer.js';
import { Type } from '../emit/opcodes.js';
import type { CompiledFunction } from './compile.js';

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

/** A module of regions: functions `(state: i32, slot: i32) -> i32` named by their numbers, over the imported memory `env.memory`. They call nothing. */
export function regionModule(functions: readonly CompiledFunction[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(functions.reduce((sum, f) => sum + f.body.length + 64, 256));
  const part = new ByteWriter(1024);
  const section = (id: number, write: () => void): void => {
    part.reset();
    write();
    out.u8(id);
    out.u32(part.length);
    out.raw(part.bytes, part.length);
  };
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.u8(byte);
  section(SECTION.type, () => {
    for (const byte of [1, 0x60, 2, Type.i32, Type.i32, 1, Type.i32]) part.u8(byte);
  });
  section(SECTION.import, () => {
    part.u32(1);
    part.name('env');
    part.name('memory');
    for (const byte of [2, 0, 1]) part.u8(byte);
  });
  section(SECTION.function, () => {
    part.u32(functions.length);
    for (let k = 0; k < functions.length; k++) part.u8(0);
  });
  section(SECTION.export, () => {
    part.u32(functions.length);
    functions.forEach((_, k) => {
      part.name(String(k));
      part.u8(0);
      part.u32(k);
    });
  });
  const head = new ByteWriter(64);
  section(SECTION.code, () => {
    part.u32(functions.length);
    for (const { locals, body } of functions) {
      head.reset();
      head.u32(locals.length);
      for (const { count, type } of locals) {
        head.u32(count);
        head.u8(type);
      }
      part.u32(head.length + body.length + 1);
      part.raw(head.bytes, head.length);
      part.raw(body);
      part.u8(0x0b);
    }
  });
  return out.finish();
}
