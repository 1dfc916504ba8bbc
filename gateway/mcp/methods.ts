import { randomUUID } from 'node:crypto';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Desk, ServedProject, ServedServer } from '../../reconciler/index.ts';
import type { McpObject, RequestOptions, Upstream } from '../../reconciler/mcp/index.ts';
import { compareText, isExposed, ProblemError } from '../../schema/index.ts';
import { splitName, withServerName } from './names.ts';
import { describePrompt, fillPrompt } from './prompts.ts';
import { callProposalTool, proposalTools } from './propose.ts';

export type Params = Record<string, unknown>;

export interface CallContext {
  era: 'modern' | 'legacy';
  signal?: AbortSignal;
  onProgress?: (progress: Params) => void;
  /** Takes proposals; where there is none, none are offered. */
  desk?: Desk | undefined;
  /** What tells one session of a client from another. */
  session?: string | undefined;
}

/** How long a call waits for a server that is just starting. */
const START_WAIT_MS = 10_000;
/** The hard limit of one call; clients have their own, shorter ones. */
const CALL_TIMEOUT_MS = 600_000;

/**
 * What a project answers to a request. Lists come from what is known and wait for no server; calls are routed by the
 * server's name, and their results pass unchanged.
 * Throws a ProtocolError: the server's own, invalid params for an unknown name, method not found for the rest.
 */
export async function answer(
  project: ServedProject,
  method: string,
  params: Params,
  context: CallContext,
): Promise<Params> {
  switch (method) {
    case 'tools/list':
      return { tools: listTools(project, context) };
    case 'prompts/list':
      return { prompts: listPrompts(project) };
    case 'tools/call':
      if (context.desk && offersProposals(project, context) && isProposalTool(project, params.name)) {
        const { desk, session = randomUUID() } = context;
        return callProposalTool(desk, project.name, String(params.name), params.arguments, session);
      }
      return callServer(project, method, 'tools', params, context);
    case 'prompts/get': {
      const own = project.prompts.find(({ name }) => name === params.name);
      return own ? fillPrompt(own, params.arguments) : callServer(project, method, 'prompts', params, context);
    }
    default:
      throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
  }
}

function listTools(project: ServedProject, context: CallContext): { name: string }[] {
  const tools = project.servers.flatMap(({ name, surface }) => withServerName(name, surface.tools));
  const own = offersProposals(project, context) ? proposalTools : [];
  return [...tools, ...own].filter(({ name }) => isExposed(project, name));
}

function offersProposals(project: ServedProject, { desk }: CallContext): boolean {
  return project.proposals && desk !== undefined;
}

function isProposalTool(project: ServedProject, name: unknown): boolean {
  return proposalTools.some(tool => tool.name === name && isExposed(project, tool.name));
}

function listPrompts(project: ServedProject): { name: string }[] {
  const own = project.prompts.map(describePrompt);
  const theirs = project.servers.flatMap(({ name, surface }) => withServerName(name, surface.prompts));
  return [...own, ...theirs].sort((a, b) => compareText(a.name, b.name));
}

async function callServer(
  project: ServedProject,
  method: 'tools/call' | 'prompts/get',
  kind: 'tools' | 'prompts',
  params: Params,
  { era, signal, onProgress }: CallContext,
): Promise<Params> {
  const target = typeof params.name === 'string' ? splitName(params.name) : undefined;
  const server = target && project.servers.find(({ name }) => name === target.server);
  if (!target || !server) throw unknown(kind, params.name);
  if (kind === 'tools' && !isExposed(project, String(params.name))) throw unknown(kind, params.name);
  const isListed = listed(server, kind, target.name);
  // A server that never served anything may be one that does not run: then that is the answer.
  if (!isListed && server.surface[kind].length > 0) throw unknown(kind, params.name);
  const upstream = await reach(server, isListed ? START_WAIT_MS : 0);
  if (!isListed && !listed(server, kind, target.name)) throw unknown(kind, params.name);
  const options: RequestOptions = { timeoutMs: CALL_TIMEOUT_MS };
  if (signal) options.signal = signal;
  if (onProgress) options.onProgress = onProgress;
  const result = await upstream.request(method, { ...params, name: target.name }, options).catch((error: unknown) => {
    throw named(server.name, error);
  });
  if (era === 'legacy' && result.resultType === 'input_required') {
    const message = `Server ${server.name} asks for input, which needs a client of protocol version 2026-07-28`;
    throw new ProtocolError(ProtocolErrorCode.InternalError, message);
  }
  return result;
}

function listed(server: ServedServer, kind: 'tools' | 'prompts', name: string): boolean {
  return server.surface[kind].some((item: McpObject) => item.name === name);
}

async function reach(server: ServedServer, waitMs: number): Promise<Upstream> {
  try {
    return await server.upstream(waitMs);
  } catch (error) {
    throw named(server.name, error);
  }
}

/** A problem with a server, told to the client with the server's name; protocol errors pass as they are. */
function named(server: string, error: unknown): unknown {
  if (!(error instanceof ProblemError)) return error;
  const { code, message, hint } = error.problem;
  return new ProtocolError(ProtocolErrorCode.InternalError, `Server ${server}: ${message}`, { code, server, hint });
}

function unknown(kind: 'tools' | 'prompts', name: unknown): ProtocolError {
  const what = kind === 'tools' ? 'tool' : 'prompt';
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown ${what}: ${String(name).slice(0, 200)}`);
}
