import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../../host/index.ts';
import type { ReconcilerView } from '../../reconciler/index.ts';
import { sendProblem } from '../errors.ts';
import { addControlRoutes } from './control.ts';
import { addObserveRoutes } from './observe.ts';
import { addRevisionRoutes, type Past } from './revisions.ts';

/** What the command line and probes ask: `/api/v1/*`, `/metrics`, `/healthz`, `/readyz`. */
export function addApiRoutes(app: FastifyInstance, view: ReconcilerView, metrics: Metrics, past?: Past): void {
  void app.register(async scope => {
    // A body is allowed and means nothing.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 16_384 }, (_request, _body, done) => done(null));

    scope.get('/api/v1/status', async () => view.status());
    addObserveRoutes(scope, view);
    if (past) addRevisionRoutes(scope, view, past);
    addControlRoutes(scope, view);
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
