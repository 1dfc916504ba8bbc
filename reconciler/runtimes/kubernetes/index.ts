export { applyObjects, type DeclaredObject } from './apply-objects.ts';
export { type KubernetesRuntimeOptions, openKubernetesRuntime } from './runtime.ts';
