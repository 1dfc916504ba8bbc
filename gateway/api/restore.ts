import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Desk } from '../../reconciler/index.ts';
import { idOf, Named } from './named-resource.ts';
import { answered, issue, proposed, refuse } from './proposal-answers.ts';

/** A trailer is one line. */
const Line = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'has to be one line');

const Wish = z.strictObject({
  revision: z.string().min(1).max(250),
  note: Line.optional(),
  by: Line.max(200).optional(),
  session: Line.max(200).optional(),
});

const Subject = Named.required({ kind: true, name: true });

/** `/api/v1/<kind>/<name>/restore`: a resource as it was, as a proposal; the branch itself is never written. */
export function addRestoreRoute(app: FastifyInstance, desk: Desk): void {
  app.post('/api/v1/:kind/:name/restore', async (request, reply) => {
    const query = typeof request.query === 'object' ? request.query : {};
    const subject = Subject.safeParse({ ...query, ...(request.params as object) });
    const id = subject.success ? idOf(subject.data) : undefined;
    if (id === undefined) return refuse(reply, 400, 'USAGE', 'there is no such kind in that scope, or it is no name');
    const wish = Wish.safeParse(request.body);
    if (!wish.success) return refuse(reply, 400, 'USAGE', issue(wish.error));
    const { revision, note, by, session } = wish.data;
    const more = {
      ...(note !== undefined && { note }),
      ...(by !== undefined && { by }),
      ...(session !== undefined && { session }),
    };
    return answered(reply, async () => proposed(await desk.restore({ id, revision, ...more })), 201);
  });
}
