import type { Server } from '../schema/index.ts';

/** In a few words what a server is made of: its package and version, its command, or its address. */
export function serverSource({ package: npm, command, url }: Server): string {
  if (npm) return `${npm.registry} ${npm.identifier}@${npm.version}`;
  return command ? command.join(' ') : (url ?? '');
}
