import { expect, it } from 'vitest';
import { closest } from './closest.ts';

it.each([
  ['serv', ['srv', 'servers', 'server'], 'server'],
  ['SERVER', ['srv', 'server'], 'server'],
  ['servre', ['srv', 'server'], 'server'],
  ['sr', ['srv', 'server'], 'srv'],
  ['kubernetes', ['server'], undefined],
  ['x'.repeat(65), ['x'.repeat(66)], undefined],
])('of what could be meant by %s', (name, candidates, meant) => {
  expect(closest(name, candidates)).toBe(meant);
});
