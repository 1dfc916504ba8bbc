/** What a parameter comes to, a secret's reference among it. */
export type ParameterValue = string | number | boolean | { name: string; key: string } | typeof ABSENT;

/** An optional parameter without a value: empty text; a list's entry that is nothing else falls away. */
export const ABSENT = Symbol('absent');

/** `${name}`; `$${` is the text `${`. */
const placeholder = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}/g;

/** The parameters that a piece of text uses. */
export function placeholders(text: string): string[] {
  return [...text.matchAll(placeholder)].flatMap(([, , name]) => name ?? []);
}

/**
 * Replace every `${name}` in JSON-like data. Text that is nothing else becomes the value itself, with its type; within
 * other text, the value as text. An entry of a list, or a member, that comes to nothing is left out.
 */
export function substitute(value: unknown, values: ReadonlyMap<string, ParameterValue>): unknown {
  const result = replaced(value, values);
  return result === ABSENT ? undefined : result;
}

/** Fields of a Server that hold text, whatever the type of the parameter that stands there. */
const textFields = new Set(['args', 'command', 'value']);

function replaced(value: unknown, values: ReadonlyMap<string, ParameterValue>, text = false): unknown {
  if (typeof value === 'string') {
    const result = replacedText(value, values);
    return text && (typeof result === 'number' || typeof result === 'boolean') ? String(result) : result;
  }
  if (Array.isArray(value)) return value.map(item => replaced(item, values, text)).filter(item => item !== ABSENT);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => {
    return [key, replaced(member, values, textFields.has(key))] as const;
  });
  const given = members.filter(([, member]) => member !== ABSENT);
  // A secret that is not given takes the variable with it that it would have been the value of.
  const lost = members.length > given.length && ('secretRef' in value || 'valueFrom' in value);
  return lost ? ABSENT : Object.fromEntries(given);
}

function replacedText(text: string, values: ReadonlyMap<string, ParameterValue>): unknown {
  const [only] = /^\$\{[^}]+\}$/.test(text) ? placeholders(text) : [];
  if (only !== undefined && values.has(only)) return values.get(only);
  return text.replace(placeholder, (_match, escaped: string | undefined, name: string) => {
    if (escaped !== undefined) return escaped;
    const value = values.get(name);
    if (value === undefined || value === ABSENT) return '';
    return typeof value === 'object' ? `${value.name}/${value.key}` : String(value);
  });
}
