import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctlHome } from '../../host/index.ts';
import { connectUpstream } from '../../reconciler/mcp/index.ts';
import { openPackageStore } from '../../reconciler/packages/index.ts';
import { type LaunchSpec, openProcessRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { resolveSecret } from '../../reconciler/secrets/index.ts';
import { link, parseFile, type Resource } from '../../schema/index.ts';
import { connectionOf } from './connection.ts';

const root = join(import.meta.dirname, '..', '..', 'example-repo');
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name))
  .map(path => parseFile({ path: path.slice(root.length + 1), oid: '', mode: '100644' }, readFileSync(path)));
const { catalog, problems } = link(
  files.flatMap(({ resource }) => resource ?? []),
  [],
);
const servers = catalog.list('Server');
const store = openPackageStore({ dir: join(mcpctlHome(process.env), 'packages'), env: process.env });

let stateDir: string;
let runtime: Runtime;

beforeAll(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'mcpctl-example-'));
  const records = { put: () => undefined, delete: () => undefined, all: () => [] };
  runtime = openProcessRuntime({ stateDir, records, env: process.env });
});
afterAll(async () => {
  await runtime.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function launch(server: Resource<'Server'>): Promise<LaunchSpec> {
  const { package: npm, args, env: declared, transport, path } = server.spec;
  if (!npm || transport === 'sse') throw new Error(`${server.name} does not come from npm`);
  const lock = readFileSync(join(root, 'locks/servers', server.name, 'package-lock.json'));
  const installed = await store.install({ ...npm, lock });
  if ('problem' in installed) throw new Error(installed.problem.message);
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  for (const variable of declared) {
    if ('value' in variable) env[variable.name] = variable.value;
    else {
      const { name, key } = variable.valueFrom.secretRef;
      const secret = catalog.get(`secret/${name}`);
      if (secret?.kind !== 'Secret') throw new Error(`no Secret ${name}`);
      const found = await resolveSecret(secret.spec, key, { env: {}, home: stateDir, stateDir, scopeId: secret.id });
      if ('problem' in found) throw new Error(found.problem.message);
      env[variable.name] = found.value;
      secrets.push(found.value);
    }
  }
  const argv = [process.execPath, installed.entry, ...args];
  const id = `${server.name}-0`;
  return { id, server: server.name, ordinal: 0, specDigest: '', argv, env, transport, port: 0, path, secrets };
}

describe('the example repository', () => {
  it('has no problem, and what it promises', () => {
    expect([...files.flatMap(file => file.problems), ...problems]).toEqual([]);
    expect(servers.length).toBeGreaterThanOrEqual(6);
    expect(catalog.list('Project').length).toBeGreaterThanOrEqual(2);
    expect(catalog.list('Lock').map(({ name }) => name)).toEqual(servers.map(({ name }) => name));
  });

  it.each(catalog.list('Lock').map(({ file }) => [file]))('%s names no download address', file => {
    expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/"resolved"|registry\./);
  });

  it.each(servers.map(server => [server.name, server] as const))(
    '%s starts and lists its tools',
    async (name, server) => {
      const instance = await runtime.ensure(await launch(server));
      if ('problem' in instance) throw new Error(instance.problem.message);
      const upstream = await connectUpstream(await connectionOf(runtime, instance.id), {
        name,
        timeoutMs: 20_000,
        secrets: [],
      });
      if ('problem' in upstream) throw new Error(`${upstream.problem.message}\n${instance.logs().join('\n')}`);
      expect(upstream.surface.tools.length).toBeGreaterThan(0);
      await upstream.close();
    },
    120_000,
  );

  it('gives each server what it declares, and no more', async () => {
    const server = servers.find(({ name }) => name === 'everything-http');
    if (!server) throw new Error('no everything-http');
    const spec = await launch(server);
    const instance = await runtime.ensure(spec);
    if ('problem' in instance) throw new Error(instance.problem.message);
    const upstream = await connectUpstream(await connectionOf(runtime, instance.id), {
      name: spec.id,
      timeoutMs: 20_000,
      secrets: [],
    });
    if ('problem' in upstream) throw new Error(upstream.problem.message);
    const answer = JSON.stringify(await upstream.request('tools/call', { name: 'get-env', arguments: {} }));
    expect(answer).toContain('hello from the repository');
    expect(answer).toContain(spec.env.SESSION_KEY);
    expect(answer).not.toContain('MCPCTL_HOME');
    await upstream.close();
  }, 120_000);

  it('keeps the knowledge graph where its Server says', async () => {
    const server = servers.find(({ name }) => name === 'memory');
    if (!server) throw new Error('no memory');
    const instance = await runtime.ensure(await launch(server));
    if ('problem' in instance) throw new Error(instance.problem.message);
    await runtime.remove(instance.id);
    const again = await runtime.ensure(await launch(server));
    if ('problem' in again) throw new Error(again.problem.message);
    const upstream = await connectUpstream(await connectionOf(runtime, again.id), {
      name: 'memory',
      timeoutMs: 20_000,
      secrets: [],
    });
    if ('problem' in upstream) throw new Error(upstream.problem.message);
    const entities = [{ name: 'mcpctl', entityType: 'program', observations: ['remembers'] }];
    await upstream.request('tools/call', { name: 'create_entities', arguments: { entities } });
    await upstream.close();
    const kept = readFileSync(join(stateDir, 'instances/memory-0/memory.jsonl'), 'utf8');
    expect(kept).toContain('remembers');
  }, 120_000);
});
