import { checkedToken, type DeclaredLogin } from '../../repo/forges/index.ts';
import type { Oid, Snapshots } from '../../repo/index.ts';
import { assembleFiles, type GithubAccess, link, ProblemError } from '../../schema/index.ts';
import { type SecretSources, secretValue } from '../secrets/index.ts';

/**
 * The login at GitHub that a commit of the branch declares by `review.github`. The secret is read for each request, and
 * goes to the host of the remote's address only.
 * @throws ProblemError READ_FAILED; the login itself SECRET_UNRESOLVED
 */
export async function declaredLogin(
  snapshots: Snapshots,
  main: Oid,
  { secretRef, app }: GithubAccess,
  sources: SecretSources,
): Promise<DeclaredLogin> {
  const files = await assembleFiles(await snapshots.mainFiles(main), undefined);
  const { catalog } = link(files.flatMap(({ resource }) => resource ?? []));
  return async () => {
    const found = await secretValue(catalog, secretRef, sources);
    if ('problem' in found) throw new ProblemError(found.problem);
    const { value } = found;
    return app ? { app: app.id, installation: app.installation, key: value } : { token: checkedToken(value) };
  };
}
