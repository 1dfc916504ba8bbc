import { z } from 'zod';
import type { ResourceId } from '../../schema/index.ts';

/** What is read of a manifest here: which version a resource had. */
const Versions = z.object({ resources: z.array(z.object({ id: z.string(), version: z.string() })) });

/** Resource → version; undefined when the text is no manifest. */
export function versionsIn(manifest: string): Map<ResourceId, string> | undefined {
  try {
    const { resources } = Versions.parse(JSON.parse(manifest));
    return new Map(resources.map(({ id, version }) => [id, version]));
  } catch {
    return undefined;
  }
}
