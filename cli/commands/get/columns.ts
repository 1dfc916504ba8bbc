import type { Kind, ResourceId, Specs } from '../../../schema/index.ts';
import { type Declared, isBroken } from '../../load-catalog.ts';
import type { Column } from '../../output.ts';
import { serverSource } from '../../server-source.ts';

type Columns = readonly Column<Declared>[];

/** What the columns of each kind say, between its name and what all kinds have in common. */
const byKind: Partial<Record<Kind, Columns>> = {
  Repository: [{ header: 'ID', cell: of('Repository', ({ id }) => id) }],
  Server: [
    { header: 'TRANSPORT', cell: of('Server', ({ transport }) => transport) },
    { header: 'SOURCE', cell: of('Server', serverSource) },
    { header: 'REPLICAS', cell: of('Server', ({ replicas }) => String(replicas)) },
  ],
  Prompt: [
    { header: 'TITLE', cell: of('Prompt', ({ title }) => title ?? '') },
    { header: 'ARGUMENTS', cell: of('Prompt', spec => spec.arguments.map(({ name }) => name).join(',')) },
    { header: 'PRIORITY', wide: true, cell: of('Prompt', ({ priority }) => String(priority ?? '')) },
    { header: 'TAGS', wide: true, cell: of('Prompt', ({ tags }) => tags.join(',')) },
  ],
  Project: [
    { header: 'SERVERS', cell: of('Project', ({ servers }) => servers.join(',')) },
    { header: 'PROMPTS', cell: of('Project', ({ prompts }) => prompts.join(',')) },
    { header: 'SKILLS', cell: of('Project', ({ skills }) => skills.join(',')) },
    { header: 'GATED', wide: true, cell: of('Project', ({ gated }) => String(gated)) },
  ],
  Template: [
    { header: 'VERSION', cell: of('Template', ({ version }) => version ?? '') },
    { header: 'PARAMETERS', cell: of('Template', spec => spec.parameters.map(({ name }) => name).join(',')) },
  ],
  Skill: [
    { header: 'FILES', cell: of('Skill', ({ files }) => String(files.length)) },
    { header: 'PROFILE', wide: true, cell: of('Skill', ({ profile }) => profile) },
    { header: 'SERVERS', wide: true, cell: of('Skill', spec => spec.mcpServers.map(({ name }) => name).join(',')) },
    { header: 'DESCRIPTION', cell: description },
  ],
  Agent: [
    { header: 'LLM', cell: of('Agent', ({ llm }) => llm) },
    { header: 'PROJECT', cell: of('Agent', ({ project }) => project ?? '') },
  ],
  Llm: [
    { header: 'PROVIDER', cell: of('Llm', ({ provider }) => provider) },
    { header: 'MODEL', cell: of('Llm', ({ model }) => model) },
  ],
  User: [{ header: 'EMAIL', cell: of('User', ({ email }) => email) }],
  Group: [{ header: 'MEMBERS', cell: of('Group', ({ members }) => subjects(members)) }],
  RoleBinding: [
    { header: 'ROLE', cell: of('RoleBinding', ({ role }) => role) },
    { header: 'SUBJECTS', cell: of('RoleBinding', spec => subjects(spec.subjects)) },
  ],
  Secret: [{ header: 'KEYS', cell: of('Secret', ({ data }) => Object.keys(data).sort().join(',')) }],
};

/**
 * The columns of a kind.
 * @param items what will be listed: a mark for what is broken is there only when something is
 * @param referrers id → ids of those that name it
 * @param withKind name things `server/x`, for lists of several kinds
 */
export function columnsFor(
  items: readonly Declared[],
  referrers: ReadonlyMap<ResourceId, readonly ResourceId[]>,
  withKind: boolean,
): Columns {
  const [first] = items;
  if (!first) return [];
  const { row } = first;
  const isScoped = row.scopes.length > 1;
  return [
    { header: 'NAME', cell: ({ name }) => (withKind ? `${row.singular}/${name}` : name) },
    ...(isScoped ? [{ header: 'SCOPE', cell: ({ scope }: Declared) => scope }] : []),
    ...(byKind[row.kind] ?? [{ header: 'DESCRIPTION', cell: description }]),
    { header: 'LABELS', wide: true, cell: labels },
    { header: 'USED-BY', wide: true, cell: ({ id }) => (referrers.get(id) ?? []).join(',') },
    { header: 'FILE', wide: true, cell: ({ file }) => file },
    ...(items.some(isBroken) ? [{ header: 'PROBLEM', cell: firstError }] : []),
  ];
}

function of<K extends Kind>(kind: K, cell: (spec: Specs[K]) => string): (item: Declared) => string {
  return ({ resource }) => (resource?.kind === kind ? cell(resource.spec as Specs[K]) : '');
}

function subjects(all: readonly { kind: string; name: string }[]): string {
  return all.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`).join(',');
}

function description({ resource }: Declared): string {
  return resource?.metadata.description ?? '';
}

function labels({ resource }: Declared): string {
  return Object.entries(resource?.metadata.labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

function firstError({ problems }: Declared): string {
  const first = problems.find(({ severity }) => severity === 'error');
  return first ? `✗ ${first.code}` : '';
}
