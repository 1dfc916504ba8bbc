import type { AnsweredBundle, BundlePlace } from './wire/bundle.ts';

export type { AnsweredBundle, BundlePlace };

/** See `askBundle` in `wire/bundle.ts`; loaded when there is a gateway to be asked. */
export async function askBundle(place: BundlePlace, signal: AbortSignal, always = false): Promise<AnsweredBundle> {
  const { askBundle: ask } = await import('./wire/bundle.ts');
  return ask(place, signal, always);
}
