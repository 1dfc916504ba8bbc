import { type Problem, parseStatement, problem, type SignedStatement } from '../../schema/index.ts';
import { isOver, parseSignature } from '../trust/index.ts';
import type { FoundStatement } from './forge.ts';

/** What reviewers sign in: a signature for another purpose is worth nothing here. */
export const REVIEW_NAMESPACE = 'mcpctl-review';

/** Whether a statement is one, and signed by the key it names. Whose key that is, and what it may, is the policy's. */
export function verifyStatement({
  text,
  signature,
}: FoundStatement): { signed: SignedStatement } | { problem: Problem } {
  const statement = parseStatement(text);
  if (!statement) return bad('it is not a statement as mcpctl writes it');
  try {
    const blob = Buffer.from(signature, 'base64');
    if (blob.toString('base64') !== signature) return bad('its signature is not base64 as written');
    const parsed = parseSignature(blob);
    if (parsed.namespace !== REVIEW_NAMESPACE) return bad(`it is signed for \`${parsed.namespace}\`, not for reviews`);
    if (!isOver(parsed, Buffer.from(text))) return bad('its signature is over something else');
    return { signed: { statement, key: parsed.publicKey, fingerprint: parsed.keyId } };
  } catch (error) {
    return bad(error instanceof Error ? error.message : String(error));
  }
}

function bad(why: string): { problem: Problem } {
  return { problem: problem('REVIEW_NOT_ENTITLED', `a statement does not count: ${why}`) };
}
