import { describe, expect, it } from 'vitest';
import { decode, format, Instruction, type FormatOptions, type Mode } from '../index.js';

function line(hex: string, options: FormatOptions & { address?: bigint; mode?: Mode } = {}): string {
  const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
  const into = new Instruction();
  decode(bytes, 0, bytes.length, options.mode ?? 64, into);
  return format(into, options.address ?? 0x1000n, options);
}

describe('format', () => {
  it.each([
    ['488b44cb08', 'mov    0x8(%rbx,%rcx,8),%rax', 'mov    rax,QWORD PTR [rbx+rcx*8+0x8]'],
    ['4883ec80', 'sub    $0xffffffffffffff80,%rsp', 'sub    rsp,0xffffffffffffff80'],
    ['64488b042528000000', 'mov    %fs:0x28,%rax', 'mov    rax,QWORD PTR fs:0x28'],
    ['f3a4', 'rep movsb %ds:(%rsi),%es:(%rdi)', 'rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]'],
    ['f00fb10a', 'lock cmpxchg %ecx,(%rdx)', 'lock cmpxchg DWORD PTR [rdx],ecx'],
    ['c7000100000000', 'movl   $0x1,(%rax)', 'mov    DWORD PTR [rax],0x1'],
    ['0fb600', 'movzbl (%rax),%eax', 'movzx  eax,BYTE PTR [rax]'],
    ['dee9', 'fsubrp %st,%st(1)', 'fsubp  st(1),st'],
    ['662e0f1f840000000000', 'cs nopw 0x0(%rax,%rax,1)', 'cs nop WORD PTR [rax+rax*1+0x0]'],
    ['f20fc2c101', 'cmpltsd %xmm1,%xmm0', 'cmpltsd xmm0,xmm1'],
    ['c5fd6f0424', 'vmovdqa (%rsp),%ymm0', 'vmovdqa ymm0,YMMWORD PTR [rsp]'],
    ['3effe0', 'notrack jmp *%rax', 'notrack jmp rax'],
  ])('%s: %s and %s', (hex, att, intel) => {
    expect(line(hex)).toBe(att);
    expect(line(hex, { syntax: 'intel' })).toBe(intel);
  });

  it('names branch targets and RIP-relative addresses', () => {
    const symbol = (address: bigint): string | undefined => (address === 0x1015n ? 'memcpy+0x5' : undefined);
    expect(line('e810000000', { symbol })).toBe('call   1015 <memcpy+0x5>');
    expect(line('e811000000', { symbol })).toBe('call   1016');
    expect(line('488d050e000000', { symbol })).toBe('lea    0xe(%rip),%rax        # 1015 <memcpy+0x5>');
    expect(line('ebfe', { address: 0xffffffff81000000n })).toBe('jmp    ffffffff81000000');
  });

  it('wraps 16-bit targets', () => {
    expect(line('ebfc', { address: 0n, mode: 16 })).toBe('jmp    fffe');
  });

  it('says (bad) for what is invalid', () => {
    expect(line('06')).toBe('(bad)');
  });
});
