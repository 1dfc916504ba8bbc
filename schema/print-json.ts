/** Longest line. */
const WIDTH = 120;

/** JSON as the project's formatter leaves it: mappings over several lines, lists of plain values on one if they fit. */
export function printJson(value: unknown, indent = '', before = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const plain = value.every(item => typeof item !== 'object' || item === null);
    const line = `[${value.map(item => JSON.stringify(item)).join(', ')}]`;
    if (plain && indent.length + before + line.length < WIDTH) return line;
    return `[\n${value.map(item => inner + printJson(item, inner)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value).map(([key, member]) => {
    const name = `${JSON.stringify(key)}: `;
    return `${inner}${name}${printJson(member, inner, name.length)}`;
  });
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}
