import { z } from 'zod';

/** What of a JSON Schema is looked at. The schemas are the project's own, made by zod. */
interface JsonSchema {
  type?: string | undefined;
  description?: string | undefined;
  default?: unknown;
  const?: unknown;
  enum?: unknown[] | undefined;
  required?: string[] | undefined;
  properties?: Record<string, JsonSchema> | undefined;
  items?: JsonSchema | undefined;
  additionalProperties?: JsonSchema | boolean | undefined;
  anyOf?: JsonSchema[] | undefined;
  allOf?: JsonSchema[] | undefined;
  pattern?: string | undefined;
  format?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  minItems?: number | undefined;
  maxItems?: number | undefined;
}

/** One field as people read about it. */
export interface Field {
  /** `spec.env.name`; `<key>` stands for the keys of a mapping that the repository chooses. */
  path: string;
  /** `string`, `integer`, `list of objects`, `map of strings`, … */
  type: string;
  description?: string;
  required: boolean;
  default?: unknown;
  /** The only values there are. */
  values?: unknown[];
  /** What else holds: a pattern, limits. */
  rules: string[];
}

/** A field with those right below it. */
export interface Explained extends Field {
  fields: Field[];
}

/** The fields of a schema, for `findField`. */
export function rootOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

/**
 * The field that a path names; lists are passed through to their items.
 * @returns the path as far as it exists, with the names there are, when it ends nowhere
 */
export function findField(
  root: JsonSchema,
  path: readonly string[],
): Explained | { missing: string; below: string; known: string[] } {
  let node = root;
  let required = true;
  const walked: string[] = [];
  for (const name of path) {
    const children = childrenOf(node);
    const child = children.find(one => one.name === name) ?? children.find(one => one.name === ANY_KEY);
    if (!child) return { missing: name, below: walked.join('.'), known: children.map(one => one.name) };
    walked.push(child.name);
    node = child.node;
    required = child.required;
  }
  const fields = childrenOf(node).map(child => describe(child.node, [...walked, child.name], child.required));
  return { ...describe(node, walked, required), fields };
}

const ANY_KEY = '<key>';

interface Child {
  name: string;
  node: JsonSchema;
  required: boolean;
}

function childrenOf(node: JsonSchema): Child[] {
  if (node.items) return childrenOf(node.items);
  const merged = new Map<string, Child>();
  for (const part of [...(node.anyOf ?? []), ...(node.allOf ?? [])]) {
    for (const child of childrenOf(part)) if (!merged.has(child.name)) merged.set(child.name, child);
  }
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    merged.set(name, { name, node: child, required: node.required?.includes(name) === true });
  }
  if (typeof node.additionalProperties === 'object' && !isAnything(node.additionalProperties)) {
    merged.set(ANY_KEY, { name: ANY_KEY, node: node.additionalProperties, required: false });
  }
  return [...merged.values()];
}

function describe(node: JsonSchema, path: readonly string[], required: boolean): Field {
  const { description, default: standard } = node;
  const values = node.enum ?? (node.const === undefined ? undefined : [node.const]);
  return {
    path: path.join('.'),
    type: typeOf(node),
    ...(description !== undefined && { description }),
    required: required && standard === undefined,
    ...(standard !== undefined && { default: standard }),
    ...(values && { values }),
    rules: rulesOf(node),
  };
}

function typeOf(node: JsonSchema): string {
  if (node.items) return `list of ${plural(typeOf(node.items))}`;
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  const { additionalProperties: values } = node;
  if (node.type === 'object' && typeof values === 'object') return `map of ${plural(typeOf(values))}`;
  return (
    node.type ??
    (node.properties ? 'object' : typeof (node.const ?? node.enum?.[0] ?? undefined)).replace('undefined', 'any')
  );
}

function plural(type: string): string {
  if (type === 'any') return 'anything';
  return /^(?:string|integer|number|boolean|object)$/.test(type) ? `${type}s` : type;
}

function isAnything(node: JsonSchema): boolean {
  return Object.keys(node).length === 0;
}

function rulesOf(node: JsonSchema): string[] {
  const { pattern, minLength, maxLength, minItems, maxItems } = node;
  const integers = Number.MAX_SAFE_INTEGER;
  const [minimum, maximum] = [node.minimum ?? -integers, node.maximum ?? integers];
  return [
    ...(minimum > -integers || maximum < integers ? [range(minimum, maximum, integers)] : []),
    ...(minLength !== undefined && minLength > 1 ? [`at least ${minLength} characters`] : []),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(minItems === undefined ? [] : [`at least ${minItems}`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems}`]),
    ...(pattern === undefined ? [] : [`matches ${pattern}`]),
  ];
}

function range(minimum: number, maximum: number, endless: number): string {
  if (maximum >= endless) return `at least ${minimum}`;
  return minimum <= -endless ? `at most ${maximum}` : `${minimum} to ${maximum}`;
}
