import type { Workspace } from '../../repo/forges/index.ts';
import type { Objects, Oid, TreePart } from '../../repo/index.ts';
import {
  assembleFiles,
  classify,
  codeownersPaths,
  link,
  type ParsedFile,
  type Policy,
  ProblemError,
  parseCodeowners,
  problem,
} from '../../schema/index.ts';

const MAX_BYTES = 3 * 1024 * 1024;

/**
 * The policy that a commit of the branch has; what a proposal makes of it does not count.
 * @param commit its id
 * @param files its files, or as many of them as `policyPart` takes
 */
export async function readPolicy(
  workspace: Workspace,
  objects: Objects,
  commit: Oid,
  files: readonly ParsedFile[],
): Promise<Policy> {
  // Nothing else has a say, and a catalog of everything takes its time.
  const own = files.filter(({ path }) => policyPart.file(path));
  const resources = (await assembleFiles(own, undefined)).flatMap(({ resource }) => resource ?? []);
  const { catalog } = link(resources);
  return {
    review: catalog.repository?.spec.review,
    codeowners: parseCodeowners(await codeownersText(objects, commit)),
    prefix: workspace.path === '' ? '' : `${workspace.path}/`,
    catalog,
  };
}

/** CODEOWNERS of the whole git repository; empty when it has none. @throws ProblemError READ_FAILED when it is too large */
async function codeownersText(objects: Objects, commit: Oid): Promise<string> {
  const found = await Promise.all(codeownersPaths.map(path => objects.contents(`${commit}:${path}`, MAX_BYTES)));
  const first = found.findIndex(one => one?.type === 'blob');
  if (first === -1) return '';
  const bytes = found[first]?.bytes;
  if (bytes) return bytes.toString('utf8');
  throw new ProblemError(problem('READ_FAILED', `\`${codeownersPaths[first]}\` has more than ${MAX_BYTES} bytes`));
}

/** The files that the policy is made of, besides CODEOWNERS. */
export const policyPart: TreePart = {
  file(path) {
    const declared = classify(path);
    return declared.kind === 'resource' && policyKinds.has(declared.resourceKind);
  },
  folder: path => path === 'access' || path.startsWith('access/'),
};

const policyKinds: ReadonlySet<string> = new Set(['Repository', 'User', 'ServiceAccount', 'Group', 'RoleBinding']);
