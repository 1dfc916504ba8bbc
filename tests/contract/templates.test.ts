import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctlHome } from '../../host/index.ts';
import { connectUpstream } from '../../reconciler/mcp/index.ts';
import { openPackageStore } from '../../reconciler/packages/index.ts';
import { openProcessRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { type GivenValue, instantiate, parseFile, type Resource } from '../../schema/index.ts';
import { connectionOf } from './connection.ts';

const folder = join(import.meta.dirname, '..', '..', 'example-repo', 'templates');
const secret = 'tokens/main';
const url = 'https://example.org';

/** What each template is given, and why it is not started here. */
const rows: Record<string, { given?: Record<string, GivenValue>; skip?: string }> = {
  everything: { given: { replicas: 2 } },
  fetch: { skip: 'needs Python' },
  filesystem: {},
  git: { given: { repository: '/srv/repository' }, skip: 'needs Python' },
  gitea: { given: { url, token: secret }, skip: 'needs an account' },
  github: { given: { authorization: secret }, skip: 'needs an account' },
  grafana: { given: { url, token: secret }, skip: 'needs an account' },
  kubernetes: { given: { kubeconfig: '/etc/kubeconfig' }, skip: 'needs a cluster' },
  memory: { given: { file: 'graph.jsonl' } },
  playwright: {},
  postgres: { given: { database: secret, access: 'unrestricted' }, skip: 'needs Python and a database' },
  'sequential-thinking': { given: { quiet: 'false' } },
};

const templates = readdirSync(folder).map(file => {
  const path = `templates/${file}`;
  const { resource, problems } = parseFile({ path, oid: '', mode: '100644' }, readFileSync(join(folder, file)));
  if (resource?.kind !== 'Template' || problems.length > 0) throw new Error(JSON.stringify(problems));
  return resource;
});

/** The Server that comes of a template, read back from its file. */
function serverOf(template: Resource<'Template'>): Resource<'Server'> {
  const result = instantiate(template, template.name, rows[template.name]?.given ?? {});
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  const path = `servers/${template.name}.yaml`;
  const { resource } = parseFile({ path, oid: '', mode: '100644' }, Buffer.from(JSON.stringify(result.document)));
  if (resource?.kind !== 'Server') throw new Error(`${path} is no Server`);
  return resource;
}

let stateDir: string;
let runtime: Runtime;
const store = openPackageStore({ dir: join(mcpctlHome(process.env), 'packages'), env: process.env });

beforeAll(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'mcpctl-templates-'));
  const records = { put: () => undefined, delete: () => undefined, all: () => [] };
  runtime = openProcessRuntime({ stateDir, records, env: process.env });
});
afterAll(async () => {
  await runtime.close();
  rmSync(stateDir, { recursive: true, force: true });
});

describe('the templates of the example', () => {
  it('are those that are tested here', () => {
    expect(templates.map(({ name }) => name).sort()).toEqual(Object.keys(rows).sort());
  });

  it.each(templates.map(template => [template.name, template] as const))('%s makes a Server', (name, template) => {
    const server = serverOf(template);
    expect(server.metadata.annotations['mcpctl.dev/template']).toBe(name);
    expect(server.spec.url ?? server.spec.package?.version).toMatch(/^https:|^[0-9]+(?:\.[0-9]+)+$/);
    expect(JSON.stringify(server.spec)).not.toContain('${');
  });

  for (const template of templates) {
    const { skip } = rows[template.name] ?? {};
    const reason = skip === undefined ? '' : ` (skipped: ${skip})`;
    it.skipIf(skip !== undefined)(
      `${template.name} starts and lists its tools${reason}`,
      async () => {
        const { name, spec } = serverOf(template);
        const { package: npm, transport, args, path, env: declared } = spec;
        if (!npm || transport === 'sse') throw new Error(`${name} does not come from npm`);
        const installed = await store.install({ ...npm });
        if ('problem' in installed) throw new Error(installed.problem.message);
        const env = Object.fromEntries(declared.map(one => [one.name, 'value' in one ? one.value : '']));
        const argv = [process.execPath, installed.entry, ...args];
        const id = `${name}-0`;
        const launch = {
          id,
          server: name,
          ordinal: 0,
          specDigest: '',
          argv,
          env,
          transport,
          port: 0,
          path,
          secrets: [],
        };
        const instance = await runtime.ensure(launch);
        if ('problem' in instance) throw new Error(instance.problem.message);
        const upstream = await connectUpstream(await connectionOf(runtime, instance.id), {
          name,
          timeoutMs: 30_000,
          secrets: [],
        });
        if ('problem' in upstream) throw new Error(`${upstream.problem.message}\n${instance.logs().join('\n')}`);
        expect(upstream.surface.tools.length).toBeGreaterThan(0);
        await upstream.close();
      },
      180_000,
    );
  }
});
