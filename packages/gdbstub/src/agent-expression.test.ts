import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AgentError, evaluateAgentExpression, type AgentContext } from './agent-expression.js';
import { fromHex } from './hex.js';

const printed: string[] = [];
const context: AgentContext = {
  register: (number) => (number < 16 ? BigInt(number * 100) : undefined),
  memory: (address, length) => (address >= 0x1000n ? Uint8Array.from({ length: Math.min(length, 8) }, (_, i) => [0x68, 0x69, 0, 0x80, 0xff, 0xff, 0xff, 0xff][i]) : new Uint8Array()),
  print: (text) => void printed.push(text),
};
const run = (hex: string): bigint => evaluateAgentExpression(fromHex(hex) as Uint8Array, context);

// The first is what GDB 13 makes of `$eax == 5000`.
it.each([
  ['26000016202313881327', 0n],
  ['260003 16 40 22 ff 02 27'.replaceAll(' ', ''), 555n],
  ['22 05 22 03 03 27', 2n], // sub
  ['22 03 22 05 03 22 02 05 27', BigInt.asUintN(64, -1n)], // (3 - 5) / 2
  ['22 01 22 3f 09 22 3f 0a 27', BigInt.asUintN(64, -1n)], // (1 << 63) >> 63
  ['22 80 16 08 27', BigInt.asUintN(64, -128n)], // ext
  ['23 1000 19 27', 0x80006968n], // ref32
  ['23 1000 1a 27', 0xffffffff80006968n],
  ['22 05 22 01 20 0009 22 07 27', 5n], // if_goto, taken
  ['22 05 22 00 20 0009 22 07 27', 7n], // and not
  ['22 02 22 03 2b 03 27', 1n], // swap
  ['22 01 22 02 22 03 32 02 27', 1n], // pick
  ['22 01 22 02 22 03 33 29 27', 1n], // rot: 3 1 2
  ['27', 0n],
])('%s', (hex, value) => {
  expect(run(hex.replaceAll(' ', ''))).toBe(value);
});

it.each([['22', 'no end'], ['0227', 'stack is empty'], ['2205220005', 'division'], ['22001727', "can't be read"], ['26001027', 'register 16'], ['210000', 'steps'], ['01', 'not implemented'], [`${'2201'.repeat(200)}27`, 'full']])(
  '%s fails: %s',
  (hex, message) => {
    expect(() => run(hex)).toThrow(AgentError);
    expect(() => run(hex)).toThrow(message);
  },
);

it('prints', () => {
  const format = Buffer.from('%d %5s|%-4x|%03u %c %lx%%\0').toString('hex');
  // Arguments last to first, channel, function.
  run(`25ffffffffffffffff 2241 2207 22ab 231000 22ff 1608 2200 2200 3406 00${(format.length / 2).toString(16)}${format} 27`.replaceAll(' ', ''));
  expect(printed).toEqual(['-1    hi|ab  |007 A ffffffffffffffff%']);
});

it('survives any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (code) => {
      try {
        evaluateAgentExpression(code, context);
      } catch (error) {
        expect(error).toBeInstanceOf(AgentError);
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});
