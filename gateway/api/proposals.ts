import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Desk } from '../../reconciler/index.ts';
import { asProblem, type Problem, type ProblemCode, ProblemError, ResourceDocument } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';

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
const SignedStatement = z.strictObject({ text: z.string().max(16_384), signature: z.string().max(16_384) });

const Query = z.object({ status: z.enum(['open', 'all']).default('open') });
const Named = z.object({ id: z.string().max(200) });

const MAX_BODY_BYTES = 8 * 1024 * 1024;

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
        const { proposal, main, preview, expected, judgement, risks, files } = examined;
        const { steps, changes, introduced } = preview;
        // `expected` is what a reviewer's statement has to say.
        return { proposal, main, risks, plan: { steps, changes }, files, problems: introduced, expected, ...judgement };
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

async function propose(reply: FastifyReply, desk: Desk, body: unknown, amend?: string): Promise<FastifyReply> {
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
    async () => {
      const { introduced, published } = await desk.propose({ title, reason, documents, gone, ...more });
      if (!published) throw new Refused(introduced);
      const { id, head, url, others } = published;
      return { id, head, ...(url !== undefined && { url }), others: others.map(one => one.id), problems: introduced };
    },
    amend === undefined ? 201 : 200,
  );
}

/** What was proposed would not be valid. */
class Refused extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super('refused');
    this.problems = problems;
  }
}

const statuses: Partial<Record<ProblemCode, number>> = {
  PROPOSAL_NOT_FOUND: 404,
  PROPOSAL_INVALID: 422,
  PROPOSAL_CONFLICT: 409,
  REVIEW_STALE: 409,
  REVIEW_RACE: 409,
  REVIEW_NOT_ENTITLED: 403,
  REVIEW_SELF_APPROVAL: 403,
  REMOTE_REFUSED: 502,
  REMOTE_UNREACHABLE: 502,
};

async function answered(reply: FastifyReply, work: () => Promise<object>, status = 200): Promise<FastifyReply> {
  try {
    return reply.code(status).send(await work());
  } catch (error) {
    if (error instanceof Refused) {
      const problems = error.problems.map(({ code, message, hint, at }) => ({ code, message, hint, at }));
      return reply.code(422).send({ code: 'PROPOSAL_INVALID', message: 'It would not be valid', problems });
    }
    if (!(error instanceof ProblemError)) throw error;
    const { code, message, hint } = asProblem(error);
    sendProblem(reply, statuses[code] ?? 500, code, message, { hint });
    return reply;
  }
}

function refuse(reply: FastifyReply, status: number, code: ProblemCode, message: string): FastifyReply {
  sendProblem(reply, status, code, message);
  return reply;
}

function issue({ issues }: z.ZodError): string {
  const [first] = issues;
  return first ? `\`${first.path.join('.') || 'body'}\`: ${first.message}` : 'the body is not understood';
}
