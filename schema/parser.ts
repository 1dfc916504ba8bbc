/**
 * The room's second door: what turns bytes into resources, with YAML, zod and every schema behind it. To be imported
 * when there is something to parse; whoever finds everything parsed already starts several times as fast without.
 */
export { assemble } from './assemble.ts';
export { parseFile } from './parse.ts';
export { patchFile } from './patch-file.ts';
export { risksOf } from './risk/index.ts';
