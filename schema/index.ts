/**
 * The room of what may be declared: one zod schema per kind, how files map to resources, the rules that hold over a
 * whole catalog, and every problem code. Pure: it reads no file, no clock and no network.
 */
export { assemble } from './assemble.ts';
export { assembleFiles } from './assemble-files.ts';
export { bundleDigest } from './bundle.ts';
export { bundleDanger } from './bundle-paths.ts';
export { type Catalog, link } from './catalog.ts';
export { closest } from './closest.ts';
export { digestOf } from './digest.ts';
export { type FileContent, fromDocument, ResourceDocument, type ResourceFiles, toDocument } from './document.ts';
export { pathInDocument } from './document-place.ts';
export { documentSchema } from './document-schema.ts';
export { editYaml } from './edit-yaml.ts';
export { environmentsOf, patchedFiles, untriedPatches, withOutcome } from './environment.ts';
export { type Exposure, hiddenBy, isExposed } from './exposure.ts';
export { visibleLine, visibleText } from './hidden-text.ts';
export { isFromNpm, keptResource } from './kept-resource.ts';
export { findKind, type KindRow, kindTable } from './kind-table.ts';
export * from './kinds/index.ts';
export { type Classification, classify } from './layout.ts';
export { MachineEvent, MachineEvents } from './machine-event.ts';
export { parseFile } from './parse.ts';
export { parseSkillFile } from './parse-skill.ts';
export { printYaml } from './print-yaml.ts';
export * from './problem.ts';
export { renderPrompt } from './prompt-arguments.ts';
export { type GivenDocument, readDocuments } from './read-documents.ts';
export * from './release/index.ts';
export { releaseProblems } from './release-rules.ts';
export * from './resource.ts';
export { lockFolder, partsOfId, usualPlace } from './resource-path.ts';
export * from './review/index.ts';
export * from './risk/index.ts';
export { selectedPrompts, selectedServers, selectedSkills, soleProjects } from './selection.ts';
export { decodeSource } from './source.ts';
export { type GivenValue, instantiate, type ServerDocument } from './template.ts';
export { type FileEntry, isRead, refuseUnread } from './unread.ts';
export { parseYaml } from './yaml.ts';
