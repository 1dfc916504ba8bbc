import { existsSync } from 'node:fs';
import { clients as known } from '../../clients/clients.ts';
import { type Check, ok, warning } from './finding.ts';

/** AI clients that this user or this folder has a configuration of. */
export const clients: Check = ({ env, cwd }) => {
  const found = known.flatMap(({ title, files }) => {
    const present = files.map(({ path }) => path({ env, cwd, platform: process.platform })).filter(existsSync);
    return present.length > 0 ? [`${title} (${present.join(', ')})`] : [];
  });
  if (found.length > 0) return [ok('clients', found.join(', '))];
  return [
    warning('clients', 'none found', 'Install one, then connect it: mcpctl export -p PROJECT --client CLIENT --write'),
  ];
};
