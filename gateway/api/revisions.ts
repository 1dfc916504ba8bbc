import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ReconcilerView } from '../../reconciler/index.ts';
import {
  type CommitState,
  compareStates,
  describedDocument,
  describeRevision,
  type History,
  inspect,
  isShallow,
  nothingLike,
  resolveRevision,
  revisionDocument,
  revisionsOf,
} from '../../repo/history/index.ts';
import { asProblem, type Problem, type ProblemCode, problem, type ResourceId } from '../../schema/index.ts';
import { sendProblem } from '../errors.ts';
import { idOf, Named } from './named-resource.ts';

/** The past of what is followed, as the daemon's copy has it. */
export interface Past {
  /** To be closed by whoever opened it. @param tip the commit in service */
  open(tip: string): History;
  /** Get more of the history, when the copy has only its newest part. @returns why that failed */
  deepen(): Promise<Problem | undefined>;
}

const ListQuery = Named.extend({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });
const DiffQuery = Named.extend({ against: z.string().min(1).max(250).optional() });
const Revision = z.object({ id: z.string().min(1).max(250) });

/** What is answered to a problem that ends a request; anything else is a fault of ours. */
const statuses: Partial<Record<ProblemCode, number>> = {
  USAGE: 400,
  REF_INVALID: 400,
  REVISION_AMBIGUOUS: 409,
  REVISION_NOT_FOUND: 404,
  REVISION_TOO_EARLY: 404,
  RESOURCE_NOT_FOUND: 404,
  NOT_READY: 503,
};

/** The revisions of a resource, one revision, what is different between two, and what is in service. Reads only. */
export function addRevisionRoutes(app: FastifyInstance, view: ReconcilerView, past: Past): void {
  app.get('/api/v1/revisions/live', async () => view.inService());

  app.get('/api/v1/revisions', async (request, reply) => {
    const query = ListQuery.safeParse(request.query);
    const id = query.success ? idOf(query.data) : undefined;
    if (!query.success || id === undefined)
      return usage(reply, '`kind` and `name` are needed: ?kind=prompt&name=greet');
    return answer(reply, async (history, problems) => {
      const found = await revisionsOf(history, id, history.tip);
      if (found.length === 0) return missing(reply, `no commit here ever had \`${id}\``);
      const revisions = await inspect(history, found.slice(0, query.data.limit));
      return { revisions: revisions.map(revisionDocument), total: found.length, problems };
    });
  });

  app.get('/api/v1/revisions/:id', async (request, reply) => {
    const { id } = Revision.parse(request.params);
    return answer(reply, async history =>
      describedDocument(await describeRevision(history, await resolveRevision(history, id))),
    );
  });

  app.get('/api/v1/revisions/:id/diff', async (request, reply) => {
    const { id } = Revision.parse(request.params);
    const query = DiffQuery.safeParse(request.query);
    if (!query.success || (query.data.kind === undefined) !== (query.data.name === undefined)) {
      return usage(reply, '`against` is a revision or `live`; `kind` and `name` belong together');
    }
    const about = idOf(query.data);
    if (query.data.kind !== undefined && about === undefined)
      return usage(reply, 'there is no such kind in that scope');
    return answer(reply, async (history, problems) => {
      const to: CommitState = { commit: await resolveRevision(history, id, about) };
      const from = await stateOf(history, query.data.against ?? `${to.commit}~1`, about);
      const found = await compareStates(history, from, to, about);
      if (!found) return missing(reply, `neither side has \`${about}\``);
      return { from: from.commit, to: to.commit, ...found, problems: [...problems, ...found.problems] };
    });
  });

  async function stateOf(history: History, name: string, about: ResourceId | undefined): Promise<CommitState> {
    if (name !== 'live') return { commit: await resolveRevision(history, name, about) };
    const { held } = view.inService();
    const nothing = nothingLike(history.tip);
    return { commit: history.tip, held: new Map(Object.entries(held).map(([id, at]) => [id, at ?? nothing])) };
  }

  /** Work with the history and send what comes of it, be it a problem. */
  async function answer(
    reply: FastifyReply,
    work: (history: History, problems: Problem[]) => Promise<unknown>,
  ): Promise<FastifyReply> {
    const { commit } = view.inService();
    if (commit === null) {
      sendProblem(reply, 503, 'NOT_READY', 'nothing is in service yet');
      return reply;
    }
    const history = past.open(commit);
    try {
      const body = await work(history, await missingPart(history, past));
      return reply.sent ? reply : reply.send(body);
    } catch (error) {
      const { code, message, hint } = asProblem(error);
      const status = statuses[code];
      if (status === undefined) throw error;
      sendProblem(reply, status, code, message, { hint });
      return reply;
    } finally {
      history.close();
    }
  }
}

/** A copy that has only the newest part of the history gets the rest; where that fails, what is missing is said. */
async function missingPart(history: History, past: Past): Promise<Problem[]> {
  if (!(await isShallow(history))) return [];
  const why = await past.deepen();
  if (!(await isShallow(history))) return [];
  const words = why ? `: ${why.message}` : '';
  return [problem('HISTORY_SHALLOW', `the daemon’s copy has only the newest part of the history${words}`)];
}

function usage(reply: FastifyReply, message: string): FastifyReply {
  sendProblem(reply, 400, 'USAGE', message);
  return reply;
}

function missing(reply: FastifyReply, message: string): FastifyReply {
  sendProblem(reply, 404, 'RESOURCE_NOT_FOUND', message);
  return reply;
}
