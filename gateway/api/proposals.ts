import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Desk } from '../../reconciler/index.ts';
import { ResourceDocument } from '../../schema/index.ts';
import { answered, issue, proposed, refuse } from './proposal-answers.ts';

const Line = z.string().min(1).max(200);

const Wish = z.strictObject({
  title: Line,
  reason: z.string().max(4096).default(''),
  by: Line.optional(),
  session: Line.optional(),
  documents: z.array(ResourceDocument).max(256).default([]),
  /** Ids of resources that are to go: `server/everything`. */
  delete: z.array(z.string().max(256)).max(256).default([]),
});

/** A statement that its author signed, as `mcpctl review` makes them; the signature is SSHSIG's blob, base64. */
const SignedStatement = z.strictObject({ text: z.string().max(32_768), signature: z.string().max(16_384) });

const Query = z.object({ status: z.enum(['open', 'all']).default('open') });
const Named = z.object({ id: z.string().max(200) });

const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** What nests deeper than this no file of the format can hold. */
const MAX_DEPTH = 100;

/** `/api/v1/proposals`: propose, look, and hand in a review that was signed elsewhere. */
export function addProposalRoutes(app: FastifyInstance, desk: Desk): void {
  void app.register(async scope => {
    scope.get('/api/v1/proposals', async (request, reply) => {
      const query = Query.safeParse(request.query);
      if (!query.success) return refuse(reply, 400, 'USAGE', '`status` is `open` or `all`');
      return answered(reply, async () => ({ proposals: await desk.list({ ended: query.data.status === 'all' }) }));
    });
    scope.get('/api/v1/proposals/:id', async (request, reply) =>
      answered(reply, async () => {
        const examined = await desk.examine(Named.parse(request.params).id);
        const { proposal, main, preview, environments, expected, judgement, risks, files } = examined;
        const { steps, changes, introduced } = preview;
        const plan = { steps, changes, environments };
        // `expected` is what a reviewer's statement has to say.
        return { proposal, main, risks, plan, files, problems: introduced, expected, ...judgement };
      }),
    );
    scope.post('/api/v1/proposals', { bodyLimit: MAX_BODY_BYTES }, async (request, reply) =>
      propose(reply, desk, request.body),
    );
    scope.put('/api/v1/proposals/:id', { bodyLimit: MAX_BODY_BYTES }, async (request, reply) =>
      propose(reply, desk, request.body, Named.parse(request.params).id),
    );
    scope.post('/api/v1/proposals/:id/reviews', async (request, reply) => {
      const statement = SignedStatement.safeParse(request.body);
      if (!statement.success) return refuse(reply, 400, 'USAGE', issue(statement.error));
      return answered(reply, () => desk.record(Named.parse(request.params).id, statement.data), 201);
    });
  });
}

/** Whether a value has more than so many levels. */
function nests(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some(one => nests(one, levels - 1));
}

async function propose(reply: FastifyReply, desk: Desk, body: unknown, amend?: string): Promise<FastifyReply> {
  if (nests(body, MAX_DEPTH)) return refuse(reply, 400, 'USAGE', `the body nests deeper than ${MAX_DEPTH}`);
  const wish = Wish.safeParse(body);
  if (!wish.success) return refuse(reply, 400, 'USAGE', issue(wish.error));
  const { title, reason, by, session, documents, delete: gone } = wish.data;
  const more = {
    ...(by !== undefined && { by }),
    ...(session !== undefined && { session }),
    ...(amend !== undefined && { amend }),
  };
  return answered(
    reply,
    async () => proposed(await desk.propose({ title, reason, documents, gone, ...more })),
    amend === undefined ? 201 : 200,
  );
}
