import { z } from 'zod';

const LockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});

/** How a new lock differs from the one before it, in a few words. */
export function describeChange(before: Buffer | undefined, after: Buffer): string {
  const now = readPackages(after);
  const count = now.size === 1 ? '1 package' : `${now.size} packages`;
  if (!before) return `new lock, ${count}`;
  if (before.equals(after)) return `up to date, ${count}`;
  const old = readPackages(before);
  const added = [...now.keys()].filter(path => !old.has(path)).length;
  const removed = [...old.keys()].filter(path => !now.has(path)).length;
  const changed = [...now].filter(([path, entry]) => old.has(path) && old.get(path)?.pin !== entry.pin).length;
  return `${added} added, ${removed} removed, ${changed} changed; ${count}`;
}

/** A remark on packages whose install scripts will not run; empty when there are none. */
export function unrunScripts(lock: Buffer): string {
  const names = [...readPackages(lock)].flatMap(([path, { script }]) => (script ? [packageName(path)] : []));
  if (names.length === 0) return '';
  return `; install scripts of ${names.sort().join(', ')} will not run (\`installScripts: false\`)`;
}

/** Path → what pins it; empty for a lock that cannot be read. */
function readPackages(lock: Buffer): Map<string, { pin: string; script: boolean }> {
  const parsed = LockFile.safeParse(parseJson(lock));
  if (!parsed.success) return new Map();
  return new Map(
    Object.entries(parsed.data.packages).flatMap(([path, { version, integrity, hasInstallScript = false }]) =>
      path === '' ? [] : [[path, { pin: `${version} ${integrity}`, script: hasInstallScript }] as const],
    ),
  );
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function packageName(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
