import { Client, isCallToolResult, SdkError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { redact } from '../../../host/index.ts';
import type { CliContext, ExitCode, Io } from '../../context.ts';
import { table } from '../../table.ts';

export interface TestMcpOptions {
  io: Pick<Io, 'stdout' | 'stderr'>;
  env: CliContext['env'];
  signal?: AbortSignal;
  url: string;
  tool?: string;
  args?: Record<string, unknown>;
  expectTools?: string[];
  token?: string;
  /** Seconds for each step; 30 by default. */
  timeout?: number;
  /** Ask /healthz first; true by default. */
  health?: boolean;
  output?: 'table' | 'json';
}

/** The codes of `test mcp`, and what they mean. */
const codes = { pass: 0, transport: 1, contract: 2 } as const;

/** What is printed as JSON; keys are only ever added. */
interface Report {
  url: string;
  ok: boolean;
  exitCode: ExitCode;
  protocol?: { era: string; version: string };
  server?: { name: string; version: string };
  steps: Step[];
  tools: string[];
  result?: unknown;
}

interface Step {
  name: 'health' | 'connect' | 'list' | 'expect' | 'call';
  ok: boolean;
  milliseconds: number;
  message: string;
}

/** A step that failed: the exit code it leads to. */
class StepFailed extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Test an MCP endpoint: health, connect (either era), list tools, compare with the expected ones, call one.
 * @returns 0 it works, 1 no connection or not allowed, 2 a broken contract
 */
export async function runTestMcp(options: TestMcpOptions): Promise<ExitCode> {
  const token = options.token ?? options.env.MCPCTL_TOKEN;
  const report: Report = { url: redact(options.url, []), ok: false, exitCode: codes.pass, steps: [], tools: [] };
  const client = new Client({ name: 'mcpctl-test', version: '0.1.0' }, { versionNegotiation: { mode: 'auto' } });
  try {
    await test(client, options, token, report);
  } catch (error) {
    report.exitCode = error instanceof StepFailed ? error.exitCode : codes.transport;
  } finally {
    await client.close().catch(() => undefined);
  }
  report.ok = report.exitCode === codes.pass;
  show(options, report);
  return report.exitCode;
}

async function test(client: Client, options: TestMcpOptions, token: string | undefined, report: Report): Promise<void> {
  const { timeout = 30, health = true, expectTools = [], tool, args = {} } = options;
  const step = stepper(report, token);
  const limits = { timeout: timeout * 1_000, ...(options.signal && { signal: options.signal }) };
  const url = await step('connect', codes.transport, async () => [parseUrl(options.url), undefined]);

  if (health) await step('health', codes.transport, () => checkHealth(url, limits.timeout));
  await step('connect', codes.transport, async () => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }), limits);
    const version = client.getNegotiatedProtocolVersion() ?? '';
    report.protocol = { era: client.getProtocolEra() ?? '', version };
    const info = client.getServerVersion();
    if (info) report.server = { name: info.name, version: info.version };
    return [undefined, `protocol ${version}, ${info?.name ?? 'an unnamed server'}`];
  });
  await step('list', codes.contract, async () => {
    const { tools } = await client.listTools(undefined, limits);
    report.tools = tools.map(({ name }) => name);
    return [undefined, tools.length === 1 ? '1 tool' : `${tools.length} tools`];
  });
  if (expectTools.length > 0) {
    await step('expect', codes.contract, async () => {
      const missing = expectTools.filter(name => !report.tools.includes(name));
      if (missing.length > 0) throw new Error(`not listed: ${missing.join(', ')}`);
      return [undefined, `all ${expectTools.length} are listed`];
    });
  }
  if (tool === undefined) return;
  await step('call', codes.contract, async () => {
    const result = await client.callTool({ name: tool, arguments: args }, limits);
    report.result = result;
    if (!isCallToolResult(result)) throw new Error('the result is not valid');
    if (result.isError) throw new Error(`${tool} failed: ${JSON.stringify(result.content).slice(0, 500)}`);
    return [undefined, `${tool} answered`];
  });
}

/** Runs steps, notes each in the report, and turns what they throw into the exit code. */
function stepper(report: Report, token: string | undefined) {
  return async <T>(
    name: Step['name'],
    exitCode: ExitCode,
    run: () => Promise<readonly [T, string | undefined]>,
  ): Promise<T> => {
    const startedAt = performance.now();
    const note = (ok: boolean, message: string) => {
      const milliseconds = Math.round((performance.now() - startedAt) * 10) / 10;
      report.steps.push({ name, ok, milliseconds, message: redact(message, token ? [token] : [], 1_000) });
    };
    try {
      const [value, message] = await run();
      if (message !== undefined) note(true, message);
      return value;
    } catch (error) {
      note(false, describe(error));
      throw new StepFailed(name, isTransport(error) ? codes.transport : exitCode);
    }
  };
}

async function checkHealth(url: URL, timeoutMs: number): Promise<readonly [undefined, string]> {
  const response = await fetch(new URL('/healthz', url), { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`/healthz answers ${response.status}; --no-health leaves it out`);
  return [undefined, '/healthz is fine'];
}

/** Whether a step failed for want of a connection, or of an answer, rather than for what the answer was. */
function isTransport(error: unknown): boolean {
  if (error instanceof SdkError) return /TIMEOUT|CLOSED|CONNECTED|SEND_FAILED|^CLIENT_HTTP/.test(error.code);
  return error instanceof TypeError;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error('the URL has to be an http:// or https:// address');
  return url;
}

function show({ io, output = 'table' }: TestMcpOptions, report: Report): void {
  if (output === 'json') {
    io.stdout(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const rows = report.steps.map(({ name, ok, milliseconds, message }) => [
    ok ? '✔' : '✗',
    name,
    `${milliseconds} ms`,
    message,
  ]);
  io.stdout(table([['', 'STEP', 'TIME', 'RESULT'], ...rows]));
  if (report.result !== undefined) io.stdout(`${JSON.stringify(report.result, null, 2)}\n`);
  if (!report.ok) io.stderr(`✗ ${report.url} does not pass; exit code ${report.exitCode}\n`);
}
