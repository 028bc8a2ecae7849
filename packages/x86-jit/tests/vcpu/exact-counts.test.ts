import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexBytes, Layout, TestMachine } from '../machine/test-machine.js';

// A loop with calls, memory traffic, string moves that cross pages and stores to its own code: everything that could end a run early or late.
//   mov ecx,50; again: push rcx; call f; pop rcx; mov [rip+patch+1],cl; patch: mov al,0; dec ecx; jnz again; self: jmp self
//   f: mov rsi,data; mov rdi,data+0x800; mov ecx,300; rep movsb; add [data],ecx; inc qword [data+8]; ret
const PROGRAM = hexBytes(`
  b932000000
  51 e811000000 59 880d01000000 b000 ffc9 75ed ebfe 90 90
  be00000200 bf00080200 b92c010000 f3a4 010c2500000200 48ff042508000200 c3`);

describe('instruction counts', () => {
  it('do not depend on how a run is cut into pieces', () => {
    const total = 12_000;
    const whole = prepared();
    whole.vcpu.run(total);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 40 }), (pieces) => {
        const cut = prepared();
        let left = total;
        for (let k = 0; left > 0; k++) {
          const n = Math.min(left, pieces[k % pieces.length] as number);
          expect(cut.vcpu.run(n)).toBe('budget');
          expect(cut.vcpu.executed).toBe(n);
          left -= n;
        }
        expect(cut.vcpu.save()).toEqual(whole.vcpu.save());
        expect(cut.ram.subarray(Layout.data, Layout.data + 4096)).toEqual(whole.ram.subarray(Layout.data, Layout.data + 4096));
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('are the same one instruction at a time', () => {
    const whole = prepared();
    whole.vcpu.run(3000);
    const single = prepared();
    for (let k = 0; k < 3000; k++) expect(single.vcpu.run(1)).toBe('budget');
    expect(single.vcpu.save()).toEqual(whole.vcpu.save());
  });
});

function prepared(): TestMachine {
  const m = new TestMachine();
  m.load(PROGRAM);
  return m;
}
