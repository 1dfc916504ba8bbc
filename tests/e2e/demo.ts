// The main job, shown: a commit pushed to a repository becomes a running MCP server that a real client calls.
// Run by `npm run demo`; `-- --keep` leaves everything running.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Status } from '../../reconciler/index.ts';
import { condition, poll, startUp, type UpProcess } from './daemon.ts';

const root = join(import.meta.dirname, '..', '..');
const keep = process.argv.includes('--keep');
const began = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-demo-'));
const remote = join(folder, 'ai.git');
const work = join(folder, 'work');
// Installed packages are kept with the checkout's own, so that a second run is quick.
const home = join(root, 'node_modules', '.cache', 'mcpctl-demo');

function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds} s  ${text}`);
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.com', '-c', 'commit.gpgSign=false'];
  return execFileSync('git', [...identity, '-C', work, ...args], {
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** Edit the working tree, commit, push. @returns milliseconds (performance.now) at which the push had arrived */
function push(message: string, edit: () => void): number {
  edit();
  git('add', '-A');
  git('commit', '-qm', message);
  git('push', '-q', 'origin', 'HEAD:main');
  return performance.now();
}

function edit(file: string, change: (text: string) => string): void {
  const path = join(work, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the demo’s edit of ${file} changes nothing`);
  writeFileSync(path, after);
}

function head(): string {
  return git('rev-parse', 'HEAD');
}

function createRemote(): void {
  cpSync(join(root, 'example-repo'), work, { recursive: true });
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', remote]);
  execFileSync('git', ['init', '-q', '-b', 'main', work]);
  git('remote', 'add', 'origin', remote);
  push('Declare the first servers', () => {});
}

/** What a git server's administrator does: install the hook, and tell it where the daemon is. */
function installHook(stateDir: string): void {
  cpSync(join(root, 'hooks', 'post-receive'), join(remote, 'hooks', 'post-receive'));
  execFileSync('git', ['-C', remote, 'config', 'mcpctl.stateDir', stateDir]);
  execFileSync('git', ['-C', remote, 'config', 'mcpctl.command', join(root, 'cli', 'mcpctl.mjs')]);
}

