import { matchesPath } from './path-pattern.ts';

/** Where CODEOWNERS may stand; the first one found counts. */
export const codeownersPaths = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'] as const;

/** One line: who owns what matches. */
export interface CodeownersRule {
  pattern: string;
  /** As written: `@name`, `@organisation/team`, or an email address. Empty: nobody owns it. */
  owners: readonly string[];
}

const MAX_RULES = 10_000;

/** Take a CODEOWNERS file apart. A line whose pattern uses what CODEOWNERS does not have (`!`, `[`, `\`) is passed over. */
export function parseCodeowners(text: string): CodeownersRule[] {
  return text
    .split(/\r?\n/)
    .slice(0, MAX_RULES)
    .flatMap(line => {
      const [pattern, ...owners] = line
        .replace(/(?:^|\s)#.*$/, '')
        .trim()
        .split(/\s+/);
      if (pattern === undefined || pattern === '' || /[![\]\\]/.test(pattern)) return [];
      return [{ pattern, owners }];
    });
}

/** The rule that decides about a path: the last that matches. */
export function ownersOf(rules: readonly CodeownersRule[], path: string): CodeownersRule | undefined {
  return rules.findLast(({ pattern }) => matchesPath(pattern, path));
}
