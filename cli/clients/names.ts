/** The longest name of a Server; 63 is a DNS label's. */
const MAX_SERVER_NAME = 24;

/**
 * A client's name for a server as a Server's name: lower-case letters, digits and `-`, at most 24 characters; numbered
 * when it is taken.
 */
export function serverName(text: string, taken: ReadonlySet<string>): string {
  // `uiTesting` is two words, `GitHub` is one.
  const base = label(/^[a-z]/.test(text) ? text.replace(/([a-z0-9])([A-Z])/g, '$1-$2') : text) || 'server';
  const short = label(base.slice(0, MAX_SERVER_NAME));
  if (!taken.has(short)) return short;
  for (let number = 2; ; number++) {
    const suffix = `-${number}`;
    const numbered = `${label(base.slice(0, MAX_SERVER_NAME - suffix.length))}${suffix}`;
    if (!taken.has(numbered)) return numbered;
  }
}

/** Gives each secret a variable of its own. */
export type VariableNames = (origin: string, ...parts: string[]) => string;

/**
 * @returns names a variable `MCPCTL_SECRET_<PARTS>`: the same one for the same origin, never one for two origins
 */
export function createVariableNames(): VariableNames {
  const given = new Map<string, string>();
  return (origin, ...parts) => {
    const known = given.get(origin);
    if (known !== undefined) return known;
    const words = parts.map(upper);
    // `GITHUB_TOKEN` of `github` says it already.
    const [server = '', name] = words;
    const short = name?.startsWith(`${server}_`) ? [name] : words;
    const base = `MCPCTL_SECRET_${short.filter(Boolean).join('_')}`;
    let unique = base;
    for (let number = 2; [...given.values()].includes(unique); number++) unique = `${base}_${number}`;
    given.set(origin, unique);
    return unique;
  };
}

function upper(text: string): string {
  return text
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

function label(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
