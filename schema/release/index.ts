/** What a release consists of: its manifest, its tag's message, the root of trust, and how versions grow. */
export { canonicalJson, type Parsed } from './canonical-json.ts';
export { keyId } from './key-id.ts';
export * from './manifest.ts';
export * from './manifest-place.ts';
export { isVersion, releaseVersion } from './names.ts';
export * from './next-manifest.ts';
export * from './release-message.ts';
export * from './root.ts';
export * from './version-range.ts';
export * from './versions.ts';
