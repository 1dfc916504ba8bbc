import { type KindRow, kindTable, type ScopeType } from './kind-table.ts';
import { MAX_SHORT_NAME } from './kinds/name-lengths.ts';
import { type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';
import { type Kind, type ResourceId, resourceId, type Scope } from './resource.ts';

/** What a path below the repository's root folder stands for. */
export type Classification =
  | { kind: 'resource'; resourceKind: Kind; scope: Scope; name: string; id: ResourceId }
  /** A file of a skill's folder besides `SKILL.md`; which folder is the skill's is known when all files are. */
  | { kind: 'part'; scope: Scope; name: string; file: string }
  /** A merge patch; `extras` when it is over `skill.yaml`. */
  | { kind: 'patch'; environment: string; target: Declared; extras: boolean }
  /** A version of the root of trust. */
  | { kind: 'root'; version: number }
  /** Part of the format, but read past by this version; `folder` is what the one warning per folder names. */
  | { kind: 'later'; folder: string }
  /** In one of the format's folders, but nothing the format knows. */
  | { kind: 'unknown'; problem: Problem }
  /** Not ours, or harmless (`README.md`, dot-files). */
  | { kind: 'ignored' };

/** A path that declares a resource. */
export type Declared = Extract<Classification, { kind: 'resource' }>;

/** The file of a bundle that declares it, and the one with what its front matter has no room for. */
export const SKILL_FILE = 'SKILL.md';
export const EXTRAS_FILE = 'skill.yaml';

const KiB = 1024;

/** The most bytes a file of a kind may have (a file of a bundle, `Skill`); a larger one is refused unread. */
export function maxBytes(kind: Kind): number {
  if (kind === 'Lock' || kind === 'Skill') return 8192 * KiB;
  return kind === 'Prompt' || kind === 'Personality' ? 1024 * KiB : 256 * KiB;
}

const topFolders = new Set([
  ...kindTable.map(({ folder }) => folder.split('/')[0] ?? '').filter(folder => folder !== 'personalities'),
  'locks',
  'trust',
  'environments',
]);
topFolders.delete('');

const ignored: Classification = { kind: 'ignored' };

/**
 * Tell from a path alone what it declares: its kind, scope and name, whatever the content says.
 * @param path below the repository's root folder, `/`-separated
 */
export function classify(path: string): Classification {
  // Of one file several ask, one after the other.
  if (path !== last.path) last = { path, found: classifyPath(path) };
  return last.found;
}

let last: { path: string; found: Classification } = { path: '', found: { kind: 'ignored' } };

function classifyPath(path: string): Classification {
  const parts = path.split('/');
  const [top = ''] = parts;
  if (path === 'mcpctl.yaml') return resource(path, 'Repository', 'global', 'repository');
  if (path === 'mcpctl.yml' || path === 'mcpctl.json') return unknown(path, 'Rename it to `mcpctl.yaml`.');
  const meant = top.toLowerCase();
  if (meant !== top && topFolders.has(meant)) return unknown(path, `The folder is named \`${meant}/\`.`);
  if (!topFolders.has(top) || hidden(parts)) return ignored;
  if (parts.length === 1) return unknown(path, `\`${top}/\` is a folder of the repository format; make it one.`);
  if (top === 'trust') return inTrust(path);
  if (top === 'locks') return inLocks(path, parts);
  if (top === 'environments') return inEnvironment(path, parts);
  const own = top === 'projects' || top === 'agents' ? ownPart(parts, ownedBy[top]) : undefined;
  return own ? inScope(path, parts, own, top === 'projects' ? 'project' : 'agent') : global(path, parts);
}

/**
 * The problem that a path gives by itself, if it gives one. `KIND_NOT_ACTED_ON` is the same problem for every file of a
 * folder, so that removing duplicates (`sortProblems`) leaves one per folder.
 */
export function layoutProblem(classification: Classification): Problem | undefined {
  if (classification.kind === 'unknown') return classification.problem;
  if (classification.kind !== 'later') return undefined;
  const { folder } = classification;
  return problem('KIND_NOT_ACTED_ON', `\`${folder}/\` is read past by this version`, { at: { file: folder } });
}

/** Dot-files and README.md are nobody's, except within a skill's folder, where every file counts. */
function hidden(parts: readonly string[]): boolean {
  const skills = parts[0] === 'skills' ? 0 : parts[0] === 'projects' ? parts.indexOf('skills', 2) : -1;
  const outside = skills === -1 ? parts : parts.slice(0, skills + 2);
  if (outside.some(part => part.startsWith('.')) || parts.some(part => part.toLowerCase() === '.git')) return true;
  return outside.length === parts.length && parts.at(-1) === 'README.md';
}

/** Folders that a project or an agent may have of its own, with what they hold. */
const ownedBy = {
  projects: kindTable.filter(({ scopes }) => scopes.includes('project')),
  agents: kindTable.filter(({ scopes }) => scopes.includes('agent')),
};

/** Where a project's or agent's own folder begins: `projects/…/<name>/prompts/…`. */
function ownPart(parts: readonly string[], rows: readonly KindRow[]): { at: number; row: KindRow } | undefined {
  for (let at = 2; at < parts.length - 1; at++) {
    const row = rows.find(({ folder }) => folder === parts[at]);
    if (row) return { at, row };
  }
  return undefined;
}

function inScope(
  path: string,
  parts: readonly string[],
  { at, row }: { at: number; row: KindRow },
  type: Exclude<ScopeType, 'global'>,
): Classification {
  const owner = parts[at - 1] ?? '';
  const conflict = scopeConflict(path, parts.slice(0, at), type);
  const wrong = conflict ?? nameProblem(path, type === 'project' ? 'Project' : 'Agent', owner);
  return wrong ? { kind: 'unknown', problem: wrong } : formed(path, parts.slice(at), row, `${type}/${owner}`);
}

/** What belongs to a project belongs to no agent, and the other way round. */
function scopeConflict(path: string, owners: readonly string[], type: 'project' | 'agent'): Problem | undefined {
  const other = type === 'project' ? 'agents' : 'projects';
  if (!owners.slice(2).includes(other)) return undefined;
  return problem('SCOPE_CONFLICT', `${quoted(path)} would belong to a project and to an agent`, { at: { file: path } });
}

const globalRows = kindTable.filter(({ scopes, folder }) => scopes.includes('global') && folder !== '');

function global(path: string, parts: readonly string[]): Classification {
  const row = globalRows.find(({ folder }) => path.startsWith(`${folder}/`));
  if (row) return formed(path, parts.slice(row.folder.split('/').length - 1), row, 'global');
  const folders = globalRows.map(({ folder }) => folder).filter(folder => folder.startsWith(`${parts[0]}/`));
  return unknown(path, `Folders here: ${folders.map(folder => `\`${folder}/\``).join(', ')}.`);
}

/** A file of a kind's folder. The folders between it and the name are for order only. */
function formed(path: string, parts: readonly string[], row: KindRow, scope: Scope): Classification {
  const { kind, form } = row;
  const file = parts.at(-1) ?? '';
  const folder = parts.length > 2 ? parts.at(-2) : undefined;
  switch (form) {
    case 'yaml':
      return named(path, file, '.yaml', kind, scope);
    case 'markdown':
      return named(path, file, '.md', kind, scope);
    case 'bundle':
      if (folder === undefined) return unknown(path, `A skill is a folder, \`${row.folder}/<name>/${SKILL_FILE}\`.`);
      if (file === SKILL_FILE) return resource(path, kind, scope, folder);
      return { kind: 'part', scope, name: folder, file };
    default:
      if (file === `${row.singular}.yaml` && folder !== undefined) return resource(path, kind, scope, folder);
      if (file.toLowerCase() === `${row.singular}.yml`) return misspelt(path, '.yaml');
      return unknown(path, inFolder(row));
  }
}

