import { describe, expect, it } from 'vitest';
import { SET_2_MAKE, translate } from './ps2-scancodes.js';

/**
 * Set 1 as Linux's keycodes have it: its keycodes 1-88 are the set 1 make codes of an AT keyboard (input-event-codes.h), here by the
 * name of the key.
 */
const LINUX_KEYCODES = `
  Escape 1 Digit1 2 Digit2 3 Digit3 4 Digit4 5 Digit5 6 Digit6 7 Digit7 8 Digit8 9 Digit9 10 Digit0 11 Minus 12 Equal 13 Backspace 14
  Tab 15 KeyQ 16 KeyW 17 KeyE 18 KeyR 19 KeyT 20 KeyY 21 KeyU 22 KeyI 23 KeyO 24 KeyP 25 BracketLeft 26 BracketRight 27 Enter 28
  ControlLeft 29 KeyA 30 KeyS 31 KeyD 32 KeyF 33 KeyG 34 KeyH 35 KeyJ 36 KeyK 37 KeyL 38 Semicolon 39 Quote 40 Backquote 41
  ShiftLeft 42 Backslash 43 KeyZ 44 KeyX 45 KeyC 46 KeyV 47 KeyB 48 KeyN 49 KeyM 50 Comma 51 Period 52 Slash 53 ShiftRight 54
  NumpadMultiply 55 AltLeft 56 Space 57 CapsLock 58 F1 59 F2 60 F3 61 F4 62 F5 63 F6 64 F7 65 F8 66 F9 67 F10 68 NumLock 69
  ScrollLock 70 Numpad7 71 Numpad8 72 Numpad9 73 NumpadSubtract 74 Numpad4 75 Numpad5 76 Numpad6 77 NumpadAdd 78 Numpad1 79
  Numpad2 80 Numpad3 81 Numpad0 82 NumpadDecimal 83 IntlBackslash 86 F11 87 F12 88`;

describe('scan codes', () => {
  it('of the main keys translate to Linux’s keycodes', () => {
    const pairs = [...LINUX_KEYCODES.matchAll(/(\w+) (\d+)/g)];
    expect(pairs).toHaveLength(86);
    for (const [, key, keycode] of pairs) expect(translate(SET_2_MAKE.get(key)!), key).toBe(Number(keycode));
  });

  it('are unambiguous', () => {
    expect(new Set(SET_2_MAKE.values()).size).toBe(SET_2_MAKE.size);
    const translated = [...SET_2_MAKE.values()].map((code) => (code & 0xff00) | translate(code & 0xff));
    expect(new Set(translated).size).toBe(SET_2_MAKE.size);
  });

  it('translate to a set 1 make code each, and leave replies alone', () => {
    for (const code of SET_2_MAKE.values()) expect(translate(code & 0xff)).toBeLessThan(0x80);
    for (const reply of [0xfa, 0xfe, 0xaa, 0xab, 0xee, 0xe0, 0xe1]) expect(translate(reply)).toBe(reply);
  });
});
