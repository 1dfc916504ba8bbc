import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar, type YAMLMap } from 'yaml';
import { plainValue } from './plain-scalar.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { quoted } from './quote.ts';

export interface NodeValues {
  value: unknown;
  problems: Problem[];
  /** Each alias with the node it stands for. */
  aliases: ReadonlyMap<ParsedNode, ParsedNode>;
}

type Report = (code: ProblemCode, offset: number, message: string, hint?: string) => Problem;

/** Values that a document may come to when its aliases are written out. */
const MAX_EXPANDED = 50_000;
/** A file with more problems than this is rubbish; showing more helps nobody. */
const MAX_PROBLEMS = 100;

const plainTags = new Set(['!', 'tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq']);

interface Anchored {
  node: ParsedNode;
  value: unknown;
  /** How many values it comes to. */
  size: number;
}

interface Walk {
  report: Report;
  problems: Problem[];
  anchors: Map<string, Anchored>;
  aliases: Map<ParsedNode, ParsedNode>;
  /** Values read so far, with aliases written out. */
  size: number;
}

/**
 * Turn composed YAML nodes into plain data. An anchor is known to aliases only after its own node, so nothing can
 * contain itself; aliases share one value, and are counted as if they did not.
 */
export function readNodes(root: ParsedNode | null, report: Report): NodeValues {
  const walk: Walk = { report, problems: [], anchors: new Map(), aliases: new Map(), size: 0 };
  const value = readNode(walk, root);
  const { problems, aliases } = walk;
  if (walk.size > MAX_EXPANDED) {
    // Reading stopped in the middle, so whatever else was found says little.
    const limit = report('YAML_LIMIT', 0, `the document comes to more than ${MAX_EXPANDED} values`);
    return { value: null, problems: [limit], aliases };
  }
  return { value, problems, aliases };
}

function readNode(walk: Walk, node: ParsedNode | null): unknown {
  walk.size++;
  if (!node || walk.size > MAX_EXPANDED) return null;
  if (isAlias(node)) return readAlias(walk, node);
  const before = walk.size;
  const value = readContent(walk, node);
  if (node.tag !== undefined && !plainTags.has(node.tag)) {
    refuse(walk, 'YAML_UNSUPPORTED', node.range[0], `the tag ${quoted(node.tag)} is not supported`, 'Remove the tag.');
  }
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, { node, value, size: walk.size - before + 1 });
  return value;
}

function readContent(walk: Walk, node: ParsedNode): unknown {
  if (isScalar(node)) return readScalar(walk, node as Scalar.Parsed);
  if (isSeq<ParsedNode>(node)) return node.items.map(item => readNode(walk, item));
  return isMap(node) ? readMap(walk, node as YAMLMap<ParsedNode, ParsedNode | null>) : null;
}

function readScalar(walk: Walk, node: Scalar.Parsed): unknown {
  if (node.type !== 'PLAIN' || node.tag !== undefined) return node.value;
  const plain = plainValue(node.source);
  if ('value' in plain) return plain.value;
  // The number itself is not quoted: it may be a password.
  refuse(walk, 'FIELD_INVALID', node.range[0], `the number ${plain.refused}`, 'Quote it if it is text.');
  return null;
}

function readMap(walk: Walk, map: YAMLMap<ParsedNode, ParsedNode | null>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const { key: keyNode, value } of map.items) {
    const key = readKey(walk, keyNode);
    const member = readNode(walk, value);
    if (key === undefined) continue;
    if (seen.has(key)) {
      refuse(walk, 'YAML_DUPLICATE_KEY', keyNode.range[0], `the key ${quoted(key)} stands here a second time`);
      continue;
    }
    seen.add(key);
    result[key] = member;
  }
  return result;
}

/** A mapping's key, when it is text that may be one. */
function readKey(walk: Walk, node: ParsedNode): string | undefined {
  const offset = node.range[0];
  const key = isScalar(node) ? readNode(walk, node) : undefined;
  if (typeof key !== 'string') {
    refuse(walk, 'YAML_UNSUPPORTED', offset, 'a key must be text', 'Quote the key.');
    return undefined;
  }
  if (key === '<<') {
    refuse(walk, 'YAML_UNSUPPORTED', offset, 'merge keys are not supported', 'Write the fields out.');
    return undefined;
  }
  if (key === '__proto__') {
    refuse(walk, 'FIELD_UNKNOWN', offset, '`__proto__` is never a field');
    return undefined;
  }
  return key;
}

function readAlias(walk: Walk, node: ParsedNode & { source: string }): unknown {
  const anchored = walk.anchors.get(node.source);
  if (!anchored) {
    const message = `the alias ${quoted(`*${node.source}`)} has no anchor before it`;
    refuse(walk, 'YAML_SYNTAX', node.range[0], message, 'Quote the value if it is text that begins with `*`.');
    return null;
  }
  walk.size += anchored.size;
  walk.aliases.set(node, anchored.node);
  return anchored.value;
}

function refuse(walk: Walk, code: ProblemCode, offset: number, message: string, hint?: string): void {
  if (walk.problems.length < MAX_PROBLEMS) walk.problems.push(walk.report(code, offset, message, hint));
}
