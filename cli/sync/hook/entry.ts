import { fileURLToPath } from 'node:url';
import type { HookEntry } from '../hooks/settings.ts';

/** Whose entry it is, in place of a skill’s id. */
const HOOK_SOURCE = 'mcpctl';

/**
 * The entry that syncs skills before each session. Absolute paths: what starts the client may know neither where Node
 * nor where mcpctl is.
 */
export function sessionStartEntry(markers: boolean): HookEntry {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url));
  const command = [process.execPath, program].map(quoted).join(' ');
  return {
    source: HOOK_SOURCE,
    event: 'SessionStart',
    value: {
      hooks: [{ type: 'command', command, timeout: 30 }],
      ...(markers && { _mcpctl_managed: true, _mcpctl_source: HOOK_SOURCE }),
    },
  };
}

/** For a shell: within single quotes, but on Windows, which knows double ones. */
function quoted(text: string): string {
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`;
}
