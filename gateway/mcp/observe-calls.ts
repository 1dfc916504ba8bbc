import { formatTraceparent, parseTraceparent, type Span, type TraceContext } from '../../host/index.ts';
import type { ServedProject, Telemetry } from '../../reconciler/index.ts';
import type { Params } from './methods.ts';
import { splitName } from './names.ts';

/** One request of a client, before it is answered. */
export interface ObservedCall {
  project: ServedProject;
  method: string;
  params: Params;
  id: string | number;
  /** The HTTP request's headers. */
  header: Headers | undefined;
}

/** Measures a call. `work` is given the parameters to go on with, which may name the trace. */
export type CallObserver = (call: ObservedCall, work: (params: Params) => Promise<Params>) => Promise<Params>;

/** Seconds; the bounds that OpenTelemetry's conventions for MCP give. */
const BOUNDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
/** Methods that are answered; any other name is the client's invention. */
const METHODS = new Set(['tools/list', 'tools/call', 'prompts/list', 'prompts/get']);
const OTHER = '_OTHER';

/** Metrics and spans as OpenTelemetry's conventions for MCP name them. */
export function createCallObserver({ metrics, tracer }: Telemetry): CallObserver {
  const seconds = metrics.histogram(
    'mcp_server_operation_duration_seconds',
    'How long requests of MCP clients took, from being read to being answered.',
    BOUNDS,
  );

  return async (call, work) => {
    const method = METHODS.has(call.method) ? call.method : OTHER;
    const target = typeof call.params.name === 'string' ? call.params.name.slice(0, 128) : undefined;
    const server = serverOf(call.project, target);
    const span = tracer?.start(target === undefined ? method : `${method} ${target}`, {
      kind: 'server',
      parent: parentOf(call),
      attributes: spanAttributes(call, method, target, server),
    });
    const began = performance.now();
    let error = '';
    try {
      const result = await work(span ? withTrace(call.params, span.context) : call.params);
      if (result.isError === true) error = 'tool_error';
      return result;
    } catch (thrown) {
      error = errorType(thrown);
      throw thrown;
    } finally {
      const labels = { mcp_method_name: method, mcpctl_project: call.project.name, mcpctl_server: server };
      seconds.observe({ ...labels, error_type: error }, (performance.now() - began) / 1000);
      finish(span, error);
    }
  };
}

function finish(span: Span | undefined, error: string): void {
  if (error !== '') span?.set({ 'error.type': error });
  span?.end(error === '' ? {} : { error });
}

/** Only a server that there is: a name that a client makes up must not become a series of its own. */
function serverOf(project: ServedProject, target: string | undefined): string {
  const name = target === undefined ? undefined : splitName(target)?.server;
  return project.servers.some(server => server.name === name) ? String(name) : '';
}

/** The trace that the message names, or else its HTTP request. */
function parentOf({ params, header }: ObservedCall): TraceContext | undefined {
  return parseTraceparent(metaOf(params)?.traceparent) ?? parseTraceparent(header?.get('traceparent') ?? undefined);
}

function withTrace(params: Params, context: TraceContext): Params {
  return { ...params, _meta: { ...metaOf(params), traceparent: formatTraceparent(context) } };
}

function metaOf(params: Params): Params | undefined {
  return typeof params._meta === 'object' && params._meta !== null ? (params._meta as Params) : undefined;
}

function spanAttributes(
  { project, id }: ObservedCall,
  method: string,
  target: string | undefined,
  server: string,
): Record<string, string> {
  return {
    'mcp.method.name': method,
    'jsonrpc.request.id': String(id).slice(0, 128),
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'mcpctl.project': project.name,
    ...(server !== '' && { 'mcpctl.server': server }),
    ...(method === 'tools/call' && { 'gen_ai.operation.name': 'execute_tool' }),
    ...(method === 'tools/call' && target !== undefined && { 'gen_ai.tool.name': target }),
    ...(method === 'prompts/get' && target !== undefined && { 'gen_ai.prompt.name': target }),
  };
}

/** A JSON-RPC error's code; codes that servers make up are told together. */
function errorType(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
  return Number.isInteger(code) && code >= -32_768 && code <= -32_000 ? String(code) : OTHER;
}
