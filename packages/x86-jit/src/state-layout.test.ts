import { expect, it } from 'vitest';
import { State } from './state-layout.js';

it('no two fields of the state block lie at the same place', () => {
  const fields = Object.entries(State).filter(([name]) => name !== 'size');
  const places = fields.map(([, offset]) => offset);
  expect(places.filter((offset, k) => places.indexOf(offset) !== k)).toEqual([]);
});
