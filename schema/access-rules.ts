import { type Located, problemAt } from './issues.ts';
import { findKind } from './kind-table.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';

type Written = Readonly<Record<string, unknown>>;

/** Each environment once. */
export function checkEnvironments({ environments }: Written, located: Located): Problem[] {
  return twice(environments, String, ['spec', 'environments'], located);
}

/** Exactly one kind of place. */
export function checkBackend(spec: Written, located: Located): Problem[] {
  const [first, ...others] = ['vault', 'kubernetes'].filter(field => Object.hasOwn(spec, field));
  const hint = 'Keep one of `vault` and `kubernetes`.';
  if (first === undefined)
    return [problemAt(located, ['spec'], '`spec` needs exactly one of `vault` and `kubernetes`', hint)];
  return others.map(other =>
    problemAt(located, ['spec', other], `\`spec.${other}\` cannot stand beside \`spec.${first}\``, hint),
  );
}

/** Each member of a group once. */
export function checkMembers({ members }: Written, located: Located): Problem[] {
  return twice(members, subjectName, ['spec', 'members'], located);
}

/** Each subject of a binding once, and only kinds that there are. */
export function checkRoleBinding({ subjects, resources }: Written, located: Located): Problem[] {
  const problems = twice(subjects, subjectName, ['spec', 'subjects'], located);
  for (const [index, item] of Array.isArray(resources) ? resources.entries() : []) {
    const kind: unknown = item?.kind;
    if (typeof kind !== 'string' || findKind(kind)?.kind === kind) continue;
    const meant = findKind(kind)?.kind;
    const hint = meant === undefined ? 'See `mcpctl explain`.' : `Write \`${meant}\`.`;
    problems.push(problemAt(located, ['spec', 'resources', index, 'kind'], `there is no kind ${quoted(kind)}`, hint));
  }
  return problems;
}

function subjectName(item: unknown): string {
  const { kind, name }: Written = { ...Object(item) };
  return `${String(kind)} ${String(name)}`;
}

function twice(
  list: unknown,
  nameOf: (item: unknown) => string,
  path: readonly PropertyKey[],
  located: Located,
): Problem[] {
  if (!Array.isArray(list)) return [];
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const name = nameOf(item);
    const again = seen.has(name);
    seen.add(name);
    return again ? [problemAt(located, [...path, index], `${quoted(name)} stands here twice`)] : [];
  });
}
