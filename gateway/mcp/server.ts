import { type jsonSchemaValidator, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import type { Desk, ReconcilerView } from '../../reconciler/index.ts';
import { answer, type CallContext, type Params } from './methods.ts';
import type { CallObserver } from './observe-calls.ts';

/** Nothing is validated against a schema here; without this, every Server would make an Ajv of its own. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => input => ({ valid: true, data: input as never, errorMessage: undefined }),
};

/**
 * The SDK's server for one project, for one session or one request. Its own handlers for tools and prompts would parse
 * results and drop what they do not know, so requests go through the fallback handler.
 */
export function createProjectServer(
  view: ReconcilerView,
  project: string,
  era: CallContext['era'],
  observe: CallObserver,
  desk?: Desk,
): Server {
  const instructions = view.project(project)?.instructions;
  const server = new Server(
    { name: `mcpctl/${project}`, version: '0.1.0' },
    {
      capabilities: { tools: { listChanged: true }, prompts: { listChanged: true } },
      ...(instructions !== undefined && { instructions }),
      jsonSchemaValidator: noValidator,
    },
  );
  server.fallbackRequestHandler = async (request, { mcpReq, http }) => {
    const served = view.project(project);
    if (!served) throw new ProtocolError(ProtocolErrorCode.InternalError, `Project ${project} is not served any more`);
    const session = http?.req?.headers.get('mcp-session-id') ?? undefined;
    const context: CallContext = { era, signal: mcpReq.signal, desk, session };
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken !== undefined) {
      // The receiver may be gone; the call goes on.
      context.onProgress = progress =>
        void mcpReq
          .notify({
            method: 'notifications/progress',
            params: { ...(progress as { progress: number }), progressToken },
          })
          .catch(() => undefined);
    }
    const params = withRetryParams(request.params ?? {}, mcpReq);
    const call = { project: served, method: request.method, params, id: mcpReq.id, header: http?.req?.headers };
    return observe(call, sent => answer(served, request.method, sent, context));
  };
  return server;
}

/** Put back what the SDK takes out of the parameters of a request that is tried again with the input asked for. */
function withRetryParams(params: Params, { inputResponses, requestState }: RetryParts): Params {
  const state = requestState();
  if (inputResponses === undefined && state === undefined) return params;
  return {
    ...params,
    ...(inputResponses !== undefined && { inputResponses }),
    ...(state !== undefined && { requestState: state }),
  };
}

interface RetryParts {
  inputResponses?: unknown;
  requestState: () => unknown;
}
