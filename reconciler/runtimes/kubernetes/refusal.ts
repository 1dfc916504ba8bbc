import { z } from 'zod';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';

/** What the API answers when it does not do what it was asked. */
const Status = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  code: z.number(),
  details: z
    .object({
      causes: z
        .array(
          z.object({
            reason: z.string().default(''),
            message: z.string().default(''),
            field: z.string().optional(),
          }),
        )
        .default([]),
      retryAfterSeconds: z.number().optional(),
    })
    .default({ causes: [] }),
});

/** The API said no. */
export class KubeRefusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly { reason: string; message: string; field?: string | undefined }[];
  /** Seconds that it asks us to wait. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: unknown, retryAfter?: number) {
    const said = Status.safeParse(body);
    super(said.success ? said.data.message : `HTTP ${status}`);
    this.status = status;
    this.reason = said.success ? said.data.reason : '';
    this.causes = said.success ? said.data.details.causes : [];
    this.retryAfter = retryAfter ?? (said.success ? said.data.details.retryAfterSeconds : undefined);
  }
}

const FORBIDDEN = /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)")?/;
const CLOCK_CODES = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

/** What went wrong with the cluster, as a Problem. Pure. */
export function clusterProblem(error: unknown, what: string, resource?: string): Problem {
  if (error instanceof ProblemError) return error.problem;
  const more = resource === undefined ? {} : { resource };
  if (error instanceof KubeRefusal) return refused(error, what, more);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = error instanceof Error ? error.message || code : String(error);
  const hint = CLOCK_CODES.includes(code) ? { hint: 'Compare the clocks of this machine and of the cluster.' } : {};
  return problem('RUNTIME_UNREACHABLE', `the cluster does not answer: ${words}`, { ...more, ...hint });
}

const MAX_AHEAD_MS = 60_000;

/** @param ahead how far the cluster's clock is before ours. Milliseconds */
export function clockProblem(ahead: number): Problem | undefined {
  if (Math.abs(ahead) < MAX_AHEAD_MS) return undefined;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  const way = ahead > 0 ? 'behind' : 'ahead of';
  return problem('KUBE_CLOCK', `the clock of this machine is ${seconds} s ${way} the cluster’s`);
}

function refused(error: KubeRefusal, what: string, more: { resource?: string }): Problem {
  const { status, message, reason } = error;
  const said = `${what}: ${message}`;
  if (status === 401) return problem('KUBE_CREDENTIALS', `${what}: the cluster does not know who asks (401)`, more);
  if (status === 429 || status === 503) return problem('RUNTIME_UNREACHABLE', said, more);
  if (isEnding(error)) return problem('KUBE_NAMESPACE_ENDING', said, more);
  if (status === 403 && message.includes('exceeded quota')) return problem('KUBE_QUOTA', said, more);
  if (status === 403) return problem('KUBE_FORBIDDEN', said, { ...more, ...missingRule(message) });
  if (status === 409 && reason === 'Conflict') return problem('KUBE_CONFLICT', said, more);
  return problem('RUNTIME_REFUSED', said, more);
}

function isEnding({ status, message, causes }: KubeRefusal): boolean {
  return (
    status === 403 &&
    (causes.some(({ reason }) => reason === 'NamespaceTerminating') ||
      message.includes('because it is being terminated'))
  );
}

/** The rule of RBAC that would allow what was refused. */
function missingRule(message: string): { hint?: string } {
  const [, verb, resource, group = '', namespace] = FORBIDDEN.exec(message) ?? [];
  if (verb === undefined) return {};
  const kind = namespace === undefined ? 'ClusterRole' : `Role in ${namespace}`;
  const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
  return { hint: `Missing rule of a ${kind}: ${rule}` };
}

/** One other manager of fields that are ours: `kubectl-edit` and what it changed. */
export interface Conflict {
  manager: string;
  fields: string[];
}

/** Who else manages what we declare, from the refusal of a server-side apply. */
export function conflictsOf(error: unknown): Conflict[] {
  if (!(error instanceof KubeRefusal) || error.status !== 409) return [];
  const found = new Map<string, string[]>();
  for (const { reason, message, field } of error.causes) {
    if (reason !== 'FieldManagerConflict') continue;
    const manager = /conflict with "([^"]+)"/.exec(message)?.[1] ?? 'another manager';
    found.set(manager, [...(found.get(manager) ?? []), ...(field === undefined ? [] : [field])]);
  }
  return [...found].map(([manager, fields]) => ({ manager, fields }));
}
