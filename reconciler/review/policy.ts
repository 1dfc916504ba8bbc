import type { Workspace } from '../../repo/forges/index.ts';
import type { Oid } from '../../repo/index.ts';
import {
  assembleFiles,
  codeownersPaths,
  link,
  type ParsedFile,
  type Policy,
  parseCodeowners,
} from '../../schema/index.ts';

const MAX_BYTES = 3 * 1024 * 1024;

/**
 * The policy that a commit of the branch has; what a proposal makes of it does not count.
 * @param commit its id
 * @param files its files
 */
export async function readPolicy(workspace: Workspace, commit: Oid, files: readonly ParsedFile[]): Promise<Policy> {
  const resources = (await assembleFiles(files, undefined)).flatMap(({ resource }) => resource ?? []);
  const { catalog } = link(resources);
  return {
    review: catalog.repository?.spec.review,
    codeowners: parseCodeowners(await codeownersText(workspace, commit)),
    prefix: workspace.path === '' ? '' : `${workspace.path}/`,
    catalog,
  };
}

/** CODEOWNERS of the whole git repository; empty when it has none. */
async function codeownersText(workspace: Workspace, commit: Oid): Promise<string> {
  for (const path of codeownersPaths) {
    const result = await workspace.git(['cat-file', 'blob', `${commit}:${path}`], { maxOutputBytes: MAX_BYTES });
    if (result.code === 0) return result.stdout.toString('utf8');
  }
  return '';
}
