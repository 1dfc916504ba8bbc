/** The npm store: packages installed from their reviewed locks, each once. */
export { makeLock } from './make-lock.ts';
export { openPackageStore, type PackageStore } from './store.ts';
