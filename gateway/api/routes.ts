import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Metrics, parseTraceparent } from '../../host/index.ts';
import type { ReconcilerView } from '../../reconciler/index.ts';
import { sendProblem } from '../errors.ts';
import { addObserveRoutes } from './observe.ts';

const ReconcileQuery = z.object({
  allowPrune: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .optional(),
});

/** What the command line and probes ask: `/api/v1/*`, `/metrics`, `/healthz`, `/readyz`. */
export function addApiRoutes(app: FastifyInstance, view: ReconcilerView, metrics: Metrics): void {
  void app.register(async scope => {
    // A body is allowed and means nothing.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 16_384 }, (_request, _body, done) => done(null));

    scope.get('/api/v1/status', async () => view.status());
    addObserveRoutes(scope, view);
    scope.post('/api/v1/reconcile', async (request, reply) => {
      const query = ReconcileQuery.safeParse(request.query);
      if (!query.success) {
        sendProblem(reply, 400, 'USAGE', '`allowPrune` is a commit, in full');
        return reply;
      }
      const { allowPrune } = query.data;
      const refused = allowPrune === undefined ? undefined : view.allowPrune(allowPrune);
      if (refused) {
        sendProblem(reply, 409, refused.code, refused.message);
        return reply;
      }
      view.poke(parseTraceparent(request.headers.traceparent));
      return reply.code(202).send({ accepted: true });
    });
    scope.get('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text()),
    );
    scope.get('/healthz', { config: { open: true } }, async () => ({ status: 'ok' }));
    scope.get('/readyz', { config: { open: true } }, async (_request, reply) => {
      const ready = view.status().conditions.find(({ type }) => type === 'Ready');
      if (ready?.status === 'True') return reply.send({ status: 'ready' });
      sendProblem(reply, 503, 'NOT_READY', `Not ready: ${ready?.reason ?? 'Starting'}`);
      return reply;
    });
  });
}
