import type Docker from 'dockerode';
import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import { dockerProblem, dockerStatus, dockerWords, isUnreachable } from './client.ts';

const Image = z.object({
  Id: z.string(),
  Config: z.object({ Env: z.array(z.string()).nullish(), User: z.string().nullish() }).nullish(),
});

export interface LocalImage {
  /** Docker's id of it: the digest of its configuration. */
  id: string;
  /** `NAME=value` */
  env: readonly string[];
  /** Its programs run as root, as long as nothing else is said. */
  asRoot: boolean;
}

/**
 * The image on this machine, pulled when it is not there and can be: by its digest, so that it is the one that was meant.
 * @param what for messages
 * @throws ProblemError IMAGE_MISSING with Docker's own words, RUNTIME_UNREACHABLE
 */
export async function findImage(
  docker: Docker,
  name: string,
  hint: string | undefined,
  resource: string,
): Promise<LocalImage> {
  const present = await inspect(docker, name, resource);
  if (present) return present;
  if (!name.includes('@sha256:')) {
    const message = `there is no image ${name} on this machine, and it has no name to be pulled by`;
    throw new ProblemError(problem('IMAGE_MISSING', message, { resource, ...(hint !== undefined && { hint }) }));
  }
  try {
    const progress = await docker.pull(name);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, error => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    if (isUnreachable(error)) throw dockerProblem(error, '', resource);
    const message = `${name} is not on this machine and cannot be pulled: ${dockerWords(error)}`;
    throw new ProblemError(problem('IMAGE_MISSING', message, { resource }));
  }
  const pulled = await inspect(docker, name, resource);
  if (pulled) return pulled;
  throw new ProblemError(problem('IMAGE_MISSING', `${name} was pulled, and is not there`, { resource }));
}

async function inspect(docker: Docker, name: string, resource: string): Promise<LocalImage | undefined> {
  try {
    const { Id, Config } = Image.parse(await docker.getImage(name).inspect());
    return { id: Id, env: Config?.Env ?? [], asRoot: /^(?:root|0)?(?::.*)?$/.test(Config?.User ?? '') };
  } catch (error) {
    if (dockerStatus(error) === 404) return undefined;
    throw dockerProblem(error, `the image ${name}`, resource);
  }
}
