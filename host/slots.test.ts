import { expect, it } from 'vitest';
import { createSlots } from './slots.ts';

it('lets so many in at a time, in order, and skips those who gave up', async () => {
  const slots = createSlots(1);
  const entered: string[] = [];
  const first = await slots.take();
  const gaveUp = new AbortController();
  const second = slots.take(gaveUp.signal).then(release => entered.push(release ? 'second' : 'second gave up'));
  const third = slots.take().then(release => {
    entered.push('third');
    return release;
  });
  gaveUp.abort();
  await second;
  expect(entered).toEqual(['second gave up']);
  first?.();
  first?.();
  (await third)?.();
  const fourth = await slots.take();
  let fifthIn = false;
  const fifth = slots.take().then(() => {
    fifthIn = true;
  });
  await new Promise(resolve => setImmediate(resolve));
  expect(fifthIn).toBe(false);
  fourth?.();
  await fifth;
  expect(entered).toEqual(['second gave up', 'third']);
});
