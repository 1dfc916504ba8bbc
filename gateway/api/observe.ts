import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ReconcilerView, ServedProject } from '../../reconciler/index.ts';
import { sendProblem } from '../errors.ts';
import { answer } from '../mcp/methods.ts';

/** Seconds; longer than that no question is kept waiting for something new. */
const MAX_WAIT = 20;
/** Lines come without a word; how often they are looked for, in milliseconds. */
const LOOK_MS = 100;

const wait = z.coerce.number().min(0).max(MAX_WAIT).default(0);
const LogsQuery = z.object({ after: z.string().max(64).optional(), wait });
const EventsQuery = z.object({ after: z.coerce.number().int().min(0).default(0), wait });
const Named = z.object({ name: z.string() });

/**
 * What goes on: an instance's log, the newest events, what a project offers. With `wait` (seconds) an answer without
 * anything new is held back until there is something, or the time is up: a client follows by asking again with the
 * cursor (`after`) of the last answer.
 */
export function addObserveRoutes(app: FastifyInstance, view: ReconcilerView): void {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  app.get('/api/v1/instances/:name/logs', async (request, reply) => {
    const { name } = Named.parse(request.params);
    const query = LogsQuery.safeParse(request.query);
    if (!query.success) return badQuery(reply, '`after` is a cursor, `wait` seconds');
    const { after, wait: seconds } = query.data;
    const signal = untilGone(reply, closing.signal);
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const page = view.logs(name, after);
      if (!page) return missing(reply, `there is no instance \`${name.slice(0, 100)}\``);
      if (page.runs.length > 0 || performance.now() >= deadline || signal.aborted) return reply.send(page);
      await pause(LOOK_MS, signal);
    }
  });

  app.get('/api/v1/events', async (request, reply) => {
    const query = EventsQuery.safeParse(request.query);
    if (!query.success) return badQuery(reply, '`after` is a sequence number, `wait` seconds');
    const { after, wait: seconds } = query.data;
    if (seconds > 0 && view.events(after).length === 0) {
      await eventOrTimeout(view, seconds * 1000, untilGone(reply, closing.signal));
    }
    return reply.send({ events: view.events(after) });
  });

  app.get('/api/v1/projects/:name', async (request, reply) => {
    const { name } = Named.parse(request.params);
    const project = view.project(name);
    if (!project) return missing(reply, `no project \`${name.slice(0, 100)}\` is served`);
    const [tools, prompts] = [await names(project, 'tools'), await names(project, 'prompts')];
    return reply.send({ name, tools, prompts });
  });
}

/** The names under which clients see a project's tools or prompts. */
async function names(project: ServedProject, what: 'tools' | 'prompts'): Promise<string[]> {
  const listed = await answer(project, `${what}/list`, {}, { era: 'modern' });
  return z
    .array(z.object({ name: z.string() }))
    .parse(listed[what])
    .map(({ name }) => name);
}

function missing(reply: FastifyReply, message: string): FastifyReply {
  sendProblem(reply, 404, 'RESOURCE_NOT_FOUND', message, { hint: '`mcpctl status` lists what there is.' });
  return reply;
}

function badQuery(reply: FastifyReply, message: string): FastifyReply {
  sendProblem(reply, 400, 'USAGE', message);
  return reply;
}

/** Aborts when the client has gone or the gateway closes. */
function untilGone(reply: FastifyReply, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

async function eventOrTimeout(view: ReconcilerView, ms: number, signal: AbortSignal): Promise<void> {
  const happened = new AbortController();
  const stop = view.onEvent(() => happened.abort());
  await pause(ms, AbortSignal.any([happened.signal, signal]));
  stop();
}
