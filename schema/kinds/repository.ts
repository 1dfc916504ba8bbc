import { z } from 'zod';
import { DnsLabel } from './names.ts';
import { ReviewPolicy } from './review.ts';
import { RuntimeName } from './runtime-name.ts';
import { SecretRef } from './value-source.ts';

const Duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[mhd]$/, 'not a duration such as 30m, 12h or 90d')
  .describe('A number and `m`, `h` or `d`: minutes, hours, days');

const Trust = z.strictObject({
  mode: z
    .enum(['open', 'forge', 'release'])
    .default('open')
    .describe(
      'What machines follow: `open`, the branch, whoever pushed; `forge`, the branch, relying on the remote’s protection of it; `release`, signed releases only. A machine with a pinned root is always `release`',
    ),
  maxAge: Duration.optional().describe('How old the newest trusted release may be before machines call it stale'),
});

const Release = z.strictObject({
  resourceTags: z
    .boolean()
    .default(true)
    .describe('Whether `mcpctl release` also tags each resource’s version, `<path>/v<version>`, as a name for people'),
  expires: Duration.optional().describe('How long a release is trusted; `mcpctl release --renew` makes it anew'),
  runtime: RuntimeName.optional().describe(
    'What machines that follow releases have as `mcpctl up --runtime`, for `mcpctl release` to refuse what they would ' +
      'refuse; `process` unless given',
  ),
});

/** Seconds; a day at most. */
const Backoff = z.array(z.number().positive().max(86_400)).min(1).max(32);

const Prune = z.strictObject({
  max: z
    .union([
      z.int().min(0).max(100_000),
      z.string().regex(/^(?:100|[1-9]?[0-9])%$/, 'not a number of resources, or a percentage such as `20%`'),
    ])
    .optional()
    .describe(
      'How many resources of one kind, and of all kinds together, a commit may take out of service before it waits ' +
        'for `--allow-prune`: a number, or `20%` of those there are; the larger of 3 and 10 % unless given',
    ),
});

const Kubernetes = z.strictObject({
  namespaces: z
    .enum(['repository', 'project'])
    .default('repository')
    .describe(
      'Which namespace a server runs in: `repository`, one for all; `project`, one for each project, in which the ' +
        'servers run that this project alone has. What several projects have, or none, stays in the one for all',
    ),
});

/** What machines tell others about; the same words as in the notifications themselves. */
const NotificationEvent = z.enum(['applied', 'stalled', 'degraded', 'recovered', 'prune-held']);
export type NotificationEvent = z.infer<typeof NotificationEvent>;

const Notification = z.strictObject({
  url: z
    .url({ protocol: /^https$/ })
    .max(2048)
    .describe('Posted to. The address must be a public one: a repository cannot reach into a machine’s own network'),
  secretRef: SecretRef.describe('The key that requests are signed with'),
  events: z.array(NotificationEvent).min(1).max(5).optional().describe('What is told; everything unless given'),
});

/** `mcpctl.yaml`: what holds for the repository as a whole. */
export const Repository = z.strictObject({
  id: z
    .string()
    .max(128)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'not a repository id: lower-case letters, digits, `.` and `-`')
    .describe('Names this repository for ever; statements and releases are made for it'),
  trust: Trust.optional().describe('Whom machines trust'),
  release: Release.optional().describe('How releases are made'),
  notifications: z
    .array(Notification)
    .max(8)
    .optional()
    .describe('Signed webhooks that machines call when a revision is applied, stalls, or servers fail or recover'),
  requireIsolation: z
    .boolean()
    .optional()
    .describe(
      'Refuse to start a server that nothing would isolate; one that declares no `isolation` gets the strictest',
    ),
  backoffSeconds: Backoff.optional().describe(
    'How long to wait after the first, second, … failing start of a server, ± 10 %; the last one repeats. ' +
      '30 five times, then 300, unless given; `mcpctl up --backoff` counts instead',
  ),
  environments: z
    .array(DnsLabel)
    .max(64)
    .optional()
    .describe('The environments there are; with this list, a folder below `environments/` of another name is an error'),
  prune: Prune.optional().describe('What a commit may take out of service'),
  kubernetes: Kubernetes.optional().describe('How servers run in a cluster, where they do'),
  review: ReviewPolicy.optional().describe('Who has to agree before a change reaches `main`'),
});
export type Repository = z.infer<typeof Repository>;
