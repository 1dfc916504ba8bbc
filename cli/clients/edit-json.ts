import { createScanner, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';

/** jsonc-parser's `SyntaxKind.CommaToken`; the enum itself is erased with its types. */
const COMMA = 5;

/**
 * Set a member of an object in JSON text: its value is replaced, or it is added as the last one. No character of
 * anything else changes, except for the comma that may be needed before it.
 * @param text a JSON object, with comments and trailing commas as they may be
 * @param path the object's own path; it is made when only its last part is missing
 */
export function setMember(text: string, path: readonly string[], key: string, value: unknown): string {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const holder = tree && findNodeAtLocation(tree, [...path]);
  if (!tree || !holder) {
    const last = path.at(-1);
    if (last === undefined) return text;
    return setMember(text, path.slice(0, -1), last, { [key]: value });
  }
  const existing = findNodeAtLocation(holder, [key]);
  const indentation = indentationOf(text);
  if (existing) {
    const printed = print(value, indentation, lineIndent(text, existing.offset), lineEnd(text));
    return text.slice(0, existing.offset) + printed + text.slice(existing.offset + existing.length);
  }
  return append(text, holder, `${JSON.stringify(key)}: `, value);
}

/** Add an item at the end of a list, which has to be there. */
export function addItem(text: string, path: readonly string[], value: unknown): string {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const list = tree && findNodeAtLocation(tree, [...path]);
  return list ? append(text, list, '', value) : text;
}

/** @param holder an object or a list; @param head what stands before the value */
function append(text: string, holder: Node, head: string, value: unknown): string {
  const close = holder.offset + holder.length - 1;
  const last = holder.children?.at(-1);
  const inside = text.slice(holder.offset + 1, close);
  const indentation = indentationOf(text);
  const eol = lineEnd(text);
  if (last && !inside.includes('\n')) {
    const end = last.offset + last.length;
    return `${text.slice(0, end)}, ${head}${JSON.stringify(value)}${text.slice(end)}`;
  }
  const outer = lineIndent(text, holder.offset);
  const inner = last ? lineIndent(text, last.offset) : outer + indentation;
  const printed = `${eol}${inner}${head}${print(value, indentation, inner, eol)}`;
  // Comments after the last member stay with it.
  const kept = inside.trimEnd();
  const after = inside.includes('\n') ? inside.slice(kept.length) : eol + outer;
  if (!last) return `${text.slice(0, holder.offset + 1)}${kept}${printed}${after}${text.slice(close)}`;
  const end = last.offset + last.length;
  const hasComma = commaOffset(text, end) !== undefined;
  const between = text.slice(end, holder.offset + 1 + kept.length);
  return `${text.slice(0, end)}${hasComma ? '' : ','}${between}${printed}${hasComma ? ',' : ''}${after}${text.slice(close)}`;
}

/** One level of indentation, as the text has it. */
function indentationOf(text: string): string {
  return /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
}

function lineIndent(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? '';
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function print(value: unknown, indentation: string, outer: string, eol: string): string {
  return JSON.stringify(value, undefined, indentation).replaceAll('\n', `${eol}${outer}`);
}

/** Take a member out of an object in JSON text, with its comma and the line it stands on. */
export function removeMember(text: string, path: readonly string[], key: string): string {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const holder = tree && findNodeAtLocation(tree, [...path]);
  const members = holder?.children ?? [];
  const index = members.findIndex(({ children }) => children?.[0]?.value === key);
  const member = members[index];
  if (!holder || !member) return text;
  const before = members[index - 1];
  const end = member.offset + member.length;
  const lead = /(?:\r?\n)?[ \t]*$/.exec(text.slice(0, member.offset))?.[0].length ?? 0;
  const start = member.offset - lead;
  const comma = commaOffset(text, end);
  if (comma !== undefined) return text.slice(0, start) + text.slice(end, comma) + text.slice(comma + 1);
  const former = before && commaOffset(text, before.offset + before.length);
  if (former === undefined) return text.slice(0, start) + text.slice(end);
  return text.slice(0, former) + text.slice(former + 1, start) + text.slice(end);
}

/** Take a member of the outermost object out when it is an object with nothing in it, not even a comment. */
export function removeEmpty(text: string, key: string): string {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const node = tree && findNodeAtLocation(tree, [key]);
  const isEmpty = node && /^\{\s*\}$/.test(text.slice(node.offset, node.offset + node.length));
  return isEmpty ? removeMember(text, [], key) : text;
}

function commaOffset(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  return Number(scanner.scan()) === COMMA ? scanner.getTokenOffset() : undefined;
}
