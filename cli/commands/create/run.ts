import {
  closest,
  fromDocument,
  instantiate,
  type Kind,
  type Problem,
  ProblemError,
  problem,
  type ResourceDocument,
} from '../../../schema/index.ts';
import { type ChangeOptions, changeOf, changeTree } from '../../change-tree.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, resolveTarget } from '../../kinds.ts';
import { showProblem } from '../../style.ts';
import { checkFiles, openWorkingTree, ownerFolder, type WorkingTree } from '../../working-tree.ts';
import { readBundled, readText } from './content.ts';
import type { CreateFlags } from './flags.ts';
import { withSecretKeys } from './secret-keys.ts';
import { setField } from './set-field.ts';
import { pairs, specFromFlags } from './spec.ts';

export interface CreateOptions extends CliContext, CommonOptions, ChangeOptions {
  kind: Kind;
  name: string;
  /** What stood after `--`. */
  argv: readonly string[];
  flags: CreateFlags;
}

/**
 * Write a new resource into the working tree. Exits 1, with nothing changed, when it would have an error.
 * @throws ProblemError USAGE, RESOURCE_EXISTS, RESOURCE_NOT_FOUND (the template), and those of `changeTree`
 */
export async function runCreate(asked: CreateOptions): Promise<ExitCode> {
  const { io, cwd, dir, kind, name } = asked;
  const target = resolveTarget(kind, name, asked);
  const { id = '', scope } = target;
  const tree = await openWorkingTree(cwd, dir);
  const options = { ...asked, flags: withSecretKeys(asked.flags, () => checkFiles(tree.files).catalog) };
  const there = tree.files.find(file => file.id === id);
  if (there) throw new ProblemError(problem('RESOURCE_EXISTS', `\`${id}\` is declared by ${there.path}`));
  const metadata = metadataOf(options);
  const made =
    options.flags.fromTemplate === undefined ? await written(options, metadata) : fromTemplate(tree, options, metadata);
  const result = 'problems' in made ? made : fromDocument(made.document, new Map(), ownerFolder(tree, scope));
  if ('problems' in made || 'problems' in result) {
    for (const one of 'problems' in result ? result.problems : []) io.stderr(showProblem(io, one));
    io.stderr('✗ nothing was created\n');
    return ExitCodes.failed;
  }
  return changeTree(options, tree, [changeOf(id, new Map(), result.files, made.document)], options);
}

type Made = { document: ResourceDocument } | { problems: Problem[] };

function metadataOf(options: CreateOptions): ResourceDocument['metadata'] {
  const { name, project, agent, flags } = options;
  const { description } = flags;
  const labels = pairs('--label', flags.label);
  const annotations = pairs('--annotation', flags.annotation);
  return {
    name,
    ...(project !== undefined && { project }),
    ...(agent !== undefined && { agent }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    ...(description !== undefined && { description }),
  };
}

async function written(options: CreateOptions, metadata: ResourceDocument['metadata']): Promise<Made> {
  const { kind, argv, cwd, flags } = options;
  const spec = specFromFlags(kind, flags, argv);
  for (const assignment of flags.set ?? []) setField(kind, spec, assignment);
  if (kind === 'Prompt' || kind === 'Personality' || kind === 'Skill') spec.content ??= await readText(options, flags);
  if (kind === 'Skill') spec.files = await readBundled(cwd, flags);
  return { document: { apiVersion: 'mcpctl.dev/v1', kind, metadata, spec } };
}

/**
 * A copy of a template, with its parameters from `--set`. Other flags add to the copy, or take the place of what it says.
 * @throws ProblemError RESOURCE_NOT_FOUND, USAGE
 */
function fromTemplate({ files }: WorkingTree, options: CreateOptions, metadata: ResourceDocument['metadata']): Made {
  const { argv, flags } = options;
  const { fromTemplate: wanted = '', set = [] } = flags;
  const templates = checkFiles(files).catalog.list('Template');
  const template = templates.find(({ name }) => name === wanted);
  if (!template) {
    const names = templates.map(({ name }) => name);
    const meant = closest(wanted, names);
    const hint = meant === undefined ? `There are: ${names.join(', ') || 'none'}.` : `Did you mean \`${meant}\`?`;
    throw new ProblemError(problem('RESOURCE_NOT_FOUND', `there is no valid Template \`${wanted}\``, { hint }));
  }
  const copy = instantiate(template, metadata.name, pairs('--set', set) ?? {});
  if ('problems' in copy) return copy;
  const { document } = copy;
  const { transport, ...further } = specFromFlags('Server', flags, argv);
  const { env, ...fields } = flags.transport === undefined ? further : { transport, ...further };
  const variables = Array.isArray(env) ? { env: [...listOf(document.spec.env), ...env] } : {};
  const { labels, annotations, ...facts } = metadata;
  const merged = {
    ...document.metadata,
    ...facts,
    ...((document.metadata.labels || labels) && { labels: { ...document.metadata.labels, ...labels } }),
    annotations: { ...document.metadata.annotations, ...annotations },
  };
  return { document: { ...document, metadata: merged, spec: { ...document.spec, ...fields, ...variables } } };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
