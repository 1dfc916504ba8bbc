import { z } from 'zod';
import type { InstanceStatus, ServerStatus } from '../../../reconciler/index.ts';
import { closest } from '../../../schema/index.ts';
import { askDaemon } from '../../daemon.ts';
import type { DaemonHere } from '../../daemon-here.ts';
import { shortCommit } from '../../style.ts';
import { problemStep, type Step } from './offline.ts';
import type { Subject } from './subject.ts';

const Offer = z.object({ name: z.string(), tools: z.array(z.string()), prompts: z.array(z.string()) });
type Offer = z.infer<typeof Offer>;

/**
 * What the daemon tells: does it know the resource, is it stalled, does it run, is it served.
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED
 */
export async function liveSteps(here: DaemonHere, subject: Subject, project: string | undefined): Promise<Step[]> {
  const { declared, tool, name } = subject;
  const steps: Step[] = [...sourceSteps(here)];
  if (!declared) return [...steps, ...(await offered(here, name, project))];
  if (declared.row.kind === 'Server') {
    const server = here.status.servers.find(one => one.name === declared.name);
    if (!server) return [...steps, unknownToDaemon(here, declared.id)];
    steps.push(...serverSteps(server));
    if (tool !== undefined) steps.push(...(await toolSteps(here, server, tool, project)));
    return steps;
  }
  const stalled = here.status.problems.filter(
    ({ resource, severity }) => resource === declared.id && severity === 'error',
  );
  steps.push(...stalled.map(problemStep));
  if (declared.row.kind === 'Project') return [...steps, ...projectSteps(here, declared.name)];
  if (declared.row.kind === 'Prompt') steps.push(...(await promptSteps(here, declared.name, project, declared.id)));
  return steps;
}

function sourceSteps({ status }: DaemonHere): Step[] {
  if (status.suspendedSince !== undefined) {
    const text = `the daemon is suspended since ${status.suspendedSince}: it takes over no commit`;
    return [{ answer: 'no', text, next: 'mcpctl resume' }];
  }
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  if (ready?.reason !== 'SourceFailed' && ready?.reason !== 'CommitRefused') return [];
  return [
    { answer: 'no', text: `the daemon cannot take over the newest commit: ${ready.message}`, next: 'mcpctl status' },
  ];
}

function unknownToDaemon({ status }: DaemonHere, id: string): Step {
  return {
    answer: 'no',
    text: `the daemon does not know ${id} at ${shortCommit(status.revision.applied)}, the commit that it applied`,
    next: 'commit and push it, then `mcpctl reconcile`',
  };
}

function serverSteps({ name, conditions, instances, revision, rollout, suspendedSince }: ServerStatus): Step[] {
  const steps: Step[] = [];
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True');
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.reason === 'NeverGood') {
    return [
      { answer: 'no', text: `the daemon never had a good revision of it: ${ready.message}`, next: 'mcpctl validate' },
    ];
  }
  if (stalled?.reason === 'PruneHeld') {
    steps.push({ answer: 'no', text: stalled.message, next: 'mcpctl status names the commit to allow' });
  } else if (stalled) {
    const text = `the newest commit’s is refused, and ${shortCommit(revision)} in service instead: ${stalled.message}`;
    steps.push({ answer: 'no', text, next: 'mcpctl validate, then commit and push the cure' });
  }
  if (ready?.status === 'True') steps.push({ answer: 'yes', text: `${ready.message}` });
  if (suspendedSince !== undefined) {
    const text = `it is suspended since ${suspendedSince}: no change of it is taken over`;
    steps.push({ answer: 'no', text, next: `mcpctl resume ${name}` });
  }
  if (rollout) steps.push(rolloutStep(rollout));
  return [...steps, ...instances.filter(({ ready: is }) => !is).map(one => instanceStep(name, one))];
}

/** What is not in service is its newest spec; the one before may well be. */
function rolloutStep({ message, nextRetryAt, problem }: NonNullable<ServerStatus['rollout']>): Step {
  const again = nextRetryAt === undefined ? '' : `; it is tried again at ${nextRetryAt}`;
  return { answer: 'no', text: `${message}${again}`, ...(problem && { next: problem.hint }) };
}

