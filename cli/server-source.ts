import type { Server } from '../schema/index.ts';
import { oneLine } from './output.ts';

/** Beyond that a command is cut off: it may hold a whole program. */
const MAX_COMMAND = 80;

/** In a few words what a server is made of: its package and version, its command, its image, or its address. */
export function serverSource({ package: registry, command, image, url }: Server): string {
  if (registry) return `${registry.registry} ${registry.identifier}@${registry.version}`;
  if (!command) return image ?? url ?? '';
  const line = oneLine(command.join(' '));
  return line.length <= MAX_COMMAND ? line : `${line.slice(0, MAX_COMMAND - 1)}…`;
}
