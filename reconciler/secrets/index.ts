/** Where secret values come from on this machine. */
export { resolveSecret, type SecretSources } from './resolve.ts';
export { secretValue } from './secret-value.ts';
