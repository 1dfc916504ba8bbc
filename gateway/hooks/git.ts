import type { FastifyInstance } from 'fastify';
import { parseTraceparent } from '../../host/index.ts';
import type { ReconcilerView } from '../../reconciler/index.ts';
import { sendProblem } from '../errors.ts';
import { isSignedWith } from '../security.ts';

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * `POST /hooks/git`: a forge or a hook says that something was pushed. The body is signed as GitHub and Gitea sign
 * (`X-Hub-Signature-256`), and otherwise not read: what is new is asked of the remote itself.
 */
export function addGitHook(app: FastifyInstance, view: ReconcilerView, secret: string): void {
  void app.register(async scope => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );

    scope.post('/hooks/git', { config: { open: true } }, async (request, reply) => {
      const signature = request.headers['x-hub-signature-256'];
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (typeof signature !== 'string') {
        sendProblem(reply, 401, 'DAEMON_REFUSED', 'The X-Hub-Signature-256 header is missing', { hint });
      } else if (!isSignedWith(secret, body, signature)) {
        sendProblem(reply, 403, 'DAEMON_REFUSED', 'The signature does not fit the body', { hint });
      } else {
        view.poke(parseTraceparent(request.headers.traceparent));
        void reply.code(202).send({ accepted: true });
      }
      return reply;
    });
  });
}

const hint = 'Sign the body with the hook secret, a file in the state directory.';
