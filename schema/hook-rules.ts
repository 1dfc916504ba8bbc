import { closest } from './closest.ts';
import { type Located, problemAt } from './issues.ts';
import { isMapping } from './mapping.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';

/** Every event of Claude Code that hooks can handle. */
const hookEvents: readonly string[] = [
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'PostToolBatch',
  'Notification',
  'UserPromptSubmit',
  'UserPromptExpansion',
  'SessionStart',
  'SessionEnd',
  'Stop',
  'StopFailure',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'PostCompact',
  'PreModelSwitch',
  'PostModelSwitch',
  'PermissionRequest',
  'PermissionDenied',
  'Setup',
  'TeammateIdle',
  'TaskCreated',
  'TaskCompleted',
  'Elicitation',
  'ElicitationResult',
  'ConfigChange',
  'WorktreeCreate',
  'WorktreeRemove',
  'InstructionsLoaded',
  'CwdChanged',
  'FileChanged',
  'DirectoryAdded',
  'MessageDisplay',
  'PreSkillShellCommand',
];

/** Fields of every type; the others are a type’s own, those in `needs` required. */
const ofAll = ['matcher', 'type', 'if', 'timeout', 'statusMessage', 'once'];
const ofType: Readonly<Record<string, { needs: readonly string[]; takes: readonly string[] }>> = {
  command: { needs: ['command'], takes: ['args', 'shell', 'async', 'asyncRewake'] },
  prompt: { needs: ['prompt'], takes: ['model', 'continueOnBlock'] },
  agent: { needs: ['prompt'], takes: ['model'] },
  http: { needs: ['url'], takes: ['headers', 'allowedEnvVars', 'onFailure'] },
  mcp_tool: { needs: ['server', 'tool'], takes: ['input', 'onFailure'] },
};

/** The rules of a skill’s hooks that a schema of fields cannot tell: events there are, and fields that fit the type. */
export function checkHooks(spec: Readonly<Record<string, unknown>>, located: Located): Problem[] {
  const { hooks } = spec;
  if (!isMapping(hooks)) return [];
  return Object.entries(hooks).flatMap(([event, handlers]) => {
    if (!hookEvents.includes(event)) return [unknownEvent(event, located)];
    if (!Array.isArray(handlers)) return [];
    return handlers.flatMap((handler, index) =>
      isMapping(handler) ? checkHandler(handler, ['spec', 'hooks', event, index], located) : [],
    );
  });
}

function unknownEvent(event: string, located: Located): Problem {
  const meant = closest(event, hookEvents);
  const hint = meant === undefined ? `There are ${hookEvents.join(', ')}.` : `Did you mean \`${meant}\`?`;
  return problemAt(located, ['spec', 'hooks', event], `${quoted(event)} is no event of Claude Code`, hint);
}

function checkHandler(
  handler: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  located: Located,
): Problem[] {
  const { type = 'command', timeout, url } = handler;
  const row = typeof type === 'string' && Object.hasOwn(ofType, type) ? ofType[type] : undefined;
  if (!row) return [];
  const problems = row.needs
    .filter(field => handler[field] === undefined)
    .map(field =>
      problemAt(located, path, `a hook of the type \`${type}\` needs \`${field}\``, undefined, 'FIELD_MISSING'),
    );
  const every = Object.values(ofType).flatMap(({ needs, takes }) => [...needs, ...takes]);
  for (const field of Object.keys(handler)) {
    if (ofAll.includes(field) || row.needs.includes(field) || row.takes.includes(field)) continue;
    if (!every.includes(field)) continue;
    const types = Object.keys(ofType).filter(one => ofType[one]?.needs.concat(ofType[one].takes).includes(field));
    const message = `\`${field}\` is for hooks of the type ${types.map(one => `\`${one}\``).join(' or ')}`;
    problems.push(problemAt(located, [...path, field], message));
  }
  // Nobody waits an hour for a hook, or exactly so many thousand seconds.
  if (typeof timeout === 'number' && (timeout > 3600 || (timeout >= 1000 && timeout % 1000 === 0))) {
    const message = `\`timeout\` is in seconds, and ${timeout} looks like milliseconds`;
    problems.push(problemAt(located, [...path, 'timeout'], message, `Write \`timeout: ${timeout / 1000}\`.`));
  }
  if (typeof url === 'string' && !/^https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?$/i.test(url)) {
    const message = '`url` has to be an http:// or https:// address without a user or password';
    problems.push(problemAt(located, [...path, 'url'], message));
  }
  return problems;
}
