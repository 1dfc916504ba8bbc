import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import { marks } from './marks.ts';
import type { Member } from './member.ts';
import { KubeRefusal } from './refusal.ts';

/** Whether this process may write. Many may want to; the holder of one Lease does. */
export interface Lead {
  /** It leads, as far as its own clock can tell. */
  readonly held: boolean;
  /** Grows with every process that takes the lead; this one's, once it has led. */
  readonly generation: number;
  /** Who leads, where that is somebody else. */
  readonly other: string | undefined;
  /**
   * What is written carries the generation.
   * @returns it, when this process leads by its own clock and by what the API says now
   * @throws ProblemError KUBE_NOT_LEADING
   */
  check(): Promise<number>;
  /**
   * Say on the lease, for the next leader, that something may be in a project's namespace; before it is.
   * @throws ProblemError KUBE_NOT_LEADING, or what the cluster refuses
   */
  use(project: string): Promise<void>;
  /** Settles when it is known who leads. @throws ProblemError KUBE_NAME_TAKEN, or what the cluster refuses */
  known(): Promise<void>;
  /** Give it up, so that another need not wait. */
  stop(): Promise<void>;
}

interface Options extends Member {
  /** Of the state directory; one that is started again takes the lead without waiting. */
  holder: string;
  /** What is followed; another one under the same name is another installation. */
  follows: string;
  /** A process that only reads never takes the lead. */
  wanted: boolean;
  /**
   * Told right before the lead is asked for: whatever is there now was made by one that led.
   * @param projects in whose namespaces that may be; undefined where nobody has left word
   * @returns those in whose namespaces something is, or may be
   */
  onTry(projects: readonly string[] | undefined): Promise<readonly string[]>;
  /**
   * Told when the lead is gained, before anything is written, and when it is lost.
   * @param silent the one before may still believe that it leads
   */
  onChange(held: boolean, silent: boolean): void;
  /** Told when it leads on, after a time in which it could not know whether it did. */
  onKept(): void;
}

const Lease = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().default(15),
      leaseTransitions: z.number().default(0),
      renewTime: z.string().nullish(),
    })
    .default({ leaseDurationSeconds: 15, leaseTransitions: 0 }),
});
type Lease = z.infer<typeof Lease>;

/**
 * Take part in the election. Nobody's clock is compared with anybody else's: a lease is over when it was not renewed for
 * its length of our own time.
 */
