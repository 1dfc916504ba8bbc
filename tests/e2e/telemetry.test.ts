import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../otlp-receiver.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { goodServer, repositoryYaml, serverYaml, smallRepository } from './catalog.ts';
import { condition, poll, startUp, type UpProcess } from './daemon.ts';

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let folder: string;
let repository: TempRepository;
let receiver: OtlpReceiver;
const cleanUp: (() => unknown)[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-telemetry-'));
  repository = tempRepository(smallRepository);
  receiver = await startOtlpReceiver();
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  await receiver.close();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function up(env: Record<string, string> = {}): Promise<UpProcess> {
  const args = ['--poll', '3600'];
  const running = await startUp({ repository: repository.bare, stateDir: join(folder, 'state'), args, env });
  cleanUp.push(() => running.stop());
  await running.until('Ready', status => condition(status, 'Ready') === 'True');
  return running;
}

const exporting = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_EXPORTER_OTLP_HEADERS: 'api-key=s3cret%20key',
  OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

async function ask(running: UpProcess, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const authorization = `Bearer ${running.token}`;
  return fetch(`${running.url}${path}`, { method, headers: { authorization, ...headers } });
}

async function spansOf(commit: string): Promise<ReceivedSpan[]> {
  const root = () => receiver.spans.find(({ attributes }) => attributes['vcs.ref.head.revision'] === commit);
  await poll('the trace', 20_000, () => root() !== undefined);
  return receiver.spans.filter(({ traceId }) => traceId === root()?.traceId);
}

async function client(running: UpProcess): Promise<Client> {
  const one = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${running.token}` } };
  await one.connect(new StreamableHTTPClientTransport(new URL(`${running.url}/mcp/demo`), { requestInit }));
  cleanUp.push(() => one.close());
  return one;
}

it('one trace goes from the push to Ready, and goes on from the one that poked', async () => {
  const running = await up(exporting());
  const commit = repository.commit({ 'mcpctl.yaml': repositoryYaml, 'servers/two.yaml': goodServer });
  await ask(running, '/api/v1/reconcile', { traceparent: parent }, 'POST');
  const spans = await spansOf(commit);
  // Further steps may come between these.
  const expected = ['fetch', 'read', 'decide', 'apply', 'instance start', 'ready', 'reconcile'];
  expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(expected));
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  const root = spans.find(({ name }) => name === 'reconcile');
  expect(root).toMatchObject({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    parentSpanId: '00f067aa0ba902b7',
    attributes: { 'vcs.ref.head.name': 'main', 'mcpctl.reconcile.trigger': 'poke' },
    status: {},
  });
  for (const span of spans.filter(one => one !== root)) {
    expect(span.parentSpanId).toBe(root?.spanId);
    expect(BigInt(span.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(root?.startTimeUnixNano ?? 0));
    expect(BigInt(span.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(root?.endTimeUnixNano ?? 0));
  }
  const start = spans.find(({ name }) => name === 'instance start');
  expect(start?.attributes).toEqual({ 'mcpctl.instance': 'two-0', 'mcpctl.server': 'two' });
  expect(receiver.resource).toMatchObject({ 'service.name': 'mcpctl', 'deployment.environment.name': 'test' });
  expect(receiver.headers[0]).toMatchObject({ 'api-key': 's3cret key' });
  expect(receiver.faults).toEqual([]);
});

it('a commit that is refused ends its trace with the reason', async () => {
  const running = await up(exporting());
  const commit = repository.commit({ 'mcpctl.yaml': 'not: [valid' });
  await ask(running, '/api/v1/reconcile', {}, 'POST');
  const spans = await spansOf(commit);
  expect(spans.find(({ name }) => name === 'reconcile')).toMatchObject({ status: { code: 2 } });
});

it('a tool call is a span that the server’s own spans go on from', async () => {
  const running = await up(exporting());
  const one = await client(running);
  const { tools } = await one.listTools();
  const name = tools[0]?.name ?? '';
  await one.callTool({ name, arguments: {}, _meta: { traceparent: parent } }).catch(() => undefined);
  await one.callTool({ name: 'nosuch__tool', arguments: {} }).catch(() => undefined);
  const called = (tool: string) => receiver.spans.find(({ attributes }) => attributes['gen_ai.tool.name'] === tool);
  await poll('both spans', 20_000, () => called(name) !== undefined && called('nosuch__tool') !== undefined);
  expect(called(name)).toMatchObject({
    name: `tools/call ${name}`,
    kind: 2,
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    parentSpanId: '00f067aa0ba902b7',
    attributes: {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'mcpctl.project': 'demo',
      'mcpctl.server': 'one',
    },
  });
  expect(called('nosuch__tool')).toMatchObject({ attributes: { 'error.type': '-32602' }, status: { code: 2 } });
  expect(called('nosuch__tool')?.attributes['mcpctl.server']).toBeUndefined();
});

it('a collector that is gone or refuses is said once and slows nothing', async () => {
  await receiver.close();
  const running = await up(exporting());
  const commit = repository.commit({ 'mcpctl.yaml': repositoryYaml, 'servers/two.yaml': goodServer });
  await ask(running, '/api/v1/reconcile', {}, 'POST');
  await running.until('the push', now => now.revision.applied === commit && condition(now, 'Ready') === 'True');
  await poll('the complaint', 20_000, () => running.stderr().includes('Traces could not be sent'));
  expect(running.stderr().match(/Traces could not be sent/g)).toHaveLength(1);
  expect(running.stderr()).not.toContain('s3cret');
  receiver = await startOtlpReceiver();
});

it('without a collector named, nothing is sent', async () => {
  const running = await up({ ...exporting(), OTEL_TRACES_EXPORTER: 'none' });
  const one = await client(running);
  await one.listTools();
  await running.stop();
  expect(receiver.headers).toEqual([]);
});

it('/metrics needs the token, and tells passes, instances, problems and calls', async () => {
  const running = await up();
  expect((await fetch(`${running.url}/metrics`)).status).toBe(401);
  const broken = serverYaml(['node', '-e', 'process.exit(3)']);
  const commit = repository.commit({ 'mcpctl.yaml': repositoryYaml, 'servers/broken.yaml': broken });
  await ask(running, '/api/v1/reconcile', {}, 'POST');
  await running.until(
    'the push',
    now => now.revision.applied === commit && now.problems.some(({ severity }) => severity === 'error'),
  );
  const one = await client(running);
  for (let count = 0; count < 3; count++) {
    await one.callTool({ name: `made-up-${count}__tool`, arguments: {} }).catch(() => undefined);
  }
  const answer = await ask(running, '/metrics');
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await answer.text();
  for (const line of [
    `mcpctl_revision_info{vcs_ref_head_revision="${commit}",vcs_ref_head_name="main"} 1`,
    'mcpctl_instances{mcpctl_server="one",state="Running"} 1',
    'mcpctl_instance_health{mcpctl_server="one",mcpctl_instance="one-0",state="healthy"} 1',
    'mcpctl_instance_health{mcpctl_server="one",mcpctl_instance="one-0",state="unhealthy"} 0',
    'mcpctl_instance_restarts_total{mcpctl_server="one",mcpctl_instance="one-0"} 0',
    'mcpctl_server_ready{mcpctl_server="one"} 1',
    'mcpctl_server_ready{mcpctl_server="broken"} 0',
    'mcpctl_fetches_total{mode="poke",error_type=""} 2',
    'mcpctl_reconcile_step_duration_seconds_count{step="apply"} 2',
    'mcpctl_condition{type="Ready"} 0',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/^mcpctl_problems\{code="[A-Z_]+",severity="error"\} 1$/m);
  expect(text).toMatch(/^mcp_server_operation_duration_seconds_count\{.*mcpctl_server="",error_type="-32602"\} 3$/m);
  expect(text).not.toContain('made-up');
  // Every line is one that Prometheus takes.
  const sample = /^[a-z_]+(\{([a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? -?(\d+(\.\d+)?(e[+-]?\d+)?|\+Inf)$/;
  expect(text.split('\n').filter(line => line !== '' && !line.startsWith('# ') && !sample.test(line))).toEqual([]);
});
