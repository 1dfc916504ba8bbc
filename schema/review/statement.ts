import { z } from 'zod';

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** `<kind>-<name>-<6 hex digits>`: safe as a part of a ref, a path and an argument. */
export const ProposalId = z
  .string()
  .max(160)
  .regex(/^[a-z]+-[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9a-f]{6}$/);

/** What a reviewer signs (SSH signature, namespace `mcpctl-review`): one verdict on one state of one proposal. */
export const Statement = z.strictObject({
  /** The repository's id: a statement is worth nothing in another one. */
  repository: z.string().max(128),
  proposal: ProposalId,
  /** The commit that was reviewed. */
  head: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/),
  /** What merging it does: see `mcpctl plan --from main --to MERGED -o json`. */
  planDigest: Digest,
  /** The policy that was in force. */
  policyDigest: Digest,
  verdict: z.enum(['approve', 'reject', 'withdraw']),
  /** In the reviewer's own words. */
  reason: z.string().max(4096),
});
export type Statement = z.infer<typeof Statement>;

/** The one text of a statement that is signed: JSON, keys in the order above, a newline at the end. */
export function statementText(statement: Statement): string {
  const { repository, proposal, head, planDigest, policyDigest, verdict, reason } = statement;
  return `${JSON.stringify({ repository, proposal, head, planDigest, policyDigest, verdict, reason })}\n`;
}

/** @returns undefined for anything but the text that `statementText` gives */
export function parseStatement(text: string): Statement | undefined {
  try {
    const statement = Statement.parse(JSON.parse(text));
    return statementText(statement) === text ? statement : undefined;
  } catch {
    return undefined;
  }
}
