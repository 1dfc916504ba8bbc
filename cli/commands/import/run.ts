import { fromDocument, type Problem, ProblemError, problem, toDocument } from '../../../schema/index.ts';
import { type Change, type ChangeOptions, changeOf, changeTree } from '../../change-tree.ts';
import type { SkillFolder } from '../../clients/read-skills.ts';
import { type ConvertedServer, toResources } from '../../clients/to-resources.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { resolveTarget } from '../../kinds.ts';
import { paint, showProblem, step } from '../../style.ts';
import { table } from '../../table.ts';
import { filesOf, openWorkingTree, problemsOf, type WorkingTree } from '../../working-tree.ts';
import { readSources, type SourceOptions } from './sources.ts';

export interface ImportOptions extends SourceOptions, ChangeOptions, CliContext {
  /** The project that is to serve what is imported. */
  project?: string;
  /** A folder of the working tree, from `cwd`. */
  dir: string;
}

/**
 * Make resources of what an AI client is configured with. stdout: what was made; stderr: what was not carried over,
 * and the variables that have to be set. What the repository has is kept, and doing it twice is no
 * failure. Exits 1 when a file cannot be read or has no entry, or nothing new in it is valid.
 * @throws ProblemError USAGE, REPOSITORY_MISSING, and those of `changeTree`
 */
export async function runImport(options: ImportOptions): Promise<ExitCode> {
  const { io, cwd, dir, project } = options;
  const { servers, skills, problems, guessed } = await readSources(options);
  if (guessed && servers.length > 0)
    step(io, `read as a file of ${guessed.title}; \`--client NAME\` reads it as another’s`);
  const tree = await openWorkingTree(cwd, dir);
  const { converted, problems: refused } = toResources(servers, takenNames(tree));
  const bundles = skills.map(skill => skillChange(tree, skill));
  const changes: Change[] = [
    ...converted.flatMap(({ resources }) =>
      resources.map(({ id, files, document }) => changeOf(id, new Map(), files, document)),
    ),
    ...bundles.flatMap(bundle => ('problem' in bundle ? [] : [bundle])),
  ];
  for (const one of [
    ...problems,
    ...refused,
    ...bundles.flatMap(bundle => ('problem' in bundle ? [bundle.problem] : [])),
    ...skills.flatMap(({ left }) => left),
    ...converted.flatMap(({ notes }) => notes),
  ]) {
    io.stderr(showProblem(io, one));
  }
  const sound = withoutBroken(options, tree, changes);
  if (sound.length === 0) {
    io.stderr(`${paint(io, 'yellow', '!')} nothing was imported\n`);
    const isBad = changes.length > 0 || problems.some(({ severity }) => severity === 'error');
    return isBad || servers.length + skills.length === 0 ? ExitCodes.failed : ExitCodes.ok;
  }
  const members = sound.flatMap(({ id }) => (id.startsWith('server/') ? [id.slice('server/'.length)] : []));
  if (project !== undefined && members.length > 0) sound.push(await projectChange(tree, project, members));
  const code = await changeTree(options, tree, sound, options);
  if (code === ExitCodes.ok)
    tellSecrets(
      options,
      converted.filter(({ name }) => members.includes(name)),
    );
  return code;
}

/** Names of Servers and Secrets alike: an imported Server and its Secret have one name. */
function takenNames({ files }: WorkingTree): Set<string> {
  return new Set(files.flatMap(({ id }) => /^(?:server|secret)\/(.*)$/.exec(id ?? '')?.[1] ?? []));
}

/** Leave out what the repository format has something against; the others are imported all the same. */
function withoutBroken({ io }: ImportOptions, tree: WorkingTree, changes: readonly Change[]): Change[] {
  const found = problemsOf(
    tree,
    changes.flatMap(({ files }) => files),
  ).filter(({ severity }) => severity === 'error');
  return changes.filter(({ id, files }) => {
    const own = found.filter(({ at }) => files.some(({ path }) => path === at?.file));
    for (const one of own) io.stderr(showProblem(io, one));
    if (own.length > 0) io.stderr(`${paint(io, 'yellow', '!')} ${id} is not imported\n`);
    return own.length === 0;
  });
}

function skillChange(tree: WorkingTree, { name, files }: SkillFolder): Change | { problem: Problem } {
  const id = `skill/${name}`;
  const folder = `skills/${name}`;
  if (tree.files.some(file => file.id === id || file.path.startsWith(`${folder}/`))) {
    const hint = `Remove ${folder}/ first to import it again.`;
    const message = `\`${name}\` is not imported: the repository has a Skill \`${name}\`, which is kept`;
    return { problem: problem('IMPORT_LEFT_OUT', message, { hint }) };
  }
  const placed = new Map([...files].map(([path, content]) => [`${folder}/${path}`, content]));
  const document = toDocument(placed);
  return changeOf(id, new Map(), placed, 'document' in document ? document.document : undefined);
}

/** The project with these servers besides those it has. @throws ProblemError USAGE */
async function projectChange(tree: WorkingTree, name: string, servers: readonly string[]): Promise<Change> {
  const { id = '' } = resolveTarget('project', name, {});
  const before = await filesOf(tree, id);
  const present = before.size === 0 ? undefined : toDocument(before);
  if (present && 'problems' in present) throw broken(id, present.problems);
  const document = present?.document ?? {
    apiVersion: 'mcpctl.dev/v1' as const,
    kind: 'Project',
    metadata: { name },
    spec: {},
  };
  const has = Array.isArray(document.spec.servers) ? document.spec.servers : [];
  const added = servers.filter(server => !has.includes(server));
  const wanted = { ...document, spec: { ...document.spec, servers: [...has, ...added] } };
  const result = fromDocument(wanted, before);
  if ('problems' in result) throw broken(id, result.problems);
  return changeOf(id, before, result.files, wanted);
}

function broken(id: string, [first]: readonly Problem[]): ProblemError {
  return new ProblemError(first ?? problem('FIELD_INVALID', `\`${id}\` cannot be changed`));
}

/** The variables that have to be set, each with what it is for; the values stay where they are. */
function tellSecrets({ io }: ImportOptions, converted: readonly ConvertedServer[]): void {
  const rows = converted.flatMap(({ name, secrets }) =>
    secrets.map(({ variable, use }) => [`  ${variable}`, `server/${name}: ${use}`]),
  );
  if (rows.length === 0) return;
  io.stderr(
    `${paint(io, 'yellow', '!')} values that are not in the repository; set them where \`mcpctl up\` is started:\n`,
  );
  io.stderr(table(rows));
}
