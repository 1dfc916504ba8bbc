import { z } from 'zod';
import { askDaemon, type Daemon } from '../../daemon.ts';
import type { DaemonHere } from '../../daemon-here.ts';
import { shortCommit } from '../../style.ts';
import type { Step } from './offline.ts';

const Events = z.object({ events: z.array(z.looseObject({ type: z.string() })) });
const Removed = z.object({
  type: z.literal('removed'),
  time: z.string(),
  commit: z.string(),
  resources: z.array(z.string()),
  moved: z.array(z.object({ from: z.string(), to: z.string() })),
});
type Removed = z.infer<typeof Removed>;

/**
 * What became of something that is not declared any more: held back, kept, out of service, or under another name.
 * @param name `memory`, or `server/memory`
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED
 */
export async function removedSteps({ daemon, status }: DaemonHere, name: string): Promise<Step[]> {
  const means = (id: string) => id === name || id.endsWith(`/${name}`);
  const { held, kept = [], failed = [] } = status.prune ?? {};
  const steps: Step[] = [];
  for (const id of held?.removes.filter(means) ?? []) {
    const because = held?.because.join('; ');
    const text = `${id} is in service still: ${shortCommit(held?.commit)} removes it, and is held back since ${because}`;
    steps.push({
      answer: 'no',
      text,
      next: `mcpctl reconcile --allow-prune ${shortCommit(held?.commit)}, if it is meant`,
    });
  }
  for (const id of kept.filter(means)) {
    const text = `${id} is in service still, though it is not declared any more: it says \`prune: never\``;
    steps.push({ answer: 'no', text, next: 'declare it with `prune: auto`, and remove that in a later commit' });
  }
  for (const id of failed.filter(one => means(`server/${one.slice(0, one.lastIndexOf('-'))}`))) {
    steps.push({ answer: 'no', text: `${id} could not be ended; that is tried again`, next: 'mcpctl status' });
  }
  return steps.length > 0 ? steps : lastRemoval(await removals(daemon), means);
}

/** The newest time that it went. */
function lastRemoval(events: readonly Removed[], means: (id: string) => boolean): Step[] {
  for (const { time, commit, resources, moved } of events.toReversed()) {
    const other = moved.find(({ from }) => means(from));
    if (other) {
      const text = `${other.from} has another name since ${shortCommit(commit)} (${time}): ${other.to}`;
      return [{ answer: 'no', text, next: `mcpctl why ${other.to}` }];
    }
    const gone = resources.find(means);
    if (gone === undefined) continue;
    const text = `${gone} went out of service with ${shortCommit(commit)} (${time}), which does not declare it any more`;
    return [{ answer: 'no', text, next: `git show ${shortCommit(commit)}; git revert brings it back` }];
  }
  return [];
}

async function removals(daemon: Daemon): Promise<Removed[]> {
  const { events } = Events.parse(await askDaemon(daemon, 'GET', '/api/v1/events?after=0'));
  return events.flatMap(event => {
    const parsed = Removed.safeParse(event);
    return parsed.success ? [parsed.data] : [];
  });
}
