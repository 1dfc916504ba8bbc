import { type Problem, problem } from '../../../schema/index.ts';
import type { LaunchSpec } from '../runtime.ts';
import { type Deployment, type Pod, whyNotStarting } from './found.ts';
import { START_MS } from './workings.ts';

/** What a pod is never given, whatever is declared. */
export function whyForbidden(spec: LaunchSpec): Problem | undefined {
  const resource = `server/${spec.server}`;
  const [path] = spec.isolation?.paths ?? [];
  if (path) {
    const message = `${spec.id} wants ${path.path} of the host, which no pod is given`;
    return problem('ISOLATION_IMPOSSIBLE', message, { resource });
  }
  if (spec.image?.startsWith('sha256:') === true) {
    const message = `${spec.id} names an image by Docker’s id, which a cluster cannot pull`;
    return problem('RUNTIME_UNSUPPORTED', message, { resource, hint: 'Name it as name@sha256:….' });
  }
  return undefined;
}

export function refusal(spec: LaunchSpec, reason: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('SERVER_EXITED', `${spec.id} was not started: ${reason}`, { resource }) };
}

/** A pod that will not run by waiting. */
export function stuckProblem(spec: LaunchSpec, pod: Pod): Problem | undefined {
  const stuck = whyNotStarting(pod);
  if (!stuck) return undefined;
  const code = stuck.image ? 'IMAGE_MISSING' : 'KUBE_POD_FAILING';
  return problem(code, `${spec.id}: ${stuck.reason}: ${stuck.words}`, { resource: `server/${spec.server}` });
}

/** The cluster will not even make the pod: a quota, a policy. */
export function unmadeProblem(spec: LaunchSpec, deployment: Deployment | undefined): Problem | undefined {
  const conditions = deployment?.status.conditions ?? [];
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (!failure) return undefined;
  const code = failure.message.includes('exceeded quota') ? 'KUBE_QUOTA' : 'RUNTIME_REFUSED';
  return problem(code, `${spec.id}: ${failure.message}`, { resource: `server/${spec.server}` });
}

export function lateProblem(spec: LaunchSpec, pod: Pod | undefined): Problem {
  const words = pod ? `its pod is ${pod.status.phase}` : 'the cluster has made no pod for it';
  const resource = `server/${spec.server}`;
  return problem('SERVER_START_TIMEOUT', `${spec.id} does not run after ${START_MS} ms: ${words}`, { resource });
}

/** To one that only reads. */
export function notAppliedProblem(spec: LaunchSpec, leader: string | undefined): Problem {
  const resource = `server/${spec.server}`;
  const who = leader === undefined ? 'nobody leads' : `${leader} leads`;
  return problem('SERVER_START_TIMEOUT', `${spec.id} was not applied within ${START_MS} ms: ${who}`, { resource });
}
