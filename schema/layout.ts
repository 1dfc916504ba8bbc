import { MAX_LABEL, MAX_SHORT_NAME } from './kinds/names.ts';
import { type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';
import { type Kind, type ResourceId, resourceId, type Scope } from './resource.ts';

/** What a path below the repository's root folder stands for. */
export type Classification =
  | { kind: 'resource'; resourceKind: Kind; scope: Scope; name: string; id: ResourceId }
  /** Part of the format, but read past by this version; `folder` is what the one warning per folder names. */
  | { kind: 'later'; folder: string }
  /** In one of the format's folders, but nothing the format knows. */
  | { kind: 'unknown'; problem: Problem }
  /** Not ours, or harmless (`README.md`, dot-files). */
  | { kind: 'ignored' };

/** A path that declares a resource. */
export type Declared = Extract<Classification, { kind: 'resource' }>;

const KiB = 1024;

/** The most bytes a file of each kind may have; a larger one is refused unread. */
export const maxBytes: Readonly<Record<Kind, number>> = {
  Repository: 256 * KiB,
  Server: 256 * KiB,
  Project: 256 * KiB,
  Secret: 256 * KiB,
  Prompt: 1024 * KiB,
  Lock: 8192 * KiB,
};

const laterFolders = new Set([
  'templates',
  'skills',
  'agents',
  'llms',
  'secretbackends',
  'access',
  'environments',
  'trust',
]);

const ignored: Classification = { kind: 'ignored' };

/**
 * Tell from a path alone what it declares: its kind, scope and name, whatever the content says.
 * @param path below the repository's root folder, `/`-separated
 */
export function classify(path: string): Classification {
  const parts = path.split('/');
  const [top = ''] = parts;
  const file = parts.at(-1) ?? '';
  if (path === 'mcpctl.yaml') return resource(path, 'Repository', 'global', 'repository');
  if (path === 'mcpctl.yml' || path === 'mcpctl.json') return unknown(path, 'Rename it to `mcpctl.yaml`.');
  if (parts.some(part => part.startsWith('.')) || file === 'README.md') return ignored;
  if (laterFolders.has(top) && parts.length > 1) return { kind: 'later', folder: top };
  switch (top) {
    case 'servers':
      return named(path, parts, '.yaml', 'Server', 'global');
    case 'secrets':
      return named(path, parts, '.yaml', 'Secret', 'global');
    case 'prompts':
      return named(path, parts, '.md', 'Prompt', 'global');
    case 'projects':
      return inProject(path, parts);
    case 'locks':
      return inLocks(path, parts);
    default:
      return ignored;
  }
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

/** `<folder>/…/<name><extension>`: the folders between are for order only. */
function named(
  path: string,
  parts: readonly string[],
  extension: '.yaml' | '.md',
  kind: Kind,
  scope: Scope,
): Classification {
  const file = parts.at(-1) ?? '';
  if (parts.length < 2) return unknown(path, `\`${file}/\` is a folder of the repository format; make it one.`);
  if (!file.endsWith(extension)) return unknown(path, `Files here are named \`<name>${extension}\`.`);
  return resource(path, kind, scope, file.slice(0, -extension.length));
}

/** `projects/…/<name>/project.yaml`, with the project's own `prompts/` and `skills/` beside it. */
function inProject(path: string, parts: readonly string[]): Classification {
  const own = parts.findIndex((part, index) => index >= 2 && (part === 'prompts' || part === 'skills'));
  if (own !== -1 && own < parts.length - 1) {
    if (parts[own] === 'skills') return { kind: 'later', folder: 'projects/*/skills' };
    const project = parts[own - 1] ?? '';
    const wrong = nameProblem(path, 'Project', project);
    if (wrong) return { kind: 'unknown', problem: wrong };
    return named(path, parts.slice(own), '.md', 'Prompt', `project/${project}`);
  }
  const name = parts.at(-2);
  if (parts.at(-1) === 'project.yaml' && parts.length >= 3 && name !== undefined) {
    return resource(path, 'Project', 'global', name);
  }
  return unknown(path, 'A project is `projects/<name>/project.yaml`, with a folder `prompts/` beside it.');
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

function nameProblem(path: string, kind: Kind, name: string): Problem | undefined {
  const max = kind === 'Server' || kind === 'Project' || kind === 'Lock' ? MAX_SHORT_NAME : MAX_LABEL;
  if (name.length <= max && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) return undefined;
  const what = name.length > max ? `longer than ${max} characters` : 'not a DNS label';
  return problem('NAME_INVALID', `${quoted(name)} cannot name a ${kind}: it is ${what}`, {
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