async function connect(up: UpProcess): Promise<Client> {
  const client = new Client({ name: 'demo', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(new URL(`${up.url}/mcp/demo`), {
    requestInit: { headers: { authorization: `Bearer ${up.token}` } },
  });
  await client.connect(transport);
  return client;
}

async function toolNames(client: Client): Promise<string[]> {
  return (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name);
}

async function promptText(client: Client): Promise<string> {
  return JSON.stringify((await client.getPrompt({ name: 'standup', arguments: { team: 'platform' } })).messages);
}

async function callEcho(client: Client): Promise<void> {
  const { content } = await client.callTool({ name: 'everything__echo', arguments: { message: 'hello, gateway' } });
  say(`✔ a client called everything__echo: ${JSON.stringify(content)}`);
}

function showStatus(up: UpProcess): void {
  const text = execFileSync(process.execPath, [join(root, 'cli', 'mcpctl.mjs'), 'status', '--state-dir', up.stateDir], {
    encoding: 'utf8',
  });
  console.log(`\n$ mcpctl status\n${text}`);
}

function isReadyAt(commit: string): (status: Status) => boolean {
  return status => status.revision.applied === commit && condition(status, 'Ready') === 'True';
}

async function demonstrate(up: UpProcess): Promise<void> {
  await up.until('every instance to be Ready', isReadyAt(head()), 120_000);
  say('✔ every instance is Ready');
  showStatus(up);
  const client = await connect(up);
  const tools = await toolNames(client);
  say(`✔ a client connected, protocol ${client.getNegotiatedProtocolVersion()}, ${tools.length} tools`);
  await callEcho(client);

  await newServerAndPrompt(up, client);
  await brokenServer(up, client);
  await revert(up);
  await client.close();
}

async function newServerAndPrompt(up: UpProcess, client: Client): Promise<void> {
  say('► pushing a commit: a new server `notes`, and an edited prompt `standup`');
  const pushed = push('Add notes, reword the stand-up', () => {
    cpSync(join(work, 'servers', 'memory.yaml'), join(work, 'servers', 'notes.yaml'));
    cpSync(join(work, 'locks', 'servers', 'memory'), join(work, 'locks', 'servers', 'notes'), { recursive: true });
    edit('projects/demo/project.yaml', text => text.replace('memory, ', 'memory, notes, '));
    edit('prompts/standup.md', text => text.replace('three short lists', 'three short, honest lists'));
  });
  await poll('the edited prompt', 30_000, async () => (await promptText(client)).includes('honest'));
  say(`✔ the edited prompt is served, ${milliseconds(pushed)} ms after the push`);
  await poll('the new server’s tools', 60_000, async () =>
    (await toolNames(client)).some(name => name.startsWith('notes__')),
  );
  say(`✔ notes__* tools are listed by the connected client, ${milliseconds(pushed)} ms after the push`);
  const status = await up.until('everything to be Ready again', isReadyAt(head()));
  const [instance] = status.servers.find(({ name }) => name === 'notes')?.instances ?? [];
  say(`  of which the server itself took ${instance?.startMs} ms to start and initialise`);
}

async function brokenServer(up: UpProcess, client: Client): Promise<void> {
  const goodRevision = (await up.status()).servers.find(({ name }) => name === 'everything')?.revision;
  say('► pushing a commit with a mistake in `everything`, and another edit of the prompt');
  const pushed = push('Break everything, reword the stand-up again', () => {
    edit('servers/everything.yaml', text => text.replace('replicas: 2', 'replicas: two'));
    edit('prompts/standup.md', text => text.replace('honest', 'honest, cheerful'));
  });
  await poll('the edited prompt', 30_000, async () => (await promptText(client)).includes('cheerful'));
  say(`✔ the rest of the commit is live, ${milliseconds(pushed)} ms after the push`);
  const status = await up.until('the mistake to show', ({ revision }) => revision.applied === head());
  const server = status.servers.find(({ name }) => name === 'everything');
  const [mistake] = status.problems.filter(
    ({ resource, severity }) => resource === 'server/everything' && severity === 'error',
  );
  if (!server || condition(server, 'Stalled') !== 'True' || server.revision !== goodRevision || !mistake?.at?.line) {
    throw new Error(`everything should be stalled at ${goodRevision}: ${JSON.stringify({ server, mistake })}`);
  }
  say(`✔ everything stays at its last good revision ${server.revision.slice(0, 7)}, and still answers:`);
  await callEcho(client);
  showStatus(up);
}

async function revert(up: UpProcess): Promise<void> {
  say('► reverting that commit');
  git('revert', '--no-edit', 'HEAD');
  git('push', '-q', 'origin', 'HEAD:main');
  const status = await up.until('everything to be Ready after the revert', isReadyAt(head()));
  if (status.problems.some(({ severity }) => severity === 'error')) throw new Error(JSON.stringify(status.problems));
  say('✔ everything is Ready, nothing is stalled');
}

function milliseconds(since: number): number {
  return Math.round(performance.now() - since);
}

function showKept(up: UpProcess): void {
  console.log(`
Left running. Connect Claude Code:

  claude mcp add --transport http mcpctl-demo ${up.url}/mcp/demo --header "Authorization: Bearer ${up.token}"

The repository is ${remote}; its working copy is ${work}: commit and push, and watch \`mcpctl status\`.
Its output goes to ${join(folder, 'up.log')}. Stop it with:

  kill ${up.child.pid} && rm -rf ${folder}
`);
}

createRemote();
say(`✔ a bare repository, made from example-repo: ${remote}`);
const stateDir = join(folder, 'state');
installHook(stateDir);
say('► starting mcpctl up');
const up = await startUp({
  repository: remote,
  stateDir,
  env: { MCPCTL_HOME: home },
  ...(keep ? { logFile: join(folder, 'up.log') } : { onLine: line => say(`    ${line}`) }),
});
const interrupted = () => void up.stop().finally(() => process.exit(130));
process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
try {
  await demonstrate(up);
  if (keep) showKept(up);
  else say('✔ done; stopping everything');
} catch (error) {
  console.error(`✗ ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  if (keep && process.exitCode === undefined) up.child.unref();
  else {
    await up.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
