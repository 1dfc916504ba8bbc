export { type KubernetesRuntimeOptions, openKubernetesRuntime } from './runtime.ts';
