import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { KubeApi } from './api.ts';
import { marks } from './marks.ts';
import { folderOf, type KubeObject, pathOf, sharedObjects } from './objects.ts';
import { KubeRefusal } from './refusal.ts';

interface Whose {
  owner: string;
  namespace: string;
  /** It was named by hand: it may be anybody's, but not another installation's. */
  given: boolean;
}

const Present = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
});
type Present = z.infer<typeof Present>;

/**
 * Have a namespace and what all servers in it share. What is there and not ours is never written to.
 * @throws ProblemError KUBE_OBJECT_FOREIGN, KUBE_NAMESPACE_ENDING, or what the cluster refuses
 */
export async function ensureShared(api: Pick<KubeApi, 'get' | 'create'>, whose: Whose): Promise<void> {
  for (const object of sharedObjects(whose.owner, whose.namespace)) await ensureOne(api, object, whose);
}

async function ensureOne(api: Pick<KubeApi, 'get' | 'create'>, object: KubeObject, whose: Whose): Promise<void> {
  for (;;) {
    const there = await present(api.get(pathOf(object)), whose.given);
    if (there === 'unknown') return;
    if (there?.status.phase === 'Terminating') {
      throw new ProblemError(problem('KUBE_NAMESPACE_ENDING', `the namespace ${whose.namespace} is being deleted`));
    }
    if (there) return refuseForeign(object, there, whose);
    try {
      await api.create(folderOf(object), object);
      return;
    } catch (error) {
      // Somebody else was faster: it is looked at whose it is.
      if (!(error instanceof KubeRefusal && error.status === 409)) throw error;
    }
  }
}

async function present(asked: Promise<unknown>, given: boolean): Promise<Present | 'unknown' | undefined> {
  try {
    return Present.parse(await asked);
  } catch (error) {
    if (!(error instanceof KubeRefusal)) throw error;
    if (error.status === 404) return undefined;
    // Whoever may only use what is in a namespace may not look at the namespace itself.
    if (error.status === 403 && given) return 'unknown';
    throw error;
  }
}

function refuseForeign({ kind, metadata }: KubeObject, there: Present, { owner, given }: Whose): void {
  const other = there.metadata.labels[marks.owner];
  if (other === owner || (other === undefined && given)) return;
  const who = other === undefined ? 'somebody else' : `another installation of mcpctl (${other})`;
  const command = `kubectl label namespace ${metadata.name} ${marks.owner}=${owner}`;
  const hint = kind === 'Namespace' && other === undefined ? { hint: `To give it to mcpctl: ${command}` } : {};
  throw new ProblemError(problem('KUBE_OBJECT_FOREIGN', `${kind} ${metadata.name} belongs to ${who}`, hint));
}
