import type { Catalog } from '../catalog.ts';
import { digestOf } from '../digest.ts';
import type { ReviewPolicy } from '../kinds/index.ts';
import { classify } from '../layout.ts';
import { type Problem, problem } from '../problem.ts';
import type { Kind } from '../resource.ts';
import { type CodeownersRule, ownersOf } from './codeowners.ts';
import { matchesPath } from './path-pattern.ts';
import { type PrincipalId, type Principals, principalsOf } from './principals.ts';
import { type Statement, statementText } from './statement.ts';

/** What decides about a change: everything is `main`'s, as it was before the change. */
export interface Policy {
  review: ReviewPolicy | undefined;
  codeowners: readonly CodeownersRule[];
  /** Where the repository's root folder is from the top, which is where CODEOWNERS' patterns start: empty or `ai/`. */
  prefix: string;
  catalog: Catalog;
}

/** The change that is judged. */
export interface ProposedChange {
  /** Every file that it adds, changes or removes, below the repository's root folder. */
  paths: readonly string[];
  /** Email addresses of the authors and committers of its commits. */
  emails: readonly string[];
  /** Keys (type and base64) whose signatures its commits carry. */
  keys: readonly string[];
  /** Whether it says that an AI session made it. Believed, as it only asks for more. */
  session: boolean;
}

/** A statement whose signature was verified. */
export interface SignedStatement {
  statement: Statement;
  /** Type and base64 of the key that signed it. */
  key: string;
  /** As `ssh-keygen -lf` prints it. */
  fingerprint: string;
}

/** One thing that the policy asks for. */
export interface Requirement {
  /** What asks for it: a rule of `mcpctl.yaml`, a line of CODEOWNERS. */
  because: string;
  paths: string[];
  needed: number;
  /** Whose approval would count. */
  owners: PrincipalId[];
  /** Whose approval does. */
  approvedBy: PrincipalId[];
}

/** What a statement must say, word for word, to be about this very change; what is left out is not compared. */
export type Expected = Pick<Statement, 'repository' | 'proposal' | 'head' | 'policyDigest'> &
  Partial<Pick<Statement, 'planDigest'>>;

export interface Judgement {
  verdict: 'approved' | 'pending' | 'rejected' | 'withdrawn';
  requirements: Requirement[];
  /** Statements that do not count, with the reason. */
  discounted: { by: string; problem: Problem }[];
  /** Who rejected it, with their reasons. */
  rejectedBy: { by: PrincipalId; reason: string }[];
}

const digests = new WeakMap<Policy, string>();

/** A digest of everything that decides who must approve what. */
export function policyDigest(policy: Policy): string {
  const known = digests.get(policy) ?? digestOfPolicy(policy);
  digests.set(policy, known);
  return known;
}

function digestOfPolicy({ review, codeowners, catalog }: Policy): string {
  const kinds = ['User', 'ServiceAccount', 'Group', 'RoleBinding'] as const;
  const access = kinds.flatMap(kind => catalog.list(kind).map(({ id, spec }) => [id, spec]));
  return digestOf({ review: review ?? null, codeowners, access });
}

/**
 * Whether a change may be merged, by the policy and the statements there are. Pure.
 * @param statements in the order in which they were made; of one person only the last counts
 */
export function judge(
  policy: Policy,
  change: ProposedChange,
  expected: Expected,
  statements: readonly SignedStatement[],
): Judgement {
  const principals = principalsOf(policy.catalog);
  const authors = authorsOf(principals, change);
  const { last, discounted } = lastWords(principals, expected, statements);
  const approvals = new Map<PrincipalId, SignedStatement>();
  for (const [by, signed] of last) {
    if (signed.statement.verdict !== 'approve') continue;
    const why = selfApproval(policy.review, change, authors, by);
    if (why) discounted.push({ by, problem: why });
    else approvals.set(by, signed);
  }
  const requirements = requirementsOf(policy, principals, change.paths).map(({ signers, ...rule }) => ({
    ...rule,
    approvedBy: [...approvals]
      .filter(([by, { fingerprint }]) => rule.owners.includes(by) && (!signers || signers.includes(fingerprint)))
      .map(([by]) => by)
      .sort(),
  }));
  const entitled = new Set(requirements.flatMap(({ owners }) => owners));
  for (const by of approvals.keys()) {
    if (requirements.length > 0 && !entitled.has(by)) discounted.push({ by, problem: notEntitled(by) });
  }
  const rejectedBy = [...last]
    .filter(([by, { statement }]) => statement.verdict === 'reject' && (entitled.has(by) || requirements.length === 0))
    .map(([by, { statement }]) => ({ by, reason: statement.reason }));
  const withdrawn = [...last].some(([by, { statement }]) => statement.verdict === 'withdraw' && authors.has(by));
  const satisfied = requirements.every(({ needed, approvedBy }) => approvedBy.length >= needed);
  const verdict = withdrawn ? 'withdrawn' : rejectedBy.length > 0 ? 'rejected' : satisfied ? 'approved' : 'pending';
  return { verdict, requirements, discounted, rejectedBy };
}

