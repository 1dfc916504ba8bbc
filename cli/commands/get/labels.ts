import { ProblemError, problem } from '../../../schema/index.ts';

/** Whether labels are what a selector asks for. */
export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const KEY = '(?:[a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const TERM = new RegExp(`^(?<not>!)?(?<key>${KEY})(?:(?<operator>==?|!=)(?<value>[A-Za-z0-9._-]*))?$`);

/**
 * Understand a label selector as kubectl has them: `team=platform,tier!=test,owned,!old`; all terms must hold.
 * @throws ProblemError USAGE
 */
export function parseSelector(text: string): LabelTest {
  const tests = text.split(',').map(term => parseTerm(term.trim()));
  return labels => tests.every(test => test(labels));
}

function parseTerm(term: string): LabelTest {
  const { not, key, operator, value } = TERM.exec(term)?.groups ?? {};
  if (key === undefined || (not !== undefined && operator !== undefined)) {
    const hint = "Write `-l team=platform`, `-l tier!=test`, `-l owned` or `-l '!old'`; commas mean “and”.";
    throw new ProblemError(problem('USAGE', `\`${term}\` is not a label selector`, { hint }));
  }
  const has: LabelTest = labels => Object.hasOwn(labels, key);
  if (operator === undefined) return not === undefined ? has : labels => !has(labels);
  const equals: LabelTest = labels => has(labels) && labels[key] === value;
  return operator === '!=' ? labels => !equals(labels) : equals;
}
