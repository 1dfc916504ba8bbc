export { codeownersPaths, parseCodeowners } from './codeowners.ts';
export {
  type Judgement,
  judge,
  needsProposal,
  type Policy,
  type ProposedChange,
  policyDigest,
  type Requirement,
  type SignedStatement,
} from './judge.ts';
export { type PrincipalId, type Principals, principalsOf } from './principals.ts';
export { isProposalId } from './proposal-id.ts';
export { parseStatement, type Statement, statementText } from './statement.ts';
