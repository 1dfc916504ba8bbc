/** What a proposal would do, and whether it may: plan, policy and statements put together. */
export { compareProposal } from './compare.ts';
export { decide, prepareMerge } from './decide.ts';
export { declaredLogin } from './declared-login.ts';
export { createDesk, type Desk } from './desk.ts';
export { type Examined, examine } from './examine.ts';
export { gatePush, type PushedRef } from './gate.ts';
export { type Draft, publishDraft } from './propose.ts';
export { reportOf } from './report.ts';
export { type ProposalStatus, policyOf, type Standing, standing } from './standing.ts';
