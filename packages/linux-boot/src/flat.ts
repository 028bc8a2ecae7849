/** A file without any header, at an address and in a mode that the caller names: for test kernels and boot sectors. */
import { BootError } from './boot-error.js';
import { hex } from './bytes.js';
import type { BootContext } from './context.js';
import { FOUR_GIB, LOW_TABLES, LOW_TABLES_END } from './context.js';
import { long64, protected32, real16 } from './processor-state.js';
import type { BootPlan, FlatImage } from './types.js';

const PAGE = 0x1000;

export function planFlat(context: BootContext, flat: FlatImage): BootPlan {
  const { options, layout } = context;
  const entry = flat.entry ?? flat.address;
  const bss = flat.bssBytes ?? 0;
  if (![flat.address, entry, bss].every((value) => Number.isSafeInteger(value) && value >= 0) || entry >= FOUR_GIB) {
    throw new BootError('bad-option', `flat: address ${flat.address}, entry ${entry}, bssBytes ${bss} aren't all addresses below 4 GiB`);
  }
  if (options.kernel.length === 0) throw new BootError('not-a-kernel', 'flat: the file is empty');
  layout.claim('kernel', flat.address, options.kernel.length + bss);
  layout.put({ name: 'kernel', address: flat.address, bytes: options.kernel, ...(bss > 0 ? { zeroFill: bss } : {}), why: "the caller's address" });

  if (flat.mode === 'real16') {
    const stack = layout.place('boot stack', PAGE, { align: PAGE, from: PAGE, below: 0x1_0000, prefer: 'low' });
    layout.reserve({ name: 'boot stack', address: stack, length: PAGE, why: 'SS is 0, so below 64 KiB' });
    const codeBase = entry < 0x1_0000 ? 0 : Math.floor(entry / 16) * 16;
    if (codeBase > 0xf_fff0) throw new BootError('bad-option', `flat: real mode can't reach the entry ${hex(entry)}`);
    return context.finish('flat', real16({ rip: entry, codeBase, general: { rsp: stack + PAGE } }));
  }
  const gdt = context.gdt(flat.mode);
  const general: { rsi?: number; rsp?: number } = {};
  if (options.commandLine !== undefined) {
    general.rsi = context.commandLine({ length: PAGE - 1, whose: 'a flat kernel' });
    context.notes.push('RSI points to the command line');
  }
  const stack = layout.place('boot stack', PAGE, { align: PAGE, from: LOW_TABLES, below: LOW_TABLES_END, prefer: 'low' });
  layout.reserve({ name: 'boot stack', address: stack, length: PAGE, why: 'RSP is its end' });
  general.rsp = stack + PAGE;
  return context.finish(
    'flat',
    flat.mode === 'long64' ? long64({ rip: entry, gdt, pageTables: context.identityMap(), general }) : protected32({ rip: entry, gdt, general }),
  );
}
