/** The npm store: packages installed from their reviewed locks, each once. */
export { type LockRequest, makeLock } from './make-lock.ts';
export { type InstallResult, openPackageStore, type PackageRequest, type PackageStore } from './store.ts';