/** What everybody said last about this very change, and the statements that are about something else or of nobody. */
function lastWords(
  principals: Principals,
  expected: Expected,
  statements: readonly SignedStatement[],
): { last: Map<PrincipalId, SignedStatement>; discounted: Judgement['discounted'] } {
  const last = new Map<PrincipalId, SignedStatement>();
  const discounted: Judgement['discounted'] = [];
  const known = new Set<string>();
  for (const signed of statements) {
    const by = principals.byKey(signed.key);
    // Anybody can add an old statement again, behind the one that took it back.
    const said = `${by} ${statementText(signed.statement)}`;
    if (known.has(said)) continue;
    known.add(said);
    const why = by === undefined ? unknownKey(signed) : notAboutThis(signed.statement, expected);
    if (why) discounted.push({ by: by ?? signed.fingerprint, problem: why });
    else if (by !== undefined) last.set(by, signed);
  }
  return { last, discounted };
}

/**
 * Kinds whose files may not go straight to `main`.
 * @returns the paths that need a proposal, each with what says so
 */
export function needsProposal(policy: Policy, paths: readonly string[]): { path: string; because: string }[] {
  const { direct } = policy.review ?? {};
  const asked = requirementsOf(policy, principalsOf(policy.catalog), paths);
  return paths.flatMap(path => {
    const rule = asked.find(one => one.paths.includes(path));
    if (rule) return [{ path, because: rule.because }];
    if (direct === undefined) return [];
    const subject = subjectOf(path);
    if (subject && direct.some(one => one.toLowerCase() === subject.kind.toLowerCase())) return [];
    return [{ path, because: '`review.direct` in mcpctl.yaml does not name its kind' }];
  });
}

type Rule = Omit<Requirement, 'approvedBy'> & { signers?: readonly string[] | undefined };

/** Every rule that has something to say about the paths. What decides about review is never left unprotected. */
function requirementsOf(
  { review, codeowners, prefix }: Policy,
  principals: Principals,
  paths: readonly string[],
): Rule[] {
  const rules: Rule[] = (review?.protect ?? []).flatMap(({ paths: patterns, owners, approvals, signers }) => {
    const own = paths.filter(path => placesOf(path).some(one => patterns.some(pattern => matchesPath(pattern, one))));
    if (own.length === 0) return [];
    const entitled = owners ? ownerIds(principals, owners) : reviewersOf(principals, own);
    return [
      { because: `review.protect ${patterns.join(' ')}`, paths: own, needed: approvals, owners: entitled, signers },
    ];
  });
  const owned = paths.flatMap(path => {
    const found = new Set(placesOf(path).flatMap(one => ownersOf(codeowners, `${prefix}${one}`) ?? []));
    return [...found].flatMap(rule => (rule.owners.length > 0 ? [{ rule, path }] : []));
  });
  for (const [rule, group] of Map.groupBy(owned, one => one.rule)) {
    rules.push({
      because: `CODEOWNERS ${rule.pattern}`,
      paths: group.map(({ path }) => path),
      needed: 1,
      owners: sorted(rule.owners.flatMap(owner => codeowner(principals, owner))),
    });
  }
  const ruled = new Set(rules.flatMap(rule => rule.paths));
  const bare = paths.filter(path => decidesReview(path) && !ruled.has(path));
  if (bare.length > 0 && (review?.protect.length ?? 0) + codeowners.length > 0) {
    const owners = sorted([
      ...principals.administrators(),
      ...(review?.protect ?? []).flatMap(one => (one.owners ? ownerIds(principals, one.owners) : [])),
    ]);
    rules.push({ because: 'it decides who reviews what', paths: bare, needed: 1, owners });
  }
  return rules;
}

