import { expect, it } from 'vitest';
import { quantity } from './quantity.ts';

it.each([
  ['2', 2],
  ['500m', 0.5],
  ['1.5', 1.5],
  ['64k', 64_000],
  ['256Mi', 268_435_456],
  ['1Gi', 1_073_741_824],
])('%s is %d', (text, expected) => expect(quantity(text)).toBe(expected));
