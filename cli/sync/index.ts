/**
 * The room of skills on a developer’s disk: what a repository offers, verified, becomes entries in AI clients’ folders.
 * A bundle goes from git into a store by its digest, from there into a working copy, and one rename lets the client’s
 * entry lead to it; what people changed in between is found, kept and told.
 */
export { pinRelease, type SkillsConfig, type Target, targets } from './config.ts';
export { changedFiles, inspectSkills, installedSkill, restoreSkill, type SkillStatus } from './inspect.ts';
export {
  hasSkillsSource,
  installSessionHook,
  type MachineSetup,
  placedByUs,
  refuseOtherProject,
  removeAll,
  removeProject,
  withdrawProjectFile,
  writeProjectFile,
} from './machine.ts';
export { emptyReport, type SyncOutcome, type SyncReport } from './report.ts';
export { rememberEntry, rememberedEntries, type SetupEntry } from './setups.ts';
export { type SyncRequest, syncSkills } from './sync.ts';
