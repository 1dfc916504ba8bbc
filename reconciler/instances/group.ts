import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Surface } from '../mcp/index.ts';
import type { DesiredInstance } from '../plan.ts';
import type { RolloutStatus } from '../status.ts';
import { Instance, type InstanceContext } from './instance.ts';
import { beginPreparation, type Preparation } from './preparation.ts';
import type { RejectionRecords } from './rejections.ts';
import { type Left, type RolloutStep, rollout, type Seen } from './rollout.ts';
import { createRotation, inRotation, type Rotation } from './rotation.ts';
import { defaultSupervision, type Supervision } from './supervision.ts';

export const NOTHING: Surface = { tools: [], prompts: [] };

export interface GroupContext extends Omit<InstanceContext, 'onChange' | 'health' | 'blockedBy'> {
  rejections: RejectionRecords;
  /** Ids of a server's instances that were started and are not known to be gone, whether they are looked after or not. */
  mayRun(server: string): readonly string[];
}

/** The newest spec never got ready. */
interface Rejected {
  /** Digest of the spec that is kept instead. */
  for: string;
  problem: Problem;
}

/** Failing starts of a new instance after which a server that is replaced in turn keeps its old spec. */
const MAX_FAILURES = 3;
/** Bounds the turns of one settling; each ends or starts something, so that a handful is the rule. */
const MAX_TURNS = 1_000;

/**
 * All instances of one server: which are wanted, which there are. Carries out what `rollout` says after every change; all
 * decisions about replacing are made there.
 */
export class ServerGroup {
  readonly server: string;
  supervision: Supervision = defaultSupervision;
  readonly rotation: Rotation;
  readonly instances = new Map<string, Instance>();
  /** What it offered when an instance last ran, so that a restart does not empty the clients' lists. */
  surface: Surface = NOTHING;
  private readonly context: GroupContext;
  private readonly onChange: () => void;
  /** What it waits for before it starts; undefined when there is nothing to wait for. */
  private readonly blockedBy: () => string | undefined;
  /** The instances that are wanted, by id. Which ordinals they really have depends on how they came to be. */
  private readonly slots = new Map<string, DesiredInstance>();
  /** Every spec that is wanted or that something runs. */
  private readonly specs = new Map<string, DesiredInstance>();
  /** What an earlier daemon left running, and is not taken over yet. */
  left: readonly Left[] = [];
  private wanted: string | undefined;
  private preparation: Preparation | undefined;
  private rejected: Rejected | undefined;
  private settling = false;
  private again = false;
  private closed = false;

  constructor(server: string, context: GroupContext, blockedBy: () => string | undefined, onChange: () => void) {
    this.server = server;
    this.context = context;
    this.blockedBy = blockedBy;
    this.onChange = onChange;
    this.rotation = createRotation(server, () => [...this.instances.values()], context.clock);
  }

  get isEmpty(): boolean {
    return this.slots.size === 0 && this.instances.size === 0;
  }

  /** What is wanted, by the ids it was declared with. */
  get desired(): DesiredInstance[] {
    return [...this.slots.values()];
  }

  /** As many instances as declared are given calls. */
  get isReady(): boolean {
    return this.ready.length >= this.supervision.replicas;
  }

  want(desired: DesiredInstance): void {
    this.slots.set(desired.id, desired);
    this.specs.set(desired.specDigest, desired);
    if (desired.specDigest !== this.wanted) {
      const isFirst = this.wanted === undefined;
      this.wanted = desired.specDigest;
      this.dropPreparation();
      if (isFirst) this.recall();
      else this.forgive();
    }
    this.settle();
  }

  release(id: string): void {
    this.slots.delete(id);
    if (this.slots.size === 0) this.forgive();
    this.settle();
  }

  /** Replace what runs by the same, as if its spec had changed. @param id one instance; all of them when left out */
  restart(id?: string): void {
    for (const instance of this.instances.values()) {
      if (id === undefined || instance.desired.id === id) instance.stale = true;
    }
    this.forgive();
    this.dropPreparation();
    this.settle();
  }

