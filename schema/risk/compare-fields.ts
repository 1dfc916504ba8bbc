import { visibleLine } from '../hidden-text.ts';
import { isMapping } from '../mapping.ts';
import type { RiskField } from './fields.ts';
import type { Pair, Risk } from './risk.ts';
import { memberAt, type Said } from './said.ts';

/** What is left of a risk when its place is known. */
export type Finding = Pick<Risk, 'category' | 'op' | 'what' | 'before' | 'after'>;

const LONGEST = 160;
const MAX_DEPTH = 200;

/** Which of the weighty fields of a document are new, changed or gone. */
export function compareFields(fields: readonly RiskField[], before: Said, after: Said): Finding[] {
  return fields.flatMap(field => {
    const pair = { before: memberAt(before, field.path), after: memberAt(after, field.path) };
    if (same(pair)) return [];
    const where = field.path.join('.');
    if (field.by === 'key') return byKey(field, where, pair);
    if (field.by === 'name') return byName(field, where, pair);
    return [finding(field.category, where, pair)];
  });
}

/** A finding about something on both sides, as short text. */
export function finding(category: Risk['category'], what: string, { before, after }: Pair): Finding {
  const op = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return {
    category,
    op,
    what: visibleLine(what),
    ...(before !== undefined && { before: shown(before) }),
    ...(after !== undefined && { after: shown(after) }),
  };
}

export function same({ before, after }: Pair): boolean {
  if (before === after) return true;
  if (typeof before === 'string' && typeof after === 'string') return false;
  return isEqual(before, after);
}

/** Values of YAML and JSON, of which mappings are in no order; null is as if it were not there. */
function isEqual(before: unknown, after: unknown, depth = 0): boolean {
  if (before === after || Object.is(before, after) || (before ?? after ?? null) === null) return true;
  // Nobody writes so much in each other; as if it were not the same.
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(before)) {
    if (!Array.isArray(after) || before.length !== after.length) return false;
    return before.every((item, index) => isEqual(item, after[index], depth + 1));
  }
  if (!isMapping(before) || !isMapping(after)) return false;
  const keys = Object.keys(before);
  if (keys.length !== Object.keys(after).length) return false;
  return keys.every(key => Object.hasOwn(after, key) && isEqual(before[key], after[key], depth + 1));
}

function byKey({ category }: RiskField, where: string, pair: Pair): Finding[] {
  const [before, after] = [pair.before, pair.after].map(value => (isMapping(value) ? value : {}));
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  const members = keys.map(key => [key, { before: before?.[key], after: after?.[key] }] as const);
  return members.flatMap(([key, member]) => (same(member) ? [] : [finding(category, `${where}.${key}`, member)]));
}

/** `env` and `headers`: what takes its value from a secret is one thing, what has it here another. */
function byName(field: RiskField, where: string, pair: Pair): Finding[] {
  const [before, after] = [named(pair.before), named(pair.after)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap(name => {
    const member = { before: before.get(name), after: after.get(name) };
    if (same(member)) return [];
    const secret = isSecret(member.before) || isSecret(member.after);
    const values = { before: valueIn(member.before), after: valueIn(member.after) };
    return [finding(secret ? 'secret' : field.category, `${where} ${name}`, values)];
  });
}

function named(list: unknown): Map<string, unknown> {
  const entries = Array.isArray(list) ? list : [];
  return new Map(entries.flatMap(entry => (isMapping(entry) ? [[String(entry.name), entry] as const] : [])));
}

function isSecret(entry: unknown): boolean {
  return isMapping(entry) && entry.valueFrom !== undefined;
}

function valueIn(entry: unknown): unknown {
  if (!isMapping(entry)) return entry;
  const reference = isMapping(entry.valueFrom) ? entry.valueFrom.secretRef : undefined;
  if (isMapping(reference)) return `secret ${String(reference.name)}/${String(reference.key)}`;
  return entry.value ?? '';
}

function shown(value: unknown): string {
  const text = visibleLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
