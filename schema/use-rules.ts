import { kindTable } from './kind-table.ts';
import type { Linking } from './link-rules.ts';
import { problem } from './problem.ts';
import { type ResourceId, resourceId, targetOf } from './resource.ts';
import { refusedSelectors, selectedPrompts, selectedServers, selectedSkills, takenIn } from './selection.ts';

/** The longest tool name that model APIs take. Claude Code calls a tool `mcp__<project>__<server>__<tool>`. */
const MAX_TOOL_NAME = 64;
/** What must be left for a tool's own name; hardly any is shorter. */
const LEAST_ROOM = 8;

/** A server that a skill needs in one project only is there, if that project has the skill. */
export function skillServersExist({ catalog, broken, report }: Linking): void {
  for (const project of catalog.list('Project')) {
    for (const skill of selectedSkills(catalog, project)) {
      for (const { name, project: only, fromTemplate } of skill.spec.mcpServers) {
        const id = resourceId('Server', 'global', name);
        if (only !== project.name || catalog.get(id) || broken.has(id)) continue;
        const hint =
          fromTemplate === undefined
            ? `Add \`${id}\`, or correct the name.`
            : `mcpctl create server ${name} --from-template ${fromTemplate}`;
        report('REFERENCE_UNRESOLVED', skill, `there is no Server \`${name}\``, { hint });
      }
    }
  }
}

/** A selector takes in what a project can serve, not everything there is. */
export function selectorsAreBounded({ catalog, report }: Linking): void {
  for (const project of catalog.list('Project')) {
    for (const field of refusedSelectors(catalog, project)) {
      const message = `\`spec.selector.${field}\` takes in too much; it selects nothing`;
      report('SELECTOR_LIMIT', project, message);
    }
  }
}

/** Tools keep within the length that clients allow, with the prefixes of the gateway and of Claude Code. */
export function toolNamesFit({ catalog, report }: Linking): void {
  for (const project of catalog.list('Project')) {
    for (const name of selectedServers(catalog, project)) {
      const prefix = `mcp__${project.name}__${name}__`;
      const server = catalog.get(resourceId('Server', 'global', name));
      const tool = server?.kind === 'Server' ? (server.spec.healthCheck?.tool ?? '') : '';
      const room = MAX_TOOL_NAME - prefix.length;
      if (room >= Math.max(LEAST_ROOM, tool.length)) continue;
      const long = tool.length > room ? `; \`${tool}\` has ${tool.length}` : '';
      const message = `\`${prefix}\` leaves ${room} characters for the names of its tools${long}`;
      report('TOOL_NAME_TOO_LONG', project, message);
    }
  }
}

/** What a project takes in from outside is not hidden by what it has itself. */
export function globalsAreSeen({ catalog, report }: Linking): void {
  for (const project of catalog.list('Project')) {
    const taken = [...takenIn(catalog, 'Prompt', project), ...takenIn(catalog, 'Skill', project)];
    for (const { kind, name, id } of taken) {
      const own = catalog.get(resourceId(kind, `project/${project.name}`, name));
      if (!own) continue;
      const message = `the project’s own ${kind} \`${name}\` hides \`${id}\`, which \`${project.name}\` takes in too`;
      report('RESOURCE_SHADOWED', own, message);
    }
  }
}

/** Kinds that are only there to be used by something else. */
const usedKinds = ['Server', 'Prompt', 'Secret', 'SecretBackend', 'Llm', 'Group'] as const;

/** More than this of one kind are told in one warning, so that they hide no other. */
const MANY_UNUSED = 10;

/** What nothing uses was probably meant for something. Skills are also taken one by one, onto a developer's disk. */
export function resourcesAreUsed({ catalog, broken, report, note }: Linking): void {
  // What is broken may be what uses it.
  if (broken.size > 0) return;
  const used = new Set<ResourceId>();
  for (const { references } of catalog.resources.values()) for (const one of references) used.add(targetOf(one));
  for (const project of catalog.list('Project')) {
    for (const name of selectedServers(catalog, project)) used.add(resourceId('Server', 'global', name));
    for (const { id } of selectedPrompts(catalog, project)) used.add(id);
  }
  for (const kind of usedKinds) {
    const unused = catalog.list(kind).filter(({ scope, id }) => scope === 'global' && !used.has(id));
    const [first] = unused;
    if (first && unused.length > MANY_UNUSED) {
      const some = unused.slice(0, 3).map(({ name }) => `\`${name}\``);
      const what = `nothing uses ${unused.length} resources of the kind ${kind}: ${some.join(', ')} and others`;
      note(problem('RESOURCE_UNUSED', what, { at: { file: first.file } }));
      continue;
    }
    for (const resource of unused) report('RESOURCE_UNUSED', resource, `nothing uses the ${kind} \`${resource.name}\``);
  }
}

/** What is declared but does nothing yet is said once for each kind. */
export function kindsAreActedOn({ catalog, note }: Linking): void {
  for (const { kind, folder, plural, scopes, actedOn } of kindTable) {
    const count = actedOn ? 0 : catalog.list(kind).length;
    if (count === 0) continue;
    const what = `${count} ${count === 1 ? kind : plural} declared, which nothing acts on yet`;
    note(
      problem('KIND_NOT_ACTED_ON', what, { at: { file: scopes.includes('global') ? folder : `agents/*/${folder}` } }),
    );
  }
}
