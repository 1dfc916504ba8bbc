import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { type ProblemCode, problem } from '../schema/index.ts';

const REQUESTS = 'Send JSON, with `Content-Type: application/json` and of a few MiB at most.';

/** Answer with a problem as `{code, message, hint}`. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: ProblemCode,
  message: string,
  more: { hint?: string } = {},
): void {
  const { hint } = problem(code, message, more);
  void reply.code(status).send({ code, message, hint });
}

/** Errors of the framework and of routes as JSON; what is unexpected is logged, and not told to the client. */
export function addErrorHandlers(app: FastifyInstance, log: (message: string) => void): void {
  app.setNotFoundHandler((_request, reply) => {
    sendProblem(reply, 404, 'USAGE', 'There is nothing at this address', {
      hint: 'Projects are at /mcp/PROJECT; `mcpctl status` lists them.',
    });
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, 'USAGE', error.message, { hint: REQUESTS });
    log(`${request.method} ${request.routeOptions.url ?? '(no route)'} failed: ${error.message}`);
    sendProblem(reply, 500, 'INTERNAL', 'The request failed');
  });
}
