import type { Linking } from './link-rules.ts';
import { compareText } from './problem.ts';
import type { AnyResource, Reference } from './resource.ts';

/** Servers that wait for each other in a circle would wait for ever. */
export function dependenciesEnd(linking: Linking): void {
  reportCycles(linking, 'Server', 'waits for itself');
}

/** Groups that contain each other in a circle have no members that could be told. */
export function groupsEnd(linking: Linking): void {
  reportCycles(linking, 'Group', 'contains itself');
}

/** More resources than this are not told, so that the time stays bounded. */
const MAX_TOLD = 100;
const MAX_NAMED = 24;

/** Each resource on a circle is told the whole of it, beginning with itself. */
function reportCycles({ catalog, report }: Linking, kind: 'Server' | 'Group', what: string): void {
  const next = new Map<string, readonly Reference[]>();
  const resources = new Map<string, AnyResource>();
  for (const resource of catalog.list(kind) as readonly AnyResource[]) {
    const leads = resource.references.filter(reference => reference.kind === kind);
    // What leads nowhere is on no circle.
    if (leads.length === 0) continue;
    resources.set(resource.name, resource);
    next.set(resource.name, leads);
  }
  const among = withoutEnds(next);
  for (const name of [...among].sort(compareText).slice(0, MAX_TOLD)) {
    const circle = shortestCircle(name, among, next);
    const resource = resources.get(name);
    if (!circle || !resource) continue;
    const at = next.get(name)?.find(reference => reference.name === circle[1]);
    const rest = circle.length > MAX_NAMED ? [`… ${circle.length - MAX_NAMED} more`] : [];
    const shown = [...circle.slice(0, MAX_NAMED), ...rest].join(' → ');
    report('DEPENDENCY_CYCLE', resource, `\`${name}\` ${what}: ${shown}`, { ...(at && { at }) });
  }
}

/** What is left when, again and again, whatever leads nowhere is taken away: every circle, and what leads to one. */
function withoutEnds(next: ReadonlyMap<string, readonly Reference[]>): Set<string> {
  const leads = new Map(
    [...next].map(([name, references]) => [name, references.filter(to => next.has(to.name)).length]),
  );
  const cameFrom = new Map<string, string[]>();
  for (const [name, references] of next) {
    for (const to of references) {
      const before = cameFrom.get(to.name);
      if (before) before.push(name);
      else cameFrom.set(to.name, [name]);
    }
  }
  const ends = [...leads].flatMap(([name, count]) => (count === 0 ? [name] : []));
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    leads.delete(end);
    for (const name of cameFrom.get(end) ?? []) {
      const left = (leads.get(name) ?? 0) - 1;
      leads.set(name, left);
      if (left === 0) ends.push(name);
    }
  }
  return new Set(leads.keys());
}

/** The shortest way from a name back to itself, both ends included. */
function shortestCircle(
  start: string,
  among: ReadonlySet<string>,
  next: ReadonlyMap<string, readonly Reference[]>,
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const { name: to } of next.get(name) ?? []) {
      if (to === start) {
        const way = [start];
        for (let at = name; at !== start; at = cameFrom.get(at) ?? start) way.unshift(at);
        return [start, ...way];
      }
      if (!among.has(to) || cameFrom.has(to)) continue;
      cameFrom.set(to, name);
      queue.push(to);
    }
  }
  return undefined;
}
