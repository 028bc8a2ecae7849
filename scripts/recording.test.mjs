import { describe, expect, it } from 'vitest';
import { draw, plain } from './recording.mjs';

describe('recording', () => {
  it('takes colours and cursor movements out', () => expect(plain('\x1b[32mok\x1b[0m \x1b[6n\x1b]0;title\x07done\x07')).toBe('ok done'));

  it('shows every line at its time, and escapes what XML would take', () => {
    const svg = draw([
      { text: '$ pckit boot', at: 0 },
      { text: 'a < b & c', at: 1.5 },
    ]);
    expect(svg).toContain('<text y="32" style="animation-delay:1.50s">a &lt; b &amp; c</text>');
  });

  it('scrolls to the last line', () => {
    const svg = draw(Array.from({ length: 40 }, (_, at) => ({ text: `line ${at}`, at })));
    expect(svg).toContain('100% { transform: translateY(-160px) }');
  });

  it('breaks lines that are wider than the screen', () => {
    const svg = draw([{ text: 'x'.repeat(150), at: 0 }]);
    expect(svg.match(/<text /g)).toHaveLength(2);
  });
});
