import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Desk } from '../../reconciler/index.ts';
import { asProblem, type Problem, type ProblemCode, ProblemError } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';

/** What was proposed would not be valid. */
class Refused extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super('refused');
    this.problems = problems;
  }
}

/** What is answered of a change that was to be proposed. @throws Refused when it was not */
export function proposed({ introduced, published }: Awaited<ReturnType<Desk['propose']>>): object {
  if (!published) throw new Refused(introduced);
  const { id, head, url, others, unshown } = published;
  const more = { ...(url !== undefined && { url }), ...(unshown && { unshown: unshown.message }) };
  return { id, head, ...more, others: others.map(one => one.id), problems: introduced };
}

const statuses: Partial<Record<ProblemCode, number>> = {
  USAGE: 400,
  REF_INVALID: 400,
  RESOURCE_NOT_FOUND: 404,
  REVISION_NOT_FOUND: 404,
  REVISION_TOO_EARLY: 404,
  REVISION_AMBIGUOUS: 409,
  PROPOSAL_NOT_FOUND: 404,
  PROPOSAL_INVALID: 422,
  PROPOSAL_CONFLICT: 409,
  REVIEW_STALE: 409,
  REVIEW_RACE: 409,
  REVIEW_NOT_ENTITLED: 403,
  REVIEW_SELF_APPROVAL: 403,
  REMOTE_REFUSED: 502,
  REMOTE_UNREACHABLE: 502,
  REMOTE_AUTH: 502,
  REMOTE_NOT_FOUND: 502,
  REMOTE_RATE_LIMITED: 503,
  FORGE_UNUSABLE: 503,
  SECRET_UNRESOLVED: 503,
};

/** Work on proposals and send what comes of it, be it a problem. */
export async function answered(reply: FastifyReply, work: () => Promise<object>, status = 200): Promise<FastifyReply> {
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

export function refuse(reply: FastifyReply, status: number, code: ProblemCode, message: string): FastifyReply {
  sendProblem(reply, status, code, message);
  return reply;
}

/** The first thing that is wrong with a body. */
export function issue({ issues }: z.ZodError): string {
  const [first] = issues;
  return first ? `\`${first.path.join('.') || 'body'}\`: ${first.message}` : 'the body is not understood';
}
