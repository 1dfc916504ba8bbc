/** Only what a GraphQL query asks for of an answer; a field that is not there is an error, as GitHub has it. */
export function project(query: string, value: object): { data: unknown } | { error: string } {
  const tokens: readonly string[] = query.match(/"[^"]*"|[A-Za-z_$!][\w$!]*|[{}()[\]:,]|\d+/g) ?? [];
  let at = tokens.indexOf('{', skipParentheses(tokens, 0));
  try {
    return { data: selection(value) };
  } catch (error) {
    return { error: (error as Error).message };
  }

  function selection(of: unknown): unknown {
    const start = at;
    if (Array.isArray(of)) {
      const items = of.map(one => {
        at = start;
        return selection(one);
      });
      at = endOf(start);
      return items;
    }
    if (of === null) {
      at = endOf(start);
      return null;
    }
    const result: Record<string, unknown> = {};
    for (at = start + 1; tokens[at] !== '}'; ) {
      const name = tokens[at] ?? '';
      const node = of as Record<string, unknown>;
      if (!(name in node)) throw new Error(`Field '${name}' doesn't exist`);
      at = skipParentheses(tokens, at + 1);
      result[name] = tokens[at] === '{' ? selection(node[name]) : node[name];
    }
    at++;
    return result;
  }

  function endOf(open: number): number {
    let depth = 0;
    for (let index = open; index < tokens.length; index++) {
      if (tokens[index] === '{') depth++;
      if (tokens[index] === '}' && --depth === 0) return index + 1;
    }
    throw new Error('Expected }');
  }
}

/** Where it goes on behind arguments, if there are any; before the first `{` there may be a name. */
function skipParentheses(tokens: readonly string[], from: number): number {
  let at = from;
  if (at === 0) while (at < tokens.length && tokens[at] !== '(' && tokens[at] !== '{') at++;
  if (tokens[at] !== '(') return at;
  let depth = 0;
  for (; at < tokens.length; at++) {
    if (tokens[at] === '(') depth++;
    if (tokens[at] === ')' && --depth === 0) return at + 1;
  }
  return at;
}
