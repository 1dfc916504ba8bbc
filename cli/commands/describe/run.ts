import { mcpctlHome } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { announcedDaemons } from '../../announced-daemons.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { describeInstance, instanceNamed } from '../../instances.ts';
import { kindNamed, resolveTarget } from '../../kinds.ts';
import { type Declared, type Loaded, loadCatalog, type Place } from '../../load-catalog.ts';
import { harmless, oneLine } from '../../output.ts';
import { membersOf } from '../../project-members.ts';
import { type Relation, referrers, refersTo } from '../../relations.ts';
import { paint, shortCommit, showProblem } from '../../style.ts';
import { table } from '../../table.ts';
import { findNamed } from '../get/select.ts';
import type { Live } from './live.ts';
import { rawText } from './raw-text.ts';
import { type Section, specSections } from './sections.ts';

export interface DescribeOptions extends CliContext, Place {
  kind: string;
  name?: string;
  project?: string;
  agent?: string;
  stateDir?: string;
  output: 'text' | 'json';
}

/**
 * Tell everything about one resource, or one instance. Exits 1 when its file is broken. JSON: `{ id, kind, name, scope, file, digest,
 * metadata, spec, refersTo, referredBy, problems, live? }`.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, and those of `loadCatalog`
 */
export async function runDescribe(options: DescribeOptions): Promise<ExitCode> {
  const { io, kind, name, output } = options;
  const instance = instanceNamed(kind, name);
  if (instance?.name !== undefined) {
    io.stdout(await describeInstance(options, options, instance.name, output));
    return ExitCodes.ok;
  }
  if (instance || (name === undefined && !kind.includes('/') && kindNamed(kind).form !== 'file')) {
    const hint = `List the names with \`mcpctl get ${kind}\`.`;
    throw new ProblemError(problem('USAGE', '`describe` needs the name of one resource', { hint }));
  }
  const { id: about } = resolveTarget(kind, name, options);
  const loaded = await loadCatalog(options, { ...options, about });
  const found = findNamed(loaded, kind, name, options);
  if ('code' in found) throw new ProblemError(found);
  const live = await liveOf(options, loaded, found);
  const relations = relationsOf(loaded, found);
  const raw = found.resource ? undefined : await rawText(options, loaded, found, { ...options, about });
  io.stdout(output === 'json' ? json(found, relations, live) : text(options, found, relations, live, raw));
  return found.resource ? ExitCodes.ok : ExitCodes.failed;
}

async function liveOf(options: DescribeOptions, { catalog }: Loaded, found: Declared): Promise<Live | undefined> {
  const repositoryId = catalog.repository?.spec.id;
  if (repositoryId === undefined || options.at !== undefined) return undefined;
  // Asking takes longer to load than all the rest.
  if (announcedDaemons(mcpctlHome(options.env)).length === 0) return undefined;
  const { liveStatus } = await import('./live.ts');
  return liveStatus(options, repositoryId, found.row.kind, found.name);
}

interface Relations {
  refersTo: Relation[];
  referredBy: string[];
}

function relationsOf({ catalog }: Loaded, { id, resource }: Declared): Relations {
  const serving = catalog
    .list('Project')
    .filter(project => Object.values(membersOf(catalog, project)).some(ids => ids.includes(id)))
    .map(project => project.id);
  const referredBy = [...new Set([...(referrers(catalog).get(id) ?? []), ...serving])].sort();
  return { refersTo: resource ? refersTo(catalog, resource) : [], referredBy };
}

function json({ id, row, name, scope, file, resource, problems }: Declared, relations: Relations, live?: Live): string {
  const { digest, metadata, spec } = resource ?? {};
  const all = { id, kind: row.kind, name, scope, file, digest, metadata, spec, ...relations, problems, live };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

function text(options: DescribeOptions, found: Declared, relations: Relations, live?: Live, raw?: string): string {
  const { io } = options;
  const { resource, problems } = found;
  const sections: Section[] = resource ? specSections(resource) : [];
  if (relations.refersTo.length > 0) {
    sections.push({ heading: 'Refers to', text: relations.refersTo.map(relationLine).join('') });
  }
  if (relations.referredBy.length > 0) {
    sections.push({ heading: 'Used by', text: relations.referredBy.map(id => `${id}\n`).join('') });
  }
  if (problems.length > 0) {
    sections.push({ heading: 'Problems', text: problems.map(one => showProblem(io, one)).join('') });
  }
  if (raw !== undefined) {
    sections.push({ heading: 'Text, which does not validate', text: `${harmless(raw).replace(/\n+$/, '')}\n` });
  }
  if (live) sections.push({ heading: `In service, by the daemon of ${live.stateDir}`, text: liveText(live) });
  return [
    table(head(found)),
    ...sections.map(({ heading, text: body }) => `\n${paint(io, 'bold', `${heading}:`)}\n${indented(body)}`),
  ].join('');
}

function head({ row, name, scope, file, resource }: Declared): string[][] {
  const { description, labels = {}, annotations = {} } = resource?.metadata ?? {};
  return [
    ['Name:', name],
    ['Kind:', row.kind],
    ['Scope:', scope],
    ['File:', file],
    ...(description === undefined ? [] : [['Description:', oneLine(description)]]),
    ...pairs('Labels:', labels),
    ...pairs('Annotations:', annotations),
    ...(resource ? [['Digest:', resource.digest]] : []),
  ];
}

function pairs(heading: string, members: Readonly<Record<string, string>>): string[][] {
  return Object.entries(members)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value], index) => [index === 0 ? heading : '', oneLine(`${key}=${value}`)]);
}

function relationLine({ id, keys, there }: Relation): string {
  return `${id}${keys.length > 0 ? ` (${keys.join(', ')})` : ''}${there ? '' : '  ✗ missing'}\n`;
}

function liveText({ revision, conditions, endpoint, tools, prompts, instances = [] }: Live): string {
  const facts = [
    ['revision', shortCommit(revision)],
    ...(endpoint === undefined ? [] : [['endpoint', endpoint]]),
    ...(tools === undefined ? [] : [['tools', String(tools)]]),
    ...(prompts === undefined ? [] : [['prompts', String(prompts)]]),
  ];
  const states = conditions.map(({ type, status, reason, message, since }) => [type, status, since, reason, message]);
  const parts = [table(facts), table([['CONDITION', 'STATUS', 'SINCE', 'REASON', 'MESSAGE'], ...states])];
  if (instances.length > 0) {
    const rows = instances.map(({ id, state, since, startMs, restarts, nextRetryAt, problem }) => [
      id,
      state,
      since,
      startMs === undefined ? '-' : `${Math.round(startMs)} ms`,
      String(restarts),
      nextRetryAt ?? '-',
      problem?.message ?? '',
    ]);
    parts.push(table([['INSTANCE', 'STATE', 'SINCE', 'START', 'RESTARTS', 'NEXT-RETRY', 'WHY'], ...rows]));
  }
  for (const { id, log } of instances) {
    if (log.length > 0) parts.push(`last lines of ${id}:\n${indented(harmless(`${log.join('\n')}\n`))}`);
  }
  return parts.join('\n');
}

function indented(body: string): string {
  return body.replace(/^(?=.)/gm, '  ');
}