function inFolder({ kind, singular, folder }: KindRow): string {
  const own = (kind === 'Project' ? ownedBy.projects : ownedBy.agents).map(row => `\`${row.folder}/\``).join(' and ');
  const article = kind === 'Agent' ? 'An' : 'A';
  return `${article} ${singular} is \`${folder}/<name>/${singular}.yaml\`, with folders ${own} beside it.`;
}

function named(path: string, file: string, extension: '.yaml' | '.md', kind: Kind, scope: Scope): Classification {
  if (!file.endsWith(extension)) {
    if (otherSpellings[extension].test(file)) return misspelt(path, extension);
    return unknown(path, `Files here are named \`<name>${extension}\`.`);
  }
  return resource(path, kind, scope, file.slice(0, -extension.length));
}

/** `trust/root/<n>.json` */
function inTrust(path: string): Classification {
  const version = /^trust\/root\/([1-9]\d{0,4})\.json$/.exec(path)?.[1];
  if (version !== undefined) return { kind: 'root', version: Number(version) };
  return unknown(
    path,
    'Here are the versions of the root of trust, `trust/root/<n>.json`; `mcpctl trust` writes them.',
  );
}

/** What other tools take for the same thing. Read past with a mere warning, such a file would be a removal. */
const otherSpellings = { '.yaml': /\.ya?ml$/i, '.md': /\.(?:md|mdx|markdown)$/i };

