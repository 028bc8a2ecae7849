import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isX87Initial, loadFxsaveX87, resetX87ToInitial, storeFxsaveX87 } from './fxsave.js';
import { emms, enterMmx, readMmx, writeMmx } from './mmx.js';
import { fullTagWord, loadEnvironment, loadRegisters, storeEnvironment, storeRegisters } from './x87-environment.js';
import type { X87Context } from './x87-instruction.js';
import { executeX87 } from './x87-operation.js';
import { X87_OPERAND, X87_STATE_SIZE, X87State } from './x87-state.js';

const context: X87Context = {
  eflags: 0,
  instructionPointer: 0n,
  codeSelector: 0,
  dataPointer: 0n,
  dataSelector: 0,
  operandSize16: false,
  realAddressMode: false,
};

function stateFrom(bytes: Uint8Array): X87State {
  const view = new DataView(bytes.slice().buffer);
  const state = new X87State(view);
  state.control = view.getUint16(128, true);
  state.status = view.getUint16(130, true);
  state.fop = view.getUint16(134, true);
  return state;
}

const randomState = fc.uint8Array({ minLength: X87_STATE_SIZE, maxLength: X87_STATE_SIZE }).map((bytes) => ({ bytes }));

/** All that the instructions can see, in the widest layout. */
function visible(state: X87State): string {
  const image = new DataView(new ArrayBuffer(512));
  storeFxsaveX87(state, image, { wide: true });
  return `${new Uint8Array(image.buffer).join()} ${state.fcs} ${state.fds}`;
}

let state: X87State;
const operand = new DataView(new ArrayBuffer(512));

beforeEach(() => {
  state = new X87State(new DataView(new ArrayBuffer(X87_STATE_SIZE)));
  state.initialize();
});

describe('FNSAVE and FRSTOR', () => {
  it('round-trip in 32-bit protected mode, but for the upper halves of 64-bit pointers', () => {
    fc.assert(
      fc.property(randomState, ({ bytes }) => {
        const before = stateFrom(bytes);
        before.fip &= 0xffffffffn;
        before.fdp &= 0xffffffffn;
        storeEnvironment(before, operand, context);
        storeRegisters(before, operand, context);
        loadEnvironment(state, operand, context);
        loadRegisters(state, operand, context);
        expect(visible(state)).toBe(visible(before));
      }),
      { seed: 1 },
    );
  });

  it('keep linear pointers in real-address mode', () => {
    state.fip = 0x1234n;
    state.fcs = 0xf000;
    state.fdp = 0xabcdn;
    state.fds = 0x2000;
    state.fop = 0x5a5;
    for (const operandSize16 of [true, false]) {
      const real: X87Context = { ...context, realAddressMode: true, operandSize16 };
      storeEnvironment(state, operand, real);
      // SDM vol. 1, figures 8-11 and 8-12
      if (operandSize16) {
        const words = [0, 1, 2, 3, 4, 5, 6].map((index) => operand.getUint16(2 * index, true));
        expect(words).toEqual([0x037f, 0, 0xffff, 0x1234, 0xf5a5, 0xabcd, 0x2000]);
      } else {
        const words = [3, 4, 5, 6].map((index) => operand.getUint32(4 * index, true));
        expect(words).toEqual([0xffff1234, 0x0000f5a5, 0xffffabcd, 0x00002000]);
      }
      const other = new X87State(new DataView(new ArrayBuffer(X87_STATE_SIZE)));
      loadEnvironment(other, operand, real);
      expect([other.fip, other.fdp, other.fop]).toEqual([0xf1234n, 0x2abcdn, 0x5a5]);
    }
  });

  it('FNSAVE initialises', () => {
    executeX87(state, 0xd9, 0xeb, context);
    executeX87(state, 0xdd, 0x36, context);
    expect(state.tag).toBe(0);
    expect(state.status).toBe(0);
    expect(state.operand.getUint32(28, true)).toBe(0x2168c235);
  });
});

describe('the full tag word', () => {
  it('tells valid, zero, special and empty apart', () => {
    state.top = 0;
    state.write(0, { signExponent: 0x3fff, significand: 1n << 63n });
    state.write(1, { signExponent: 0x8000, significand: 0n });
    state.write(2, { signExponent: 0x7fff, significand: 1n << 63n });
    state.write(3, { signExponent: 0, significand: 1n });
    state.write(4, { signExponent: 0x3fff, significand: 1n });
    expect(fullTagWord(state)).toBe(0b1111_1110_1010_0100);
  });
});

describe('FXSAVE and FXRSTOR', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(randomState, fc.boolean(), ({ bytes }, wide) => {
        const before = stateFrom(bytes);
        if (wide) {
          before.fcs = 0;
          before.fds = 0;
        } else {
          before.fip &= 0xffffffffn;
          before.fdp &= 0xffffffffn;
        }
        storeFxsaveX87(before, operand, { wide });
        loadFxsaveX87(state, operand, { wide });
        expect(visible(state)).toBe(visible(before));
      }),
      { seed: 2 },
    );
  });

  it('have registers in stack order, 16 bytes each', () => {
    executeX87(state, 0xd9, 0xe8, context);
    storeFxsaveX87(state, operand, { wide: true });
    expect(operand.getUint8(4)).toBe(0x80);
    expect(operand.getUint16(2, true)).toBe(7 << 11);
    expect(operand.getUint16(32 + 8, true)).toBe(0x3fff);
  });
});

describe('the initial configuration', () => {
  it('is left by any register and found again by XRSTOR', () => {
    resetX87ToInitial(state);
    expect(isX87Initial(state)).toBe(true);
    executeX87(state, 0xd9, 0xee, context);
    expect(isX87Initial(state)).toBe(false);
    resetX87ToInitial(state);
    expect(isX87Initial(state)).toBe(true);
  });
});

describe('MMX', () => {
  it('registers are the significands, by physical number', () => {
    executeX87(state, 0xd9, 0xeb, context); // fldpi into R7
    expect(readMmx(state, 7)).toBe(0xc90fdaa22168c235n);
    enterMmx(state);
    writeMmx(state, 2, 0x1122334455667788n);
    expect(state.top).toBe(0);
    expect(state.tag).toBe(0xff);
    expect(state.read(2)).toEqual({ signExponent: 0xffff, significand: 0x1122334455667788n });
    emms(state);
    expect(state.tag).toBe(0);
  });
});

it('the operand is no part of what a state view reads', () => {
  state.operand.setBigUint64(0, ~0n & 0xffffffffffffffffn);
  expect(state.operand.byteOffset).toBe(X87_OPERAND);
  expect(isX87Initial(state)).toBe(true);
});
