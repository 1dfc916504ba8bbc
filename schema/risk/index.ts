/** What a change may bring about: one pure function, so that everybody who shows a change says the same. */
export { type ChangedFile, type Risk, type RiskCategory, riskCategories } from './risk.ts';
export { byWeight, plainRisks } from './risks.ts';
export { risksOf } from './risks-of.ts';
