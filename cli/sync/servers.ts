import { type Problem, problem } from '../../schema/index.ts';
import type { Offer } from './desired.ts';

/**
 * Which servers come with skills: the catalog attaches them to the project that has the skill, so nothing is written
 * here; what it cannot attach is told.
 */
export function attachedServers(offer: Offer): { attached: string[]; warnings: Problem[] } {
  const attached: string[] = [];
  const warnings: Problem[] = [];
  const { project } = offer;
  const taken = new Set(project?.spec.skills);
  for (const { id, name, scope, facts } of offer.skills) {
    const isProjects = scope !== 'global' || taken.has(name);
    for (const wanted of facts.mcpServers ?? []) {
      if (wanted.project !== undefined && wanted.project !== project?.name) continue;
      const why = offer.servers.has(wanted.name)
        ? 'a global skill attaches to nothing; let a project take it in'
        : `there is no server \`${wanted.name}\``;
      if (isProjects && offer.servers.has(wanted.name)) attached.push(`${id} ${wanted.name}`);
      else warnings.push(unattached(id, wanted.name, why, offer.servers.has(wanted.name), wanted.fromTemplate));
    }
  }
  return { attached, warnings };
}

function unattached(id: string, server: string, why: string, exists: boolean, template: string | undefined): Problem {
  const hint =
    exists || template === undefined ? {} : { hint: `mcpctl create server ${server} --from-template ${template}` };
  const message = `\`${id}\` needs the MCP server \`${server}\`, which is not attached: ${why}`;
  return problem('SKILL_SERVER_UNATTACHED', message, { ...hint, resource: id });
}
