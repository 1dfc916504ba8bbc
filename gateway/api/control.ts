import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseTraceparent } from '../../host/index.ts';
import type { ReconcilerView } from '../../reconciler/index.ts';
import { ProblemError } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';

const Named = z.object({ name: z.string().max(128) });
const ReconcileQuery = z.object({
  now: z.stringbool().default(false),
  allowPrune: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .optional(),
});

/** What a person may tell the daemon to do: reconcile now, suspend, resume, restart; and all about one instance. */
export function addControlRoutes(app: FastifyInstance, view: ReconcilerView): void {
  app.post('/api/v1/reconcile', async (request, reply) => {
    const query = ReconcileQuery.safeParse(request.query);
    if (!query.success) {
      sendProblem(reply, 400, 'USAGE', '`allowPrune` is a commit, in full; `now` is true or false');
      return reply;
    }
    const { allowPrune, now } = query.data;
    const refused = allowPrune === undefined ? undefined : view.allowPrune(allowPrune);
    if (refused) {
      sendProblem(reply, 409, refused.code, refused.message);
      return reply;
    }
    if (now) view.retryNow();
    view.poke(parseTraceparent(request.headers.traceparent));
    return reply.code(202).send({ accepted: true });
  });

  for (const [word, suspended] of [
    ['suspend', true],
    ['resume', false],
  ] as const) {
    app.post(`/api/v1/${word}`, (_request, reply) => carryOut(reply, () => view.suspend(undefined, suspended), ''));
    app.post(`/api/v1/servers/:name/${word}`, (request, reply) => {
      const name = nameOf(request);
      return carryOut(reply, () => view.suspend(name, suspended), `no server \`${name}\` is declared`);
    });
  }

  for (const what of ['servers', 'instances']) {
    app.post(`/api/v1/${what}/:name/restart`, (request, reply) => {
      const name = nameOf(request);
      return carryOut(reply, () => view.restart(name), `there is no instance of \`${name}\``);
    });
  }

  app.get('/api/v1/instances/:name', async (request, reply) => {
    const name = nameOf(request);
    const found = view.instance(name);
    if (found) return reply.send(found);
    sendProblem(reply, 404, 'RESOURCE_NOT_FOUND', `there is no instance \`${name}\``, { hint: LISTED });
    return reply;
  });
}

const LISTED = '`mcpctl get instances` lists what there is.';

function nameOf(request: FastifyRequest): string {
  return Named.parse(request.params).name;
}

async function carryOut(reply: FastifyReply, work: () => boolean, missing: string): Promise<FastifyReply> {
  try {
    if (work()) return reply.code(202).send({ accepted: true });
    sendProblem(reply, 404, 'RESOURCE_NOT_FOUND', missing, { hint: '`mcpctl status` lists what there is.' });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { code, message, hint } = error.problem;
    sendProblem(reply, 503, code, message, { hint });
  }
  return reply;
}
