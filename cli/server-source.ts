import type { Server } from '../schema/index.ts';

/** In a few words what a server is made of: its package and version, its command, its image, or its address. */
export function serverSource({ package: registry, command, image, url }: Server): string {
  if (registry) return `${registry.registry} ${registry.identifier}@${registry.version}`;
  return command ? command.join(' ') : (image ?? url ?? '');
}
