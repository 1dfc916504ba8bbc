import type { IncomingHttpHeaders } from 'node:http';
import {
  classifyInboundRequest,
  isInitializeRequest,
  isJSONRPCNotification,
  isJSONRPCRequest,
  ProtocolErrorCode,
  type RequestId,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Desk, ReconcilerView } from '../../reconciler/index.ts';
import { createModernHandlers } from './modern.ts';
import type { CallObserver } from './observe-calls.ts';
import { createProjectServer } from './server.ts';
import { createSessions, type Session } from './sessions.ts';
import { serveWeb, type WebHandler } from './web-adapter.ts';

type McpRequest = FastifyRequest<{ Params: { project: string } }>;

export interface McpRoutes {
  /** End every stream and session. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** `/mcp/:project` for clients of both eras; the SDK's classification tells which. */
export function addMcpRoutes(
  app: FastifyInstance,
  view: ReconcilerView,
  observe: CallObserver,
  log: (message: string) => void,
  desk?: Desk,
): McpRoutes {
  const sessions = createSessions(project => createProjectServer(view, project, 'legacy', observe, desk));
  const modern = createModernHandlers(project => createProjectServer(view, project, 'modern', observe, desk));
  const stopListening = view.onProjectsChanged(({ tools, prompts }) => {
    for (const project of tools) {
      modern.notify(project)?.toolsChanged();
      for (const { server } of sessions.ofProject(project)) server.sendToolListChanged().catch(() => undefined);
    }
    for (const project of prompts) {
      modern.notify(project)?.promptsChanged();
      for (const { server } of sessions.ofProject(project)) server.sendPromptListChanged().catch(() => undefined);
    }
  });

  void app.register(async scope => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
      (_request, body, done) => {
        try {
          done(null, JSON.parse(body as string));
        } catch {
          done(null, undefined);
        }
      },
    );
    scope.route({ method: ['GET', 'POST', 'DELETE'], url: '/mcp/:project', exposeHeadRoute: false, handler });
  });

  return {
    async close() {
      stopListening();
      await Promise.all([modern.close(), sessions.close()]);
    },
  };

  async function handler(request: McpRequest, reply: FastifyReply): Promise<void> {
    const { project } = request.params;
    if (!view.project(project)) {
      await Promise.all([modern.closeProject(project), sessions.closeProject(project)]);
      return reply.callNotFound();
    }
    const { body } = request;
    if (request.method === 'POST' && body === undefined) {
      return rpcError(reply, 400, ProtocolErrorCode.ParseError, 'Parse error: the request body is not valid JSON');
    }
    if (isLegacy(request.method, request.headers, body)) return serveLegacy(project, request, reply, body);
    await handOver(request, reply, web => modern.serve(project, web, body), false);
  }

  async function serveLegacy(project: string, request: McpRequest, reply: FastifyReply, body: unknown): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const initializes = request.method === 'POST' && isInitializeRequest(body);
    if (id === undefined && !initializes) {
      return rpcError(reply, 400, -32_000, 'Bad Request: Mcp-Session-Id header is required');
    }
    const session = id === undefined ? await sessions.create(project) : sessions.find(String(id), project);
    if (!session && id === undefined) return rpcError(reply, 503, -32_000, 'Too many sessions are in use');
    if (!session) return rpcError(reply, 404, -32_001, 'Session not found');
    trackUse(session, reply);
    cancelWhenGone(session, reply, body);
    const handler: WebHandler = web => session.transport.handleRequest(web, { parsedBody: body });
    await handOver(request, reply, handler, asksNoProgress(body));
    const cancelled = cancelledRequest(body);
    // Nothing is answered to a cancelled request; its stream would stay open for nothing.
    if (cancelled !== undefined) session.transport.closeSSEStream(cancelled);
  }

  /** From here on the SDK decides what is answered. */
  async function handOver(
    request: McpRequest,
    reply: FastifyReply,
    handler: WebHandler,
    mayBeJson: boolean,
  ): Promise<void> {
    reply.hijack();
    try {
      await serveWeb(handler, request.raw, reply.raw, { mayBeJson });
    } catch (error) {
      log(`An MCP request failed: ${error instanceof Error ? error.message : String(error)}`);
      reply.raw.destroy();
    }
  }
}

function cancelledRequest(body: unknown): RequestId | undefined {
  if (!isJSONRPCNotification(body) || body.method !== 'notifications/cancelled') return undefined;
  const id = body.params?.requestId;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** Whether nothing but the answer can come on the stream of a request. */
function asksNoProgress(body: unknown): boolean {
  if (!isJSONRPCRequest(body)) return false;
  return body.params?._meta?.progressToken === undefined;
}

function isLegacy(httpMethod: string, headers: IncomingHttpHeaders, body: unknown): boolean {
  const outcome = classifyInboundRequest({
    httpMethod,
    ...header('protocolVersionHeader', headers['mcp-protocol-version']),
    ...header('mcpMethodHeader', headers['mcp-method']),
    ...header('mcpNameHeader', headers['mcp-name']),
    body,
  });
  return outcome.kind === 'legacy';
}

function header<K extends string>(key: K, value: string | string[] | undefined): { [P in K]?: string } {
  return typeof value === 'string' ? ({ [key]: value } as { [P in K]: string }) : {};
}

/** A session with an open request or stream is not idle. */
function trackUse(session: Session, reply: FastifyReply): void {
  session.open += 1;
  reply.raw.once('close', () => {
    session.open -= 1;
    session.lastUsed = Date.now();
  });
}

/** Without a store of events nobody can come back for the answer, so that a client that is gone has no use for it. */
function cancelWhenGone({ transport }: Session, reply: FastifyReply, body: unknown): void {
  if (!isJSONRPCRequest(body)) return;
  const params = { requestId: body.id, reason: 'the client is gone' };
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) return;
    transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
  });
}

function rpcError(reply: FastifyReply, status: number, code: number, message: string): void {
  void reply.code(status).send({ jsonrpc: '2.0', error: { code, message }, id: null });
}