  /** Nothing waits for its next try any more. */
  retry(): void {
    for (const instance of this.instances.values()) instance.retry();
    this.preparation?.retry();
  }

  /** Digests of the specs that are wanted or run. */
  get specsInUse(): string[] {
    return [...this.specs.keys()];
  }

  /** Start and end what has to be, until there is nothing left to do but to wait. */
  settle(): void {
    if (this.settling) {
      this.again = true;
      return;
    }
    this.settling = true;
    for (let turn = 0; turn < MAX_TURNS && !this.closed; turn++) {
      this.again = false;
      this.unblock();
      const steps = this.steps();
      for (const one of steps) this.carryOut(one);
      if (steps.length === 0 && !this.again) break;
    }
    this.settling = false;
    this.forgetSpecs();
  }

  /** Why the newest spec is not all that runs; undefined when it is, or when nothing else does. */
  get rolloutStatus(): RolloutStatus | undefined {
    const { rejected, preparation } = this;
    if (rejected) {
      const message = `the newest spec never got ready, and the one before is kept: ${rejected.problem.message}`;
      return { state: 'RolledBack', message, problem: rejected.problem };
    }
    const live = [...this.instances.values()].filter(({ state }) => state !== 'Stopping');
    const old = live.filter(one => one.stale || one.desired.specDigest !== this.wanted);
    if (old.length === 0) return undefined;
    const blocked = this.blockedBy();
    if (blocked !== undefined) return { state: 'Blocked', message: `the newest spec ${blocked}` };
    const trouble = preparation?.trouble;
    if (!trouble) return { state: 'Progressing', message: `${old.length} of ${live.length} are still to be replaced` };
    return {
      state: 'Waiting',
      message: `what runs is kept, for the newest spec cannot be started: ${trouble.problem.message}`,
      problem: trouble.problem,
      attempt: trouble.attempt,
      nextRetryAt: new Date(trouble.nextRetryAt).toISOString(),
    };
  }

  /** Why there are no instances that are given calls, in a few words. */
  get trouble(): string {
    const first = [...this.instances.values()].find(instance => !instance.ready)?.snapshot();
    if (!first) return 'it has no instance';
    return first.message ?? first.problem?.message ?? first.health?.message ?? `${first.id} is ${first.state}`;
  }

  async close(options: { leave?: boolean } = {}): Promise<void> {
    this.closed = true;
    this.dropPreparation();
    await Promise.all([...this.instances.values()].map(instance => instance.close(options)));
  }

  private get ready(): Instance[] {
    return [...this.instances.values()].filter(instance => instance.ready);
  }

  private steps(): RolloutStep[] {
    if (this.wanted === undefined) return [];
    return rollout({
      wanted: this.wanted,
      replicas: this.slots.size,
      strategy: this.supervision.strategy,
      blocked: this.blockedBy() !== undefined,
      prepared: this.preparation?.isReady === true,
      ...(this.rejected && { rejectedFor: this.rejected.for }),
      seen: [...this.instances.values()].map(seenOf),
      left: this.left,
      leftovers: this.context
        .mayRun(this.server)
        .filter(id => !this.instances.has(id))
        .map(ordinalOf),
    }).filter(one => one.do !== 'prepare' || !this.preparation);
  }

  private carryOut(one: RolloutStep): void {
    const spec = this.specs.get(this.wanted ?? '');
    if (one.do === 'start') this.add(one.ordinal, one.digest);
    else if (one.do === 'end') void this.end(`${this.server}-${one.ordinal}`);
    else if (one.do === 'reject') this.reject(one.for);
    else if (spec) this.preparation = beginPreparation(spec, this.context, () => this.changed());
  }

  private add(ordinal: number, digest: string): void {
    const spec = this.specs.get(digest);
    if (!spec) return;
    const id = `${this.server}-${ordinal}`;
    const instance = new Instance(
      { ...spec, id, ordinal },
      {
        ...this.context,
        health: () => this.supervision.health,
        blockedBy: this.blockedBy,
        onChange: () => this.changed(),
      },
    );
    this.instances.set(id, instance);
    this.left = this.left.filter(one => one.ordinal !== ordinal);
    // It begins when nothing is left to wait for, which is looked at next.
    this.onChange();
  }

