/** Where a release's manifest is, below the repository's root folder. */
export const MANIFEST_PATH = '.mcpctl/manifest.json';
/** For 100,000 resources it takes about half of this. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
/** Where the root documents are, below the repository's root folder: `trust/root/<n>.json`. */
export const ROOT_FOLDER = 'trust/root';
