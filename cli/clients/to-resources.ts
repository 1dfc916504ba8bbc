import {
  type FileContent,
  fromDocument,
  type Problem,
  parseFile,
  problem,
  type ResourceDocument,
} from '../../schema/index.ts';
import { type ImportedServer, literalOf, type NamedText, type Text } from './imported.ts';
import { createVariableNames, serverName, type VariableNames } from './names.ts';
import { type Recognised, recognise } from './recognise.ts';
import { isSecretName, isSecretValue } from './secret-guess.ts';
import { type AskedSecret, createValueBuilder, type Value, type ValueBuilder } from './secret-values.ts';

/** One resource that an entry becomes. */
export interface ImportedResource {
  /** `server/memory`. */
  id: string;
  document: ResourceDocument;
  /** The files that declare it, below the repository's root folder. */
  files: ReadonlyMap<string, FileContent | null>;
}

/** What becomes of one entry of a client's file. */
export interface ConvertedServer {
  /** As the client has it. */
  from: string;
  /** The Server's name. */
  name: string;
  resources: ImportedResource[];
  secrets: readonly AskedSecret[];
  /** What was not carried over, or needs a look. */
  notes: Problem[];
}

type Spec = Record<string, unknown>;

/** A spec that may be written, and what is to be said of it. */
interface Candidate {
  spec: Spec;
  notes: Problem[];
}

/**
 * Make Servers, and Secrets that name where values come from, of what a client declares. Never holds a secret.
 * @param taken names that Servers and Secrets of the repository have; what has one of them keeps it
 */
export function toResources(
  servers: readonly ImportedServer[],
  taken: ReadonlySet<string>,
): { converted: ConvertedServer[]; problems: Problem[] } {
  const converted: ConvertedServer[] = [];
  const problems: Problem[] = [];
  const used = new Set<string>();
  const variableNames = createVariableNames();
  for (const server of servers) {
    const name = serverName(server.name, used);
    const result = convert(server, name, taken, variableNames);
    if ('problem' in result) problems.push(result.problem);
    else {
      used.add(name);
      converted.push(result);
    }
  }
  return { converted, problems };
}

function convert(
  server: ImportedServer,
  name: string,
  taken: ReadonlySet<string>,
  variableNames: VariableNames,
): ConvertedServer | { problem: Problem } {
  const recognised = recogniseStart(server.start);
  if (recognised.kind === 'gateway') return refuse(server, 'it is an entry of mcpctl itself');
  if (taken.has(name)) {
    const hint = `Remove servers/${name}.yaml and secrets/${name}.yaml first, or rename the entry.`;
    return refuse(server, `the repository has a Server or Secret \`${name}\`, which is kept`, hint);
  }
  const builder = createValueBuilder(name, variableNames);
  const candidate = specOf(name, server, recognised, builder);
  if ('refused' in candidate) return refuse(server, candidate.refused, candidate.hint);
  const notes = [...server.left, ...builder.notes].map(text => note(name, text)).concat(candidate.notes);
  if (server.disabled) {
    candidate.spec.replicas = 0;
    notes.push(note(name, 'it is switched off in the client, so it has `replicas: 0`'));
  }
  const documents = [
    serverDocument(name, server.description, candidate.spec),
    ...secretDocument(name, builder.secrets),
  ];
  const resources = documents.map(made);
  const wrong = resources.flatMap(one => ('problems' in one ? one.problems : []))[0];
  if (wrong) return refuse(server, wrong.message, wrong.hint);
  const valid = resources.flatMap(one => ('problems' in one ? [] : one));
  return { from: server.name, name, resources: valid, secrets: builder.secrets, notes };
}

function recogniseStart(start: ImportedServer['start']): Recognised {
  if (start.kind === 'command') return recognise(start.argv);
  if (start.kind === 'url') return { ...start, headers: [] };
  if (start.kind === 'image') return { ...start, env: [], left: [] };
  const registry = start.registry === 'pypi' ? 'pypi' : 'npm';
  return { ...start, registry };
}

function specOf(
  name: string,
  server: ImportedServer,
  recognised: Exclude<Recognised, { kind: 'gateway' }>,
  builder: ValueBuilder,
): Candidate | { refused: string; hint?: string } {
  const notes: Problem[] = [];
  if (recognised.kind === 'url') return urlSpec(name, server, recognised, builder);
  const own = recognised.kind === 'image' ? recognised.env : [];
  if (recognised.kind === 'image') notes.push(...recognised.left.map(text => note(name, text)));
  const spec: Spec = { transport: 'stdio' };
  const cwd = server.start.kind === 'command' ? server.start.cwd : undefined;
  if (recognised.kind === 'command') {
    const [program = '', ...args] = builder.arguments(recognised.argv);
    spec.command = [program];
    if (cwd) setFolder(spec, literalOf(cwd), notes, name);
    setArguments(spec, args);
    if (recognised.unpinned) {
      const { tool, package: runs, cure } = recognised.unpinned;
      const message = `server/${name}: \`${tool}\` runs \`${isSecretValue(runs) ? '…' : runs}\`, which is not pinned: what it is can change from one start to the next`;
      notes.push(problem('IMPORT_UNPINNED', message, { hint: `${capitalised(cure)}.`, resource: `server/${name}` }));
    }
  } else {
    if (recognised.kind === 'image') spec.image = recognised.image;
    else {
      const { registry, identifier, version } = recognised;
      spec.package = { registry, identifier, version };
    }
    setArguments(spec, builder.arguments(recognised.args));
    if (cwd) notes.push(note(name, '`cwd` is not carried over: it is for `command` only'));
  }
  setEnvironment(spec, [...server.env, ...own], builder);
  return { spec, notes };
}