function misspelt(path: string, extension: string): Classification {
  const message = `${quoted(path)} declares nothing: its extension is not \`${extension}\``;
  const hint = `Rename it to ${quoted(`${path.slice(0, path.lastIndexOf('.'))}${extension}`)}.`;
  return { kind: 'unknown', problem: problem('FILE_EXTENSION', message, { hint, at: { file: path } }) };
}

/** `environments/<env>/<path of what is patched>` */
function inEnvironment(path: string, [, environment = '', ...rest]: readonly string[]): Classification {
  const shape = 'A patch is `environments/<environment>/` and the path of what it patches.';
  if (rest.length === 0) return unknown(path, shape);
  const wrong = nameProblem(path, 'Environment', environment);
  if (wrong) return { kind: 'unknown', problem: wrong };
  const target = classify(rest.join('/'));
  if (target.kind === 'unknown') return { ...target, problem: { ...target.problem, at: { file: path } } };
  if (target.kind === 'part' && target.file === EXTRAS_FILE) {
    const skill = resource(path, 'Skill', target.scope, target.name);
    return skill.kind === 'resource' ? { kind: 'patch', environment, target: skill, extras: true } : skill;
  }
  const patchable = target.kind === 'resource' && target.resourceKind !== 'Lock';
  return patchable ? { kind: 'patch', environment, target, extras: false } : unknown(path, shape);
}

/** `locks/servers/<name>/package-lock.json`; the other files there belong to later versions. */
function inLocks(path: string, parts: readonly string[]): Classification {
  const [, servers, name] = parts;
  if (servers !== 'servers' || name === undefined || parts.length < 4) {
    return unknown(path, 'A lock is `locks/servers/<name>/package-lock.json`; `mcpctl lock NAME` writes it.');
  }
  if (parts.length === 4 && parts[3] === 'package-lock.json') return resource(path, 'Lock', 'global', name);
  return { kind: 'later', folder: 'locks/servers/*' };
}

function resource(path: string, resourceKind: Kind, scope: Scope, name: string): Classification {
  const wrong = nameProblem(path, resourceKind, name);
  if (wrong) return { kind: 'unknown', problem: wrong };
  return { kind: 'resource', resourceKind, scope, name, id: resourceId(resourceKind, scope, name) };
}

const longest = new Map<string, number>(kindTable.map(({ kind, maxName }) => [kind, maxName]));
longest.set('Lock', MAX_SHORT_NAME);
longest.set('Environment', MAX_SHORT_NAME);

function nameProblem(path: string, kind: Kind | 'Environment', name: string): Problem | undefined {
  const max = longest.get(kind) ?? 0;
  if (name.length <= max && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) return undefined;
  const what = name.length > max ? `longer than ${max} characters` : 'not a DNS label';
  const article = /^[AE]/.test(kind) ? 'an' : 'a';
  return problem('NAME_INVALID', `${quoted(name)} cannot name ${article} ${kind}: it is ${what}`, {
    hint: `Rename it: lower-case letters, digits and \`-\`, beginning and ending with a letter or digit, at most ${max}.`,
    at: { file: path },
  });
}

function unknown(path: string, hint: string): Classification {
  return {
    kind: 'unknown',
    problem: problem('FILE_UNKNOWN', `${quoted(path)} means nothing in the repository format`, {
      hint,
      at: { file: path },
    }),
  };
}
