import { describe, expect, it } from 'vitest';
import type { RegionEvent, RegionOptions } from '../../src/index.js';
import { hexBytes, Layout, TestMachine } from '../machine/test-machine.js';
import { randomNumbers, randomProgram } from './programs.js';

/** Everything is compiled the second time that it is met. */
const EAGER = { lookups: 2, samples: 1, samplePeriod: 50, longestPeriod: 5000, batch: 1, instructions: [8, 40, 2000], entries: 5, repeated: 3 };
const DATA_BYTES = 8192;

/** Code with calls that end at these offsets, to an address. */
function calling(code: Uint8Array, ends: readonly number[], to: number): Uint8Array {
  for (const end of ends) new DataView(code.buffer).setInt32(end - 4, to - (Layout.code + end), true);
  return code;
}

function prepared(code: Uint8Array, regions: Partial<RegionOptions> | false): TestMachine {
  const m = new TestMachine({ processor: { regions } });
  for (let k = 0; k < DATA_BYTES; k++) m.ram[Layout.data + k] = (k * 73) ^ (k >> 3);
  m.load(code);
  return m;
}

function stateOf(m: TestMachine): unknown {
  const { general, rip, eflags, vectors, shadow } = m.vcpu.save() as Record<string, unknown>;
  return { general, rip, eflags, vectors, shadow, data: m.ram.slice(Layout.data, Layout.data + DATA_BYTES) };
}

/** Runs in pieces, and compares with the interpreter after each. @returns the share of compiled instructions */
function compare(code: Uint8Array, total: number, pieces: readonly number[], options: Partial<RegionOptions> = EAGER): number {
  const compiled = prepared(code, options);
  const interpreted = prepared(code, false);
  for (let done = 0, k = 0; done < total; k++) {
    const n = pieces[k % pieces.length] as number;
    compiled.vcpu.run(n);
    interpreted.vcpu.run(n);
    expect(compiled.vcpu.executed).toBe(n);
    expect(stateOf(compiled)).toEqual(stateOf(interpreted));
    done += n;
  }
  return Number(compiled.vcpu.compiledInstructions) / total;
}