export function openLead(options: Options): Lead {
  const { api, clock, owner, holder, wanted, leaseMs } = options;
  const identity = `${holder}/${options.run}`;
  const name = leaseName(owner);
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  const stopping = new AbortController();
  const { signal } = stopping;
  let generation = 0;
  let mine = false;
  let validUntil = 0;
  let used = new Set<string>();
  let last: Lease | undefined;
  let seen: { version: string; at: number } | undefined;
  let turn: Promise<void> | undefined;
  let loop: Promise<void> | undefined;
  let checking: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  function isHeld(): boolean {
    return mine && clock.ticks() < validUntil;
  }

  async function read(): Promise<Lease | undefined> {
    try {
      return Lease.parse(await api.get(`${folder}/${name}`));
    } catch (error) {
      if (error instanceof KubeRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  function content(before: Lease | undefined, transitions: number, who: string): object {
    const now = `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`;
    const { [marks.projects]: _before, ...annotations } = before?.metadata.annotations ?? {};
    const projects = [...used].sort().join(',');
    return {
      ...before,
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...before?.metadata,
        name,
        namespace: options.namespace,
        labels: { 'app.kubernetes.io/managed-by': 'mcpctl', [marks.owner]: owner },
        annotations: {
          ...annotations,
          [marks.follows]: options.follows,
          ...(projects !== '' && { [marks.projects]: projects }),
        },
      },
      spec: {
        ...before?.spec,
        holderIdentity: who,
        leaseDurationSeconds: Math.max(1, Math.round(leaseMs / 1000)),
        leaseTransitions: transitions,
        renewTime: now,
        ...(who !== '' && before?.spec.leaseTransitions !== transitions && { acquireTime: now }),
      },
    };
  }

  /** Nobody else has written it since it was read, or this is refused. */
  async function write(before: Lease | undefined, transitions: number, who: string): Promise<Lease> {
    const object = content(before, transitions, who);
    return Lease.parse(await (before ? api.update(`${folder}/${name}`, object) : api.create(folder, object)));
  }

  async function settle(found: Lease | undefined, transitions: number, began: number): Promise<void> {
    last = await write(found, transitions, identity);
    const silent = found !== undefined && (found.spec.holderIdentity ?? '') !== '';
    const gained = !mine || generation !== transitions;
    const lapsed = !isHeld();
    generation = transitions;
    // Given up by ourselves long before anybody else may take it.
    validUntil = began + (leaseMs * 2) / 3;
    mine = true;
    if (gained) options.onChange(true, silent);
    else if (lapsed) options.onKept();
  }

  function lose(): void {
    if (!mine) return;
    mine = false;
    options.onChange(false, false);
  }

  function whatIsWrong(found: Lease): ProblemError | undefined {
    const follows = found.metadata.annotations[marks.follows];
    if (follows === undefined || follows === options.follows) return undefined;
    const message = `the name ${owner} is another installation’s: it follows ${follows}, this one ${options.follows}`;
    return new ProblemError(problem('KUBE_NAME_TAKEN', message));
  }

  function isOver(found: Lease): boolean {
    const before = found.spec.holderIdentity ?? '';
    if (before === '' || before.split('/')[0] === holder) return true;
    if (seen?.version !== found.metadata.resourceVersion) {
      seen = { version: found.metadata.resourceVersion, at: clock.ticks() };
    }
    return clock.ticks() - seen.at > found.spec.leaseDurationSeconds * 1000;
  }

  async function take(found: Lease | undefined): Promise<void> {
    used = new Set(await options.onTry(found && projectsOn(found)));
    await settle(found, (found?.spec.leaseTransitions ?? 0) + 1, clock.ticks());
  }

  /** One try to have it, or to keep it. */
  async function attempt(): Promise<void> {
    const began = clock.ticks();
    const found = mine && last ? last : await read();
    const wrong = found && whatIsWrong(found);
    if (wrong) throw wrong;
    last = found;
    try {
      if (mine && found) await settle(found, generation, began);
      else if (wanted && (!found || isOver(found))) await take(found);
    } catch (error) {
      if (!(error instanceof KubeRefusal && (error.status === 409 || error.status === 404))) throw error;
      // Somebody has written it: it is read, and may still be ours.
      last = await read();
      if (last?.spec.holderIdentity !== identity || last.spec.leaseTransitions !== generation) lose();
    }
  }

  function inTurn(): Promise<void> {
    turn ??= attempt().finally(() => {
      turn = undefined;
    });
    return turn;
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(mine ? leaseMs / 4 : leaseMs / 6, signal);
      if (!signal.aborted) await inTurn().catch(() => undefined);
    }
  }

  function notLeading(): ProblemError {
    const who = last?.spec.holderIdentity ?? '';
    const words = who === '' || who === identity ? 'nobody has renewed the lead in time' : `${who} leads`;
    return new ProblemError(problem('KUBE_NOT_LEADING', `nothing is written to the cluster: ${words}`));
  }

  async function ask(): Promise<number> {
    if (!isHeld()) throw notLeading();
    const found = await read();
    if (found?.spec.holderIdentity !== identity || found.spec.leaseTransitions !== generation) {
      last = found;
      lose();
      throw notLeading();
    }
    if (!isHeld()) throw notLeading();
    return generation;
  }

  /** Many ask at the same time; one answer serves all that asked before it was asked for. */
  function check(): Promise<number> {
    if (!checking) {
      checking = ask().finally(() => {
        checking = undefined;
      });
      return checking;
    }
    next ??= checking
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return check();
      });
    return next;
  }

  return {
    get held() {
      return isHeld();
    },
    get generation() {
      return generation;
    },
    get other() {
      const who = last?.spec.holderIdentity ?? '';
      return who === '' || who === identity ? undefined : who;
    },
    check,
    async use(project) {
      for (;;) {
        if (!isHeld()) throw notLeading();
        if (last && projectsOn(last).includes(project)) return;
        used.add(project);
        await inTurn();
      }
    },
    async known() {
      if (!loop || last === undefined) await inTurn();
      loop ??= follow();
    },
    async stop() {
      stopping.abort();
      await loop;
      await turn?.catch(() => undefined);
      if (!mine || !last) return;
      mine = false;
      await write(last, generation, '').catch(() => undefined);
    },
  };
}

/** What is no name is nothing that a leader has written. */
function projectsOn({ metadata }: Lease): string[] {
  return (metadata.annotations[marks.projects] ?? '').split(',').filter(project => PROJECT.test(project));
}

const PROJECT = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Also where several installations share a namespace, each has its own. */
function leaseName(owner: string): string {
  return `mcpctl-${owner.slice(0, 40)}`;
}