/** Files that say who may approve what. */
function decidesReview(path: string): boolean {
  return placesOf(path).some(
    one => one === 'mcpctl.yaml' || /^(?:access|trust)\//.test(one) || /^(?:\.github\/|docs\/)?CODEOWNERS$/.test(one),
  );
}

/** Where a path stands, and for an environment's patch also where that takes effect: it is protected as both. */
function placesOf(path: string): string[] {
  const [, target] = /^environments\/[^/]+\/(.+)$/s.exec(path) ?? [];
  return target === undefined ? [path] : [path, target];
}

function ownerIds(principals: Principals, { users, groups }: { users: string[]; groups: string[] }): PrincipalId[] {
  const named = users.map(name => `user/${name}`).filter(id => principals.has(id));
  return sorted([...named, ...groups.flatMap(name => [...principals.members(name)])]);
}

/** Everybody who may review all of the paths. */
function reviewersOf(principals: Principals, paths: readonly string[]): PrincipalId[] {
  const sets = paths.map(path => {
    const subject = subjectOf(path);
    return subject ? principals.reviewers(subject) : principals.administrators();
  });
  const [first = new Set<PrincipalId>(), ...others] = sets;
  return sorted([...first].filter(id => others.every(set => set.has(id))));
}

/** `@name` is a User or a Group, `@organisation/team` the Group `team`; anything else an address. */
function codeowner(principals: Principals, owner: string): PrincipalId[] {
  if (!owner.startsWith('@')) return [principals.byEmail(owner) ?? []].flat();
  const name = owner
    .slice(owner.lastIndexOf('/') + 1)
    .replace(/^@/, '')
    .toLowerCase();
  const user = `user/${name}`;
  return [...(principals.has(user) && !owner.includes('/') ? [user] : []), ...principals.members(name)];
}

/** Whoever may have made it: of a key or an address that several claim, each. */
function authorsOf(principals: Principals, { emails, keys }: ProposedChange): Set<PrincipalId> {
  return new Set([...emails, ...keys].flatMap(one => [...principals.claimants(one)]));
}

function selfApproval(
  review: ReviewPolicy | undefined,
  { session }: ProposedChange,
  authors: ReadonlySet<PrincipalId>,
  by: PrincipalId,
): Problem | undefined {
  if (!authors.has(by) || (review?.selfApproval === true && !session)) return undefined;
  const message = session
    ? `${by} made this in an AI session: somebody else has to approve it`
    : `${by} is an author of this: somebody else has to approve it`;
  return problem('REVIEW_SELF_APPROVAL', message);
}

function notAboutThis(statement: Statement, expected: Expected): Problem | undefined {
  for (const field of ['repository', 'proposal', 'head', 'planDigest', 'policyDigest'] as const) {
    const wanted = expected[field];
    if (wanted === undefined || statement[field] === wanted) continue;
    return problem(
      'REVIEW_STALE',
      `it is about ${fieldNames[field]} \`${short(statement[field])}\`, not \`${short(wanted)}\``,
    );
  }
  return undefined;
}

const fieldNames = {
  repository: 'the repository',
  proposal: 'the proposal',
  head: 'the commit',
  planDigest: 'the plan',
  policyDigest: 'the policy',
} as const;

function short(text: string): string {
  return /^(?:sha256:)?[0-9a-f]{40,}$/.test(text) ? text.slice(0, text.startsWith('sha256:') ? 19 : 12) : text;
}

function unknownKey({ fingerprint }: SignedStatement): Problem {
  return problem('REVIEW_NOT_ENTITLED', `the key ${fingerprint} belongs to no user, or to several`);
}

function notEntitled(by: PrincipalId): Problem {
  return problem('REVIEW_NOT_ENTITLED', `${by} owns nothing of what this changes`);
}

/** What a file declares or is a part of, as RoleBindings name it. */
function subjectOf(path: string): { kind: Kind; name: string; project?: string } | undefined {
  const declared = classify(path);
  const about = declared.kind === 'patch' ? declared.target : declared;
  if (about.kind !== 'resource' && about.kind !== 'part') return undefined;
  const kind = about.kind === 'part' ? 'Skill' : about.resourceKind;
  const project = about.scope.startsWith('project/') ? about.scope.slice('project/'.length) : undefined;
  return { kind, name: about.name, ...(project !== undefined && { project }) };
}

function sorted(ids: readonly PrincipalId[]): PrincipalId[] {
  return [...new Set(ids)].sort();
}