describe('compiled regions', () => {
  it.each(Array.from({ length: 16 }, (_, k) => k + 1))('do what the interpreter does with random program %i', (seed) => {
    const random = randomNumbers(seed * 0x9e3779b1);
    const code = randomProgram(random, 20, 400);
    const share = compare(code, 5000, [997, 1, 13, 480, 2, 2500, 77]);
    expect(share).toBeGreaterThan(0.2);
  });

  it('wait for their module without keeping the processor from going on, where every block is compiled at once', () => {
    const code = randomProgram(randomNumbers(77), 20, 400);
    expect(compare(code, 5000, [997, 480, 77], { ...EAGER, lookups: 1, batch: 16 })).toBeGreaterThan(0);
  });

  it.each(Array.from({ length: 6 }, (_, k) => k + 101))('may be given up at any time: random program %i', (seed) => {
    const code = randomProgram(randomNumbers(seed * 0x9e3779b1), 20, 400);
    expect(compare(code, 8000, [997, 1, 480, 77], { ...EAGER, evict: 150 })).toBeGreaterThan(0.1);
  });

  it('repeat string instructions as often as the budget allows, within and across pages', () => {
    // again: mov rsi,data; mov rdi,data+0x1800; mov ecx,700; rep movsb; mov rdi,data+0x800; mov ecx,100; xor eax,eax; repne scasb; jmp again
    const code = hexBytes('be00000200 bf00180200 b9bc020000 f3a4 bf00080200 b964000000 31c0 f2ae ebe2');
    expect(compare(code, 20_000, [1, 17, 699, 701, 1500, 3])).toBeGreaterThan(0.5);
  });

  it('look once for accesses that lie near each other, also where they are in two pages', () => {
    // again: mov [rbx],rax; add rcx,[rbx+40h]; mov [rbx+8],rcx; push rax; push rcx; test cl,1; jz 1f; lea rdi,[rbx+20h]; add [rdi],rcx; mov rdx,rdi; xor rax,[rdx-18h]; jmp 2f;
    // 1: add rax,[rbx+30h]; 2: call 3f; inc rax; pop rcx; pop rdx; add rbx,24; lea rsp,[rsp-56]; mov [rsp+8],rax; mov rdx,[rsp+28h]; and from 8 KiB on each at its start again
    // 3: push rbp; mov rbp,rsp; mov [rbp-8],rax; mov r8,[rbp+8]; mov r8,[rbp+10h]; add rax,[rbp-8]; leave; ret
    const code = hexBytes(
      'bb00000200bc0080030048890348034b4048894b085051f6c1017410488d7b2048010f4889fa483342e8eb0448034330e83600000048ffc0595a4883c318488d' +
      '6424c84889442408488b5424284881fc006003007705bc008003004881fb001f020072a6bb00000200eb9f554889e5488945f84c8b45084c8b4510480345f8c9' +
      'c3',
    );
    expect(compare(code, 60_000, [997, 1, 480, 77, 5000])).toBeGreaterThan(0.9);
  });

  it('know after which instruction interrupts are still held off', () => {
    // again: sti; inc eax; cli; pushf; sti; popf; add edx,eax; pause; jmp again
    const code = hexBytes('fb ffc0 fa 9c fb 9d 01c2 f390 ebf2');
    expect(compare(code, 4000, [997, 1, 1, 1, 1, 1, 1, 1, 2, 3, 64])).toBeGreaterThan(0.5);
  });

  it('forget code that is written, by themselves too', () => {
    // mov ecx,3000; again: mov [rip+1+patch],cl; patch: mov al,0; add edx,eax; dec ecx; jnz again; jmp $
    const code = hexBytes('b9b80b0000 880d01000000 b000 01c2 ffc9 75f2 ebfe');
    compare(code, 12_000, [997, 1, 250]);
  });

  it('follow computed jumps and calls back', () => {
    // mov ebx,table's address; loop over four targets through jmp [rbx + rax*8]; each adds something and jumps back.
    const at = (offset: number): number => Layout.code + offset;
    const code = new Uint8Array(0x100).fill(0x90);
    // 0: inc esi; mov eax,esi; and eax,3; jmp [rax*8 + code+0x80]
    code.set(hexBytes('ffc6 89f0 83e003 ff24c5'), 0);
    new DataView(code.buffer).setUint32(10, at(0x80), true);
    for (let k = 0; k < 4; k++) {
      const target = 0x20 + k * 0x10;
      // add edx,k+1; call 0x70; jmp 0
      code.set([0x83, 0xc2, k + 1, 0xe8, 0x70 - (target + 8), 0, 0, 0, 0xeb, 256 - (target + 10)], target);
      new DataView(code.buffer).setUint32(0x80 + 8 * k, at(target), true);
    }
    code.set(hexBytes('01d7 c3'), 0x70);
    expect(compare(code, 40_000, [9973, 1, 64])).toBeGreaterThan(0.5);
  });

  /** A loop that calls what lies far away, compiled and interpreted; then with another page where that lies, or its end does. */
  function expectNoticed(code: Uint8Array, far: number, called: Uint8Array, moved: { readonly page: number; readonly at: number; readonly bytes: Uint8Array }): void {
    const [m, other] = [prepared(code, EAGER), prepared(code, false)];
    for (const machine of [m, other]) {
      machine.write(far, called);
      machine.vcpu.run(5000);
    }
    expect(stateOf(m)).toEqual(stateOf(other));
    expect(Number(m.vcpu.compiledInstructions)).toBeGreaterThan(4000);
    for (const machine of [m, other]) {
      machine.write(moved.at, moved.bytes);
      machine.map(moved.page, 0x100000);
      machine.vcpu.run(5000);
    }
    expect(stateOf(m)).toEqual(stateOf(other));
  }

  it('reach code of pages that lie far away, and notice when another page is there', () => {
    const far = 0xc0ff0;
    // again: mov ecx,5; call far; add edx,eax; jmp again
    const code = calling(hexBytes('b905000000 e800000000 01c2 ebf2'), [10], far);
    // inc eax; loop: add eax,ecx; xor ebx,eax; dec ecx; jnz loop; ret
    const called = hexBytes('ffc0 01c8 31c3 ffc9 75f8 c3');
    // dec eax in place of inc eax.
    expectNoticed(code, far, called, { page: far & ~0xfff, at: 0x100ff0, bytes: Uint8Array.of(0xff, 0xc8, ...called.slice(2)) });
  });

  it.each([['ends with the page', 0xc0ff8], ['reaches into the next page', 0xc0ff7]])('go on into the next page in a straight line that %s, and notice when another page is there', (_, far) => {
    // again: mov ecx,5; call far; jmp again
    const code = calling(hexBytes('b905000000 e800000000 ebf4'), [10], far);
    // inc eax, four times; add ebx,eax; inc edx; ret: the fourth instruction ends with the page, or the fifth has its last byte in the next one
    const called = hexBytes('ffc0 ffc0 ffc0 ffc0 01c3 ffc2 c3');
    // As it was, but for edx: it is decremented there.
    const rest = called.slice(0xc1000 - far);
    rest[rest.length - 2] = 0xca;
    expectNoticed(code, far, called, { page: 0xc1000, at: 0x100000, bytes: rest });
  });

  /** The roots of the regions that are compiled, in order, and the options that have them noted. */
  function noted(options: Partial<RegionOptions>): { readonly roots: number[]; readonly options: Partial<RegionOptions> } {
    const roots: number[] = [];
    const event = (happened: RegionEvent): void => void (happened.kind === 'compiled' && roots.push(Number(happened.region.address)));
    return { roots, options: { ...EAGER, lookups: 10, samples: 6, samplePeriod: 1_000_000, repeated: 0, ...options, trace: { event } } };
  }

  it('leave for what another has, and are entered again behind the call', () => {
    const f = 0xc0000;
    // again: call f; inc edx; call f; inc ebx; jmp again
    const code = calling(hexBytes('e800000000 ffc2 e800000000 ffc3 ebf0'), [5, 12], f);
    const { roots, options } = noted({ entries: 1_000_000 });
    const [m, other] = [prepared(code, options), prepared(code, false)];
    for (const machine of [m, other]) {
      // add eax,edx; xor esi,eax; ret
      machine.write(f, hexBytes('01d0 31c6 c3'));
      for (const count of [999, 7, 1, 13, 3980]) machine.vcpu.run(count);
    }
    expect(stateOf(m)).toEqual(stateOf(other));
    // The function was hot first. What is behind the second call isn't a region of its own.
    expect(roots).toEqual([f, Layout.code + 5]);
    expect(Number(m.vcpu.compiledInstructions)).toBeGreaterThan(4800);
  });

  it('grow once, where several entries ask for it', () => {
    const f = 0xc0000;
    // again: call f; inc edx; call f; inc ebx; call f; inc ecx; jmp again
    const code = calling(hexBytes('e800000000 ffc2 e800000000 ffc3 e800000000 ffc1 ebe9'), [5, 12, 19], f);
    const { roots, options } = noted({ entries: 1000, batch: 16, instructions: [30, 22] });
    const [m, other] = [prepared(code, options), prepared(code, false)];
    for (const machine of [m, other]) {
      // So long that the calls after the next have no room beside it: what is behind them stays an entry of the old region alone.
      machine.write(f, hexBytes(`${'01d0 31c6'.repeat(12)} c3`));
      for (let k = 0; k < 25; k++) machine.vcpu.run(100_003);
    }
    expect(stateOf(m)).toEqual(stateOf(other));
    expect(roots.slice(0, 3)).toEqual([f, Layout.code + 5, Layout.code + 5]);
  });

  it('leave at a TLB miss, a page fault and a division by zero with everything as it was before the instruction', () => {
    // mov ebx,data; again: inc qword [rbx]; mov rax,[rbx+8]; xor edx,edx; mov ecx,7; div ecx; add [rbx+16],rax; jmp again
    const code = hexBytes('bb00000200 48ff03 488b4308 31d2 b907000000 f7f1 48014310 ebeb');
    const m = prepared(code, EAGER);
    m.vcpu.run(5000);
    expect(Number(m.vcpu.compiledInstructions)).toBeGreaterThan(3000);
    m.cpu.flushTlb();
    const other = prepared(code, false);
    other.vcpu.run(5000);
    m.vcpu.run(100);
    other.vcpu.run(100);
    expect(stateOf(m)).toEqual(stateOf(other));
    // Now the divisor becomes 0 by the program's own constant.
    for (const machine of [m, other]) machine.write(Layout.code + 15, Uint8Array.of(0));
    m.vcpu.run(20);
    other.vcpu.run(20);
    expect(stateOf(m)).toEqual(stateOf(other));
  });
});