function urlSpec(
  name: string,
  server: ImportedServer,
  { transport, url, headers }: Extract<Recognised, { kind: 'url' }>,
  builder: ValueBuilder,
): Candidate | { refused: string; hint?: string } {
  const address = fixedAddress(url);
  if ('refused' in address) return address;
  const spec: Spec = { transport, url: address.url };
  const all = [...server.headers, ...headers].map(header => ({
    name: header.name,
    ...builder.named(header, 'header'),
  }));
  if (all.length > 0) spec.headers = all;
  const notes = server.env.map(variable =>
    note(name, `\`${variable.name}\` is not carried over: nothing is started here`),
  );
  return { spec, notes };
}

/** An address is no place for a secret, nor for a reference without a default. */
function fixedAddress(text: Text): { url: string } | { refused: string; hint?: string } {
  const fixed = text.map(piece =>
    piece.kind === 'variable' && piece.fallback !== undefined && !piece.secret && !isSecretName(piece.name)
      ? { kind: 'text' as const, text: piece.fallback }
      : piece,
  );
  const url = literalOf(fixed);
  if (url === undefined) {
    return { refused: 'its address is made up of variables', hint: 'Write the address out and import it again.' };
  }
  if (!/^https?:\/\//i.test(url)) return { refused: 'its address is no http:// or https:// one' };
  if (isSecretValue(url)) {
    return {
      refused: 'its address holds what looks like a secret',
      hint: 'Move it into a header, where the server allows that; if it is none, write the Server yourself.',
    };
  }
  return { url };
}

function setFolder(spec: Spec, folder: string | undefined, notes: Problem[], name: string): void {
  if (folder?.startsWith('/')) spec.cwd = folder;
  else notes.push(note(name, '`cwd` is not carried over: it has to be an absolute path'));
}

function setArguments(spec: Spec, args: readonly string[]): void {
  if (args.length > 0) spec.args = args;
}

/** Variables made for arguments come first, so that they win over nothing and are there to be referred to. */
function setEnvironment(spec: Spec, declared: readonly NamedText[], builder: ValueBuilder): void {
  const variables = new Map<string, Value>(builder.argumentVariables.map(({ name, value }) => [name, value]));
  for (const item of declared) variables.set(item.name, builder.named(item, 'variable'));
  if (variables.size > 0) spec.env = [...variables].map(([name, value]) => ({ name, ...value }));
}

function serverDocument(name: string, description: string | undefined, spec: Spec): ResourceDocument {
  const metadata = { name, ...(description !== undefined && { description }) };
  return { apiVersion: 'mcpctl.dev/v1', kind: 'Server', metadata, spec };
}

function secretDocument(name: string, secrets: readonly AskedSecret[]): ResourceDocument[] {
  if (secrets.length === 0) return [];
  const data = Object.fromEntries(secrets.map(({ key, variable }) => [key, { env: variable }]));
  return [{ apiVersion: 'mcpctl.dev/v1', kind: 'Secret', metadata: { name }, spec: { data } }];
}

/** The files of a new resource, or what the schema has against it: a client allows more than a Server does. */
function made(document: ResourceDocument): ImportedResource | { problems: Problem[] } {
  const result = fromDocument(document);
  if ('problems' in result) return result;
  const { files } = result;
  const problems = [...files].flatMap(([path, content]) =>
    content ? parseFile({ path, oid: '', mode: content.mode }, content.bytes).problems : [],
  );
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { problems: errors };
  return { id: `${document.kind.toLowerCase()}/${document.metadata.name}`, document, files };
}

function note(name: string, text: string): Problem {
  return problem('IMPORT_LEFT_OUT', `server/${name}: ${text}`, {
    hint: 'Nothing needs to be done when the server works without it.',
    resource: `server/${name}`,
  });
}

function refuse(server: ImportedServer, why: string, hint?: string): { problem: Problem } {
  const message = `\`${server.name}\` is not imported: ${why}`;
  return { problem: problem('IMPORT_LEFT_OUT', message, hint === undefined ? {} : { hint }) };
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
