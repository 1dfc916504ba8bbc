import { createHash } from 'node:crypto';
import type { LaunchSpec } from '../runtime.ts';

/** Who we are to server-side apply. */
export const FIELD_MANAGER = 'mcpctl';

/** What is written on every object. None of it is secret: everybody who may ask the cluster can read it. */
export const marks = {
  owner: 'mcpctl.dev/owner',
  server: 'mcpctl.dev/server',
  /** The project in whose namespace it is, where projects are apart. */
  project: 'mcpctl.dev/project',
  /** A short form of the spec's digest, fit for a label. */
  spec: 'mcpctl.dev/spec',
  /** On a pod: which instance it is. */
  instance: 'mcpctl.dev/instance',
  /** Annotations: a digest does not fit into a label. */
  specDigest: 'mcpctl.dev/spec-digest',
  image: 'mcpctl.dev/image',
  /** On a Deployment: the ordinals of the instances that it has pods for. */
  ordinals: 'mcpctl.dev/ordinals',
  /** On a Deployment that has no pods yet because what belongs to it is being made. */
  begun: 'mcpctl.dev/begun',
  /** On a pod template: the Secret that holds its values, so that a changed one rolls. */
  values: 'mcpctl.dev/values',
  /** Which process wrote it last, of all that ever led. */
  generation: 'mcpctl.dev/generation',
  /** On the lease of the leader: the repository. */
  follows: 'mcpctl.dev/follows',
  /** On the lease of the leader: the projects in whose namespaces something of ours may be. */
  projects: 'mcpctl.dev/projects',
  /** On the lease of a process, or of a pod that it is attached to: where other processes reach it. */
  door: 'mcpctl.dev/door',
} as const;

/** The labels of every object of a server's spec; pods are selected by them. */
export function labelsOf(
  owner: string,
  { server, specDigest, project }: Pick<LaunchSpec, 'server' | 'specDigest' | 'project'>,
): Record<string, string> {
  return {
    'app.kubernetes.io/managed-by': 'mcpctl',
    'app.kubernetes.io/name': server,
    [marks.owner]: owner,
    [marks.server]: server,
    [marks.spec]: shortDigest(specDigest),
    ...(project !== undefined && { [marks.project]: project }),
  };
}

/** `<server>-<short digest>`: what replaces a server stands beside it until it is ready, so that both need a name. */
export function objectName({ server, specDigest }: Pick<LaunchSpec, 'server' | 'specDigest'>): string {
  return `${server}-${shortDigest(specDigest)}`;
}

/** The name of the Deployment that something with its labels belongs to. */
export function nameOf({ metadata: { labels } }: { metadata: { labels: Record<string, string> } }): string {
  return `${labels[marks.server]}-${labels[marks.spec]}`;
}

/** In which project's namespace something with its labels is. */
export function projectOf({ metadata: { labels } }: { metadata: { labels: Record<string, string> } }) {
  return labels[marks.project];
}

/** `notes-1` of `notes` → 1 */
export function ordinalOf(id: string, server: string): number | undefined {
  const rest = id.startsWith(`${server}-`) ? id.slice(server.length + 1) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

function shortDigest(digest: string): string {
  return createHash('sha256').update(digest).digest('hex').slice(0, 10);
}
