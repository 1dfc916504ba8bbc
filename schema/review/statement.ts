import { isProposalId } from './proposal-id.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const OID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const VERDICTS = ['approve', 'reject', 'withdraw'] as const;

/** What a reviewer signs (SSH signature, namespace `mcpctl-review`): one verdict on one state of one proposal. */
export interface Statement {
  /** The repository's id: a statement is worth nothing in another one. */
  repository: string;
  proposal: string;
  /** The commit that was reviewed. */
  head: string;
  /** What merging it does: see `mcpctl plan --from main --to MERGED -o json`. */
  planDigest: string;
  /** The policy that was in force. */
  policyDigest: string;
  verdict: (typeof VERDICTS)[number];
  /** In the reviewer's own words. */
  reason: string;
}

/** What each part may be. Without a library: every command about proposals reads statements, and starts sooner so. */
const parts: { readonly [K in keyof Statement]: (value: string) => boolean } = {
  repository: value => value.length <= 128,
  proposal: isProposalId,
  head: value => OID.test(value),
  planDigest: value => DIGEST.test(value),
  policyDigest: value => DIGEST.test(value),
  verdict: value => VERDICTS.some(one => one === value),
  reason: value => value.length <= 4096,
};

/** The one text of a statement that is signed: JSON, keys in the order above, a newline at the end. */
export function statementText(statement: Statement): string {
  const { repository, proposal, head, planDigest, policyDigest, verdict, reason } = statement;
  return `${JSON.stringify({ repository, proposal, head, planDigest, policyDigest, verdict, reason })}\n`;
}

/** @returns undefined for anything but the text that `statementText` gives */
export function parseStatement(text: string): Statement | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // Further keys, or the same in another order, make another text.
  return isStatement(value) && statementText(value) === text ? value : undefined;
}

function isStatement(value: unknown): value is Statement {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(parts).every(([key, fits]) => {
    const part: unknown = (value as Record<string, unknown>)[key];
    return typeof part === 'string' && fits(part);
  });
}
