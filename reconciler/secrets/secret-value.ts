import { type Catalog, type Problem, problem, resourceId, type SecretRef } from '../../schema/index.ts';
import { resolveSecret, type SecretSources } from './resolve.ts';

/**
 * The value of what `mcpctl.yaml` refers to: one key of a global Secret.
 * @returns SECRET_UNRESOLVED with the reason; the value is in no message
 */
export async function secretValue(
  catalog: Catalog | undefined,
  { name, key }: SecretRef,
  sources: SecretSources,
): Promise<{ value: string } | { problem: Problem }> {
  const secret = catalog?.get(resourceId('Secret', 'global', name));
  if (secret?.kind !== 'Secret') return { problem: problem('SECRET_UNRESOLVED', `there is no Secret ${name}`) };
  return resolveSecret(secret.spec, key, { ...sources, scopeId: secret.id });
}
