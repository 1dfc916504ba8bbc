/** Instances as containers. */
export { openDockerRuntime } from './runtime.ts';
