/**
 * Whether a path matches a pattern of CODEOWNERS: one without a `/` (but at its end) matches at any depth, others from
 * the root; a folder's pattern matches all that is below it; `*` and `?` stay within one part, `**` spans parts; `dir/*`
 * means only what lies directly in `dir`.
 * Takes time proportional to the product of both lengths, whatever the pattern: policies are only partly trusted.
 * @param path `/`-separated, relative to the root
 * @see https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
 */
export function matchesPath(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = segments(pattern);
  if (wanted.length === 0) return false;
  const depths = matchingDepths(wanted, parts);
  if (depths.has(parts.length)) return !pattern.endsWith('/');
  // What lies below a folder that matches.
  return wanted.at(-1) !== '*' && depths.size > 0;
}

/** The pattern's parts, from the root: a `**` in front of what may stand anywhere. */
function segments(pattern: string): string[] {
  const plain = pattern.replace(/^\/+/, '').replace(/\/+$/, '');
  if (plain === '') return [];
  const anchored = pattern.startsWith('/') || plain.includes('/');
  return [...(anchored ? [] : ['**']), ...plain.split(/\/+/)];
}

/** How many of the path's first parts the whole pattern can stand for: 1 up to all of them. */
function matchingDepths(wanted: readonly string[], parts: readonly string[]): Set<number> {
  let reached = new Set([0]);
  for (const segment of wanted) {
    const next = new Set<number>();
    if (segment === '**') {
      const first = Math.min(...reached);
      for (let depth = first; depth <= parts.length; depth++) next.add(depth);
    } else {
      for (const depth of reached) {
        const part = parts[depth];
        if (part !== undefined && matchesPart(segment, part)) next.add(depth + 1);
      }
    }
    if (next.size === 0) return next;
    reached = next;
  }
  reached.delete(0);
  return reached;
}

/** `*` any characters, `?` one; the place to go back to is only ever the last `*`. */
function matchesPart(segment: string, part: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < part.length) {
    if (segment[at] === '*') {
      star = at++;
      resume = index;
    } else if (at < segment.length && (segment[at] === '?' || segment[at] === part[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else return false;
  }
  while (segment[at] === '*') at++;
  return at === segment.length;
}
