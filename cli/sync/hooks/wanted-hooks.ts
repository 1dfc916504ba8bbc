import { type Problem, problem } from '../../../schema/index.ts';
import type { InstalledSkill } from '../state.ts';
import type { HookEntry } from './settings.ts';

/** What a hook’s texts may name: the skill’s folder, as the client sees it. */
const SKILL_DIR = `\${MCPCTL_SKILL_DIR}`;
/** A path that a shell reads as it is, also between double quotes. */
const PLAIN_PATH = /^[\p{L}\p{N} @%+=:,./\\_~-]+$/u;

/**
 * The entries that installed skills bring, in the order of their ids.
 * @param markers tag each with whose it is
 */
export function wantedHooks(
  skills: readonly InstalledSkill[],
  markers: boolean,
): { entries: HookEntry[]; warnings: Problem[] } {
  const entries: HookEntry[] = [];
  const warnings: Problem[] = [];
  for (const skill of [...skills].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    for (const [event, handlers] of Object.entries(skill.hooks ?? {})) {
      if (!PLAIN_PATH.test(skill.path) && JSON.stringify(handlers).includes(SKILL_DIR)) {
        const message = `the hooks of \`${skill.id}\` are left out: a shell would not read the path ${skill.path} as it is`;
        warnings.push(problem('SKILL_HOOKS_LEFT', message, { resource: skill.id }));
        continue;
      }
      for (const handler of Array.isArray(handlers) ? handlers : []) {
        entries.push({ source: skill.id, event, value: entryOf(skill, handler, markers) });
      }
    }
  }
  return { entries, warnings };
}

function entryOf(
  { id, path }: InstalledSkill,
  { matcher, ...handler }: Record<string, unknown>,
  markers: boolean,
): Record<string, unknown> {
  const expanded = expand({ matcher, hooks: [handler] }, path) as Record<string, unknown>;
  return { ...expanded, ...(markers && { _mcpctl_managed: true, _mcpctl_source: id }) };
}

/** The value with the folder put in wherever a text names it; members without a value are left out. */
function expand(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll(SKILL_DIR, folder);
  if (Array.isArray(value)) return value.map(item => expand(item, folder));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, expand(member, folder)]));
}
