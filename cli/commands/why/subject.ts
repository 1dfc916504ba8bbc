import { closest, kindTable, ProblemError, problem } from '../../../schema/index.ts';
import type { Declared, Loaded } from '../../load-catalog.ts';
import { findNamed } from '../get/select.ts';

/** What somebody asks after: a declared thing, or a tool (or prompt) of a server. */
export interface Subject {
  /** The resource it is about; undefined when nothing of that name is declared. */
  declared: Declared | undefined;
  /** The tool’s name within its server, when a tool is meant. */
  tool?: string;
  /** As it was typed. */
  name: string;
  /** Names that may have been meant. */
  near?: string;
}

/** Kinds that clients see, before those that they do not. */
const order = ['Server', 'Prompt', 'Skill', 'Project'];

/**
 * Understand a name: `KIND/NAME`, `SERVER__TOOL`, or the bare name of anything.
 * @throws ProblemError USAGE; RESOURCE_NOT_FOUND for `KIND/NAME` that is not there
 */
export function subjectOf(loaded: Loaded, name: string, where: { project?: string }): Subject {
  if (name.includes('/')) {
    const found = findNamed(loaded, name, undefined, scopeFor(name, where));
    if ('code' in found) throw new ProblemError(found);
    return { declared: found, name };
  }
  const at = name.indexOf('__');
  if (at > 0) {
    const server = loaded.declared.find(({ id }) => id === `server/${name.slice(0, at)}`);
    return { declared: server, tool: name.slice(at + 2), name, ...nearest(loaded, name.slice(0, at)) };
  }
  if (name === '') throw new ProblemError(problem('USAGE', 'the name is empty'));
  const called = loaded.declared.filter(one => one.name === name);
  const own = called.find(({ scope }) => scope === `project/${where.project}`);
  const declared = own ?? called.toSorted((a, b) => rank(a) - rank(b))[0];
  return { declared, name, ...(declared ? {} : nearest(loaded, name)) };
}

/** `-p` is the scope of kinds that a project may have of its own; of others it is the project that should serve them. */
function scopeFor(name: string, { project }: { project?: string }): { project?: string } {
  const word = name.slice(0, name.indexOf('/')).toLowerCase();
  const row = kindTable.find(({ singular, plural, short }) => [singular, plural, ...short].includes(word));
  return project !== undefined && row?.scopes.includes('project') ? { project } : {};
}

function nearest({ declared }: Loaded, name: string): { near?: string } {
  const near = closest(
    name,
    declared.map(one => one.name),
  );
  return near === undefined ? {} : { near };
}

function rank({ row, scope }: Declared): number {
  const at = order.indexOf(row.kind);
  return (at === -1 ? order.length : at) * 2 + Number(scope !== 'global');
}
