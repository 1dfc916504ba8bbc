import { z } from 'zod';
import { DnsLabel } from './names.ts';
import { SecretRef } from './value-source.ts';

/** A path pattern as in CODEOWNERS; what it means stands in `schema/review/path-pattern.ts`. */
const PathPattern = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\0\r\n![\]\\]+$/, 'not a path pattern such as `servers/*.yaml` or `skills/`');

const Owners = z.strictObject({
  users: z.array(DnsLabel).max(256).default([]).describe('Users, by name'),
  groups: z.array(DnsLabel).max(256).default([]).describe('Groups, by name; members of their groups are included'),
});

const Fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'not a fingerprint as `ssh-keygen -lf` prints it');

const Protection = z.strictObject({
  paths: z.array(PathPattern).min(1).max(256).describe('Which files, in the patterns of CODEOWNERS'),
  owners: Owners.optional().describe('Whose approval counts; left out, everybody’s who may review by a RoleBinding'),
  approvals: z.int().min(1).max(20).default(1).describe('How many people have to approve'),
  signers: z.array(Fingerprint).max(256).optional().describe('The only keys whose approvals count'),
});

const GithubApp = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'not the id of an App')
    .describe('The App’s client id, or its number'),
  installation: z
    .string()
    .regex(/^\d{1,20}$/, 'not the number of an installation')
    .describe('The number of its installation for this repository'),
});

/** What to tell GitHub with. Which machine that goes to is said by the remote's address and never here. */
const GithubAccess = z.strictObject({
  secretRef: SecretRef.describe('A fine-grained token; with `app`, the App’s private key, PEM'),
  app: GithubApp.optional().describe('The GitHub App whose key that is'),
});
export type GithubAccess = z.infer<typeof GithubAccess>;

/** Who has to agree before a change reaches `main`. Always judged by what `main` says before the change. */
export const ReviewPolicy = z.strictObject({
  forge: z
    .enum(['git', 'github'])
    .optional()
    .describe(
      'Where proposals are reviewed: `git`, by signed statements on any remote; `github`, as pull requests, by the rules ' +
        'of GitHub. Left out, GitHub where the remote is github.com and a token for it is there',
    ),
  github: GithubAccess.optional().describe(
    'Where the credential for GitHub’s API comes from, on machines whose environment names none',
  ),
  protect: z
    .array(Protection)
    .max(256)
    .default([])
    .describe('What needs approval; of several that match a file, every one has to be satisfied'),
  selfApproval: z.boolean().default(false).describe('Whether an author’s own approval counts'),
  direct: z
    .array(z.string().max(64))
    .max(64)
    .optional()
    .describe(
      'The only kinds that may be committed to `main` without a proposal, where nothing protects them; left out, all kinds',
    ),
});
export type ReviewPolicy = z.infer<typeof ReviewPolicy>;
