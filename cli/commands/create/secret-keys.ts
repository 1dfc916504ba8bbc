import { type Catalog, closest, ProblemError, problem, type Resource } from '../../../schema/index.ts';
import type { CreateFlags } from './flags.ts';

/**
 * Let `--env-from-secret SECRET` stand for a variable of each of its keys, of the key's own name.
 * @param catalog read only when a Secret is named so
 * @throws ProblemError RESOURCE_NOT_FOUND for a Secret that is not there, USAGE for a key that cannot name a variable
 */
export function withSecretKeys(flags: CreateFlags, catalog: () => Catalog): CreateFlags {
  const { envFromSecret } = flags;
  if (!envFromSecret?.some(text => !text.includes('='))) return flags;
  const secrets = catalog()
    .list('Secret')
    .filter(({ scope }) => scope === 'global');
  return {
    ...flags,
    envFromSecret: envFromSecret.flatMap(text => (text.includes('=') ? text : everyKey(secrets, text))),
  };
}

function everyKey(secrets: readonly Resource<'Secret'>[], name: string): string[] {
  const names = secrets.map(one => one.name);
  const secret = secrets.find(one => one.name === name);
  if (!secret) {
    const meant = closest(name, names);
    const hint = meant === undefined ? `There are: ${names.join(', ') || 'none'}.` : `Did you mean \`${meant}\`?`;
    throw new ProblemError(problem('RESOURCE_NOT_FOUND', `there is no Secret \`${name}\``, { hint }));
  }
  return Object.keys(secret.spec.data).map(key => {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${key}=${name}/${key}`;
    const hint = `Name the variable: \`--env-from-secret NAME=${name}/${key}\`.`;
    throw new ProblemError(problem('USAGE', `the key \`${key}\` of \`${name}\` cannot name a variable`, { hint }));
  });
}