it('a region that was to grow goes on, and grows again, when what it was to become is dropped before it is there', () => {
  const events: string[] = [];
  const m = new TestMachine({
    processor: {
      regions: {
        ...EAGER, batch: 16, samples: Infinity,
        trace: { event: (event) => void events.push(event.kind === 'module' ? 'module' : `${event.kind} ${event.region.address.toString(16)}${event.kind === 'dropped' ? ` ${event.why}` : ''}`) },
      },
    },
  });
  // A function of two pieces, called by a register; the first piece has more instructions than its first region may have.
  m.load(hexBytes('b800010100 ffd0 ebfc'));
  m.write(Layout.code + 0x100, hexBytes(`${'ffc1'.repeat(12)} e9e3000000`));
  m.write(Layout.code + 0x200, hexBytes('83c201 c3'));
  const function_ = (Layout.code + 0x100).toString(16);
  const until = (what: string): void => {
    for (let k = 0; !events.includes(what); k++) {
      if (k > 100_000) throw new Error(`no "${what}" among ${events.join(', ')}`);
      m.vcpu.run(100);
    }
  };
  until('module');
  events.length = 0;
  until(`compiled ${function_}`);
  m.write(Layout.code + 0x200, hexBytes('83c202 c3'));
  expect(events.filter((event) => event.includes(function_))).toEqual([`compiled ${function_}`, `dropped ${function_} code changed`]);
  events.length = 0;
  until('module');
  expect(events).toContain(`dropped ${function_} replaced`);
  const before = m.cpu.gpr32(2);
  m.vcpu.run(17);
  expect(m.cpu.gpr32(2) - before).toBe(2);
});