  /** What waited for other servers, and does not need to any more. */
  private unblock(): void {
    const pending = [...this.instances.values()].filter(({ state }) => state === 'Pending');
    if (pending.length === 0 || this.blockedBy() !== undefined) return;
    for (const instance of pending) instance.begin();
  }

  private async end(id: string): Promise<void> {
    const instance = this.instances.get(id);
    await instance?.remove();
    this.instances.delete(id);
    this.changed();
  }

  private reject(fallback: string): void {
    const [failing] = [...this.instances.values()].filter(
      one => one.desired.specDigest === this.wanted && !one.ready && one.state !== 'Stopping',
    );
    const { problem: found, health } = failing?.snapshot() ?? {};
    const words = health?.message ?? 'it did not come up';
    const why = found ?? problem('SERVER_UNHEALTHY', `${failing?.desired.id} never got ready: ${words}`);
    this.rejected = { for: fallback, problem: why };
    const kept = this.specs.get(fallback);
    if (kept) this.context.rejections.put(this.server, { wanted: this.wanted ?? '', kept, problem: why });
    this.onChange();
  }

  /** What an earlier daemon gave up stays given up. */
  private recall(): void {
    const before = this.context.rejections.get(this.server);
    if (!before || before.wanted !== this.wanted || this.supervision.strategy !== 'rolling') return;
    this.rejected = { for: before.kept.specDigest, problem: before.problem };
    this.specs.set(before.kept.specDigest, before.kept);
  }

  /** The newest spec is given its chances. */
  private forgive(): void {
    this.rejected = undefined;
    this.context.rejections.delete(this.server);
  }

  private changed(): void {
    this.surface = this.currentSurface();
    this.rotation.wake();
    this.settle();
    this.onChange();
  }

  /** The newest ready instance's; the last known one while something is on its way up; else nothing. */
  private currentSurface(): Surface {
    const instances = [...this.instances.values()];
    const pool = inRotation(instances);
    const shown = pool.find(({ desired }) => desired.specDigest === this.wanted) ?? pool[0];
    if (shown?.upstream) return shown.upstream.surface;
    return instances.some(({ waits }) => !waits) ? this.surface : NOTHING;
  }

  private dropPreparation(): void {
    this.preparation?.cancel();
    this.preparation = undefined;
  }

  /** A preparation tells of one replacement; specs that nothing is made of any more are not kept. */
  private forgetSpecs(): void {
    const live = [...this.instances.values()];
    const replaced = live.every(one => !one.stale && one.desired.specDigest === this.wanted);
    if (replaced) this.dropPreparation();
    const used = new Set([this.wanted, this.rejected?.for, ...live.map(({ desired }) => desired.specDigest)]);
    for (const digest of this.specs.keys()) if (!used.has(digest)) this.specs.delete(digest);
  }
}

function seenOf(instance: Instance): Seen {
  const { desired, stale, state, failures, unhealthy } = instance;
  const { ordinal, specDigest: digest } = desired;
  const hopeless = unhealthy || (state === 'Error' && failures >= MAX_FAILURES);
  return { ordinal, digest, stale, hopeless, phase: phaseOf(instance, state) };
}

function phaseOf(instance: Instance, state: Instance['state']): Seen['phase'] {
  if (state === 'Stopping') return 'leaving';
  if (state === 'Error') return 'failing';
  if (state === 'Pending') return 'pending';
  if (state === 'Running') return instance.ready ? 'ready' : 'unready';
  return 'coming';
}

/** `<server>-<ordinal>` → the ordinal */
export function ordinalOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}

/** The server is unknown, or none of it is declared. */
export function notDeclared(server: string): ProblemError {
  const hint = 'see `mcpctl status`';
  const message = `server ${server} is not available: no instance of it is declared`;
  return new ProblemError(problem('SERVER_UNREACHABLE', message, { resource: `server/${server}`, hint }));
}
