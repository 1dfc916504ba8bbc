import { lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { writeAtomic } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type Client, type ClientScope, findClient } from '../../clients/clients.ts';
import { type GatewayEntry, TOKEN_VARIABLE, takesAddress } from '../../clients/gateway-entry.ts';
import { render } from '../../clients/render.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type GatewayOptions, serverUrl } from '../../contexts.ts';
import { done, step } from '../../style.ts';

export interface ExportOptions extends GatewayOptions, Omit<CliContext, 'finish'> {
  client: string;
  project: string;
  /** What the client calls it; the project's name unless given. */
  name?: string;
  write?: boolean;
  bridge?: boolean;
  scope?: ClientScope;
  /** The folder whose project files are meant, from `cwd`. */
  dir: string;
  platform?: string;
  /** Told of the entry before it is written; `changed` when it was not there as it will be. */
  onEntry?: (entry: { file: string; name: string; client: string }, changed: boolean) => Promise<void>;
}

/**
 * Print a gateway's entry in a client's format, or merge it into the client's file. stdout: the document, or with
 * `write` the file's path.
 * @throws ProblemError USAGE, CLIENT_FILE_INVALID, CLIENT_ENTRY_TAKEN, FILE_NOT_REGULAR; nothing is written then
 */
export async function runExport(options: ExportOptions): Promise<ExitCode> {
  const { io } = options;
  if (options.write !== true) {
    const { client, entry } = wanted(options);
    io.stdout(rendered(client, '', entry, client.title));
    advise(options, client, entry);
    return ExitCodes.ok;
  }
  const { client, entry, path, scope, file, before, after } = await planExport(options);
  await options.onEntry?.({ file, name: entry.name, client: client.name }, after !== before);
  if (after === before) done(io, `${client.title} has \`${entry.name}\` already: ${path}`);
  else {
    await mkdir(dirname(file), { recursive: true });
    const mode = await stat(file).then(
      stats => stats.mode & 0o777,
      () => (scope === 'project' ? 0o644 : 0o600),
    );
    await writeAtomic(file, after, { mode });
    done(io, `${client.title} has \`${entry.name}\` now; everything else in the file is as it was`);
  }
  io.stdout(`${path}\n`);
  advise(options, client, entry);
  return ExitCodes.ok;
}

/**
 * What would be written where. For who has something else to do first, and must not when this is refused.
 * @throws ProblemError those of `runExport`
 */
export async function planExport(options: ExportOptions) {
  const { client, entry } = wanted(options);
  const { path, scope } = fileOf(client, options);
  const file = scope === 'project' ? await ownFile(resolve(options.cwd, options.dir), path) : await followed(path);
  const before = await readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return { client, entry, path, scope, file, before, after: rendered(client, before, entry, path) };
}

function wanted(options: ExportOptions): { client: Client; entry: GatewayEntry } {
  const client = findClient(options.client);
  if (!client) throw usage(`there is no client \`${options.client}\``);
  return { client, entry: entryOf(client, options) };
}

function entryOf(client: Client, options: ExportOptions): GatewayEntry {
  const { project, name = project, server, context, stateDir, bridge, cwd, platform = process.platform } = options;
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(project)) throw usage(`\`${project}\` cannot name a project`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw usage(`\`${name}\` cannot name an entry: letters, digits, \`_\` and \`-\` only`);
  }
  if (server !== undefined && bridge !== true && takesAddress(client.name)) {
    return { name, project, platform, via: { kind: 'url', server: serverUrl(server) } };
  }
  const flags = [
    ...(server === undefined ? [] : ['--server', serverUrl(server)]),
    ...(context === undefined ? [] : ['--context', context]),
    ...(stateDir === undefined ? [] : ['--state-dir', resolve(cwd, stateDir)]),
  ];
  return { name, project, platform, via: { kind: 'bridge', options: flags } };
}

function rendered(client: Client, text: string, entry: GatewayEntry, file: string): string {
  const result = render(client, text, entry, file);
  if ('problem' in result) throw new ProblemError(result.problem);
  return result.text;
}

function fileOf(client: Client, options: ExportOptions): { path: string; scope: ClientScope } {
  const { env, cwd, dir, scope, platform = process.platform } = options;
  const file = scope === undefined ? client.files[0] : client.files.find(one => one.scope === scope);
  if (!file) throw usage(`${client.title} has no file per project; leave --scope out`);
  return { path: file.path({ env, platform, cwd: resolve(cwd, dir) }), scope: file.scope };
}

/** A project's file: through no symbolic link, for a repository must not make us write elsewhere. */
async function ownFile(folder: string, path: string): Promise<string> {
  let at = folder;
  for (const part of relative(folder, path).split(sep)) {
    at = resolve(at, part);
    const stats = await lstat(at).catch(() => undefined);
    if (!stats?.isSymbolicLink()) continue;
    throw new ProblemError(problem('FILE_NOT_REGULAR', `${at} is a symbolic link`, { at: { file: path } }));
  }
  return path;
}

/** A user's file: people keep theirs elsewhere and link it. */
async function followed(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function advise({ io }: ExportOptions, client: Client, { via }: GatewayEntry): void {
  if (via.kind === 'bridge') {
    step(io, 'it starts `mcpctl connect`, which finds the gateway and its token on this machine');
  } else if (client.name !== 'vscode') {
    step(io, `it reads the token from $${TOKEN_VARIABLE}: set that where ${client.title} is started`);
  }
  step(io, client.after);
}

function usage(message: string): ProblemError {
  return new ProblemError(problem('USAGE', message));
}