function instanceStep(server: string, instance: InstanceStatus): Step {
  const { id, state, reason, problem, message, health, nextRetryAt, restarts } = instance;
  if (reason === 'Blocked') return { answer: 'no', text: `${id} ${message}`, next: `mcpctl why ${blockerOf(message)}` };
  const again = nextRetryAt === undefined ? '' : `; it is tried again at ${nextRetryAt}`;
  const times = restarts > 0 ? `, after ${restarts === 1 ? '1 restart' : `${restarts} restarts`}` : '';
  const found = state === 'Running' ? health?.message : problem && `${problem.message} [${problem.code}]`;
  const why = found === undefined ? '' : `: ${found}`;
  const next = problem && problem.code !== 'SERVER_EXITED' ? problem.hint : `mcpctl logs ${server}`;
  const how = reason ? `${state} (${reason})` : state;
  return { answer: 'no', text: `${id} is ${how}${times}${why}${again}`, next };
}

/** The first of a chain: `waits for a, which waits for b: …` → `b` */
function blockerOf(message = ''): string {
  return [...message.matchAll(/waits for ([a-z0-9-]+)/g)].at(-1)?.[1] ?? '';
}

async function toolSteps(
  here: DaemonHere,
  { name, tools }: ServerStatus,
  tool: string,
  project: string | undefined,
): Promise<Step[]> {
  const full = `${name}__${tool}`;
  const offers = (await offersOf(here, project)).filter(one => one.serves(name));
  return offers.map(({ offer }): Step => {
    if ([...offer.tools, ...offer.prompts].includes(full)) {
      return { answer: 'yes', text: `the endpoint of the project \`${offer.name}\` lists \`${full}\`` };
    }
    const own = offer.tools.filter(one => one.startsWith(`${name}__`));
    const meant = closest(full, own);
    return {
      answer: 'no',
      text: `the server lists ${tools} tools, and \`${tool}\` is not among them`,
      next: meant === undefined ? `its tools: ${own.join(', ') || 'none'}` : `did you mean \`${meant}\`?`,
    };
  });
}

async function promptSteps(here: DaemonHere, name: string, project: string | undefined, id: string): Promise<Step[]> {
  const offers = (await offersOf(here, project)).filter(({ offer }) => offer.prompts.includes(name));
  if (offers.length === 0) return [unknownToDaemon(here, id)];
  const names = offers.map(({ offer }) => offer.name).join(', ');
  return [{ answer: 'yes', text: `the endpoint of ${names} lists it` }];
}

function projectSteps({ status, daemon }: DaemonHere, name: string): Step[] {
  const project = status.projects.find(one => one.name === name);
  if (!project) return [unknownToDaemon({ status, daemon }, `project/${name}`)];
  const ready = project.conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return [{ answer: 'yes', text: `it is served at ${daemon.url}${project.endpoint}` }];
  return [
    { answer: 'no', text: `it waits for ${ready?.message}`, next: `mcpctl why ${ready?.message.split(', ')[0]}` },
  ];
}

/** Nothing of that name is declared, but a server may have a tool of that name. */
async function offered(here: DaemonHere, name: string, project: string | undefined): Promise<Step[]> {
  const offers = await offersOf(here, project);
  return offers.flatMap(({ offer }) =>
    [...offer.tools, ...offer.prompts]
      .filter(one => one.endsWith(`__${name}`))
      .map((one): Step => ({ answer: 'yes', text: `the endpoint of the project \`${offer.name}\` lists \`${one}\`` })),
  );
}

async function offersOf(
  { daemon, status }: DaemonHere,
  project: string | undefined,
): Promise<{ offer: Offer; serves(server: string): boolean }[]> {
  const projects = status.projects.filter(({ name }) => project === undefined || name === project);
  return Promise.all(
    projects.map(async ({ name, servers }) => ({
      offer: Offer.parse(await askDaemon(daemon, 'GET', `/api/v1/projects/${name}`)),
      serves: server => servers.includes(server),
    })),
  );
}
