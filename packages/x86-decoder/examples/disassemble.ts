import { decode, Flag, format, formFlags, Instruction } from '@pckit/x86-decoder';

// xor %eax,%eax; 1: add (%rdi),%eax; add $4,%rdi; dec %rsi; jne 1b; ret
const code = Uint8Array.of(0x31, 0xc0, 0x03, 0x07, 0x48, 0x83, 0xc7, 0x04, 0x48, 0xff, 0xce, 0x75, 0xf5, 0xc3);
const address = 0x401000;

const instruction = new Instruction(); // one record, filled again and again
for (let at = 0; at < code.length; at += instruction.length) {
  if (decode(code, at, code.length, 64, instruction) === 0) throw new Error(`error ${instruction.error} at ${at}`);
  const text = format(instruction, address + at, { symbol: (a) => (a === 0x401002n ? 'sum+2' : undefined) });
  const writesCarry = (formFlags(instruction.form).written & Flag.CF) !== 0;
  console.log(`${(address + at).toString(16)}:  ${text}${writesCarry ? '   ; writes CF' : ''}`);
}
