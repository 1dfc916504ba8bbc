import type { LabelSelector } from './kinds/selector.ts';

/** Whether a resource's labels are what a selector asks for. */
export function selects(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  if (Object.entries(matchLabels).some(([key, value]) => !has(key) || labels[key] !== value)) return false;
  return matchExpressions.every(({ key, operator, values }) => {
    if (operator === 'Exists') return has(key);
    if (operator === 'DoesNotExist') return !has(key);
    const among = has(key) && values.includes(labels[key] ?? '');
    return operator === 'In' ? among : !among;
  });
}
