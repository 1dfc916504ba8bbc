import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ReconcilerView } from '../../reconciler/index.ts';
import type { Bundles } from '../../repo/index.ts';
import { asProblem } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';

/**
 * What machines without access to the repository sync skills from: `GET /api/v1/bundles/latest`, or a release by name.
 * Whoever reads it checks it; nothing of it rests on this gateway.
 */
export function addBundleRoutes(app: FastifyInstance, view: ReconcilerView, bundles: Bundles): void {
  app.get<{ Params: { release: string } }>('/api/v1/bundles/:release', async (request, reply) => {
    const { commit } = view.inService();
    if (commit === null) {
      sendProblem(reply, 503, 'NOT_READY', 'nothing is in service yet');
      return reply;
    }
    const { release } = request.params;
    try {
      const bundle = await bundles.find(release, commit);
      if (!bundle) {
        sendProblem(reply, 404, 'RELEASE_UNKNOWN', `there is no release \`${release.slice(0, 100)}\``);
        return reply;
      }
      void reply.header('etag', bundle.etag).header('cache-control', 'private, no-cache');
      const known = String(request.headers['if-none-match'] ?? '').split(/\s*,\s*/);
      if (known.includes(bundle.etag) || known.includes('*')) return reply.code(304).send();
      const parts = await bundle.print();
      const bytes = parts.reduce((sum, { length }) => sum + length, 0);
      return reply.type('application/octet-stream').header('content-length', bytes).send(Readable.from(parts));
    } catch (error) {
      const { code, message, hint } = asProblem(error);
      if (!code.startsWith('REMOTE_')) throw error;
      sendProblem(reply, 502, code, message, { hint });
      return reply;
    }
  });
}
