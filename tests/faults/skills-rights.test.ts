import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SyncReport } from '../../cli/sync/index.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../skills-machine.ts';
import { tempRepository } from '../temp-repository.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const program = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');
const why = unable();

/** Rights do not stop root, so somebody else has to do it. @returns why nobody can */
function unable(): string | undefined {
  if (process.platform === 'win32') return 'Windows has other rights';
  if (!isRoot) return undefined;
  const { status, error } = spawnSync(process.execPath, [program, '--version'], {
    ...{ uid: NOBODY, gid: NOBODY, cwd: '/', env: { PATH: process.env.PATH, HOME: tmpdir() } },
  });
  return status === 0 ? undefined : `another user cannot run the command: ${error?.message ?? `exit ${status}`}`;
}

/** The command as a process of a user whom rights stop. */
function sync(machine: SkillsMachine, ...argv: string[]): { code: number | null; report: SyncReport; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'skills', 'sync', '-o', 'json', ...argv], {
    ...{ cwd: machine.home, env: { ...machine.env, MCPCTL_HOME: machine.path('.mcpctl') }, encoding: 'utf8' },
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  return { code: status, report: JSON.parse(stdout || '{}'), stderr };
}

/** Folders that may not be written to, and the exit codes that may come of it. */
const places: readonly (readonly [where: string, codes: readonly number[]])[] = [
  ['.claude', [0]],
  ['.claude/skills', [0]],
  ['.mcpctl', [0, 2]],
  ['.mcpctl/store', [0, 1, 2]],
  ['.mcpctl/live', [0, 1, 2]],
  ['.mcpctl/live/*', [0, 1, 2]],
  ['.mcpctl/sync', [0, 1, 2]],
];

it.skipIf(why !== undefined).each(places)(
  `%s may not be written to${why ? `: ${why}` : ': no skill is torn, nothing of the user’s is lost, and the next sync repairs'}`,
  { timeout: 120_000 },
  (where, codes) => {
    const repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/review', 'One.') });
    const machine = skillsMachine();
    const body = (name = 'review') => machine.read(`.claude/skills/${name}/SKILL.md`) ?? '';
    try {
      if (isRoot) {
        chownSync(machine.home, NOBODY, NOBODY);
        // git serves a repository of another user to nobody.
        spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, repository.folder]);
        chmodSync(repository.folder, 0o755);
      }
      const first = sync(machine, '--from', repository.bare);
      expect(first.report.errors, first.stderr).toEqual([]);
      expect(body()).toContain('One.');
      spawnSync('chown', ['-R', `${process.getuid?.()}:${process.getgid?.()}`, repository.folder]);
      machine.write('.claude/skills/review/notes.md', 'my notes');
      machine.write('.claude/mine/keep.md', 'mine');
      if (isRoot) spawnSync('chown', ['-R', '-h', `${NOBODY}:${NOBODY}`, machine.home]);
      repository.commit({ ...skillFiles('skills/review', 'Two.'), ...skillFiles('skills/fresh', 'Fresh.') });
      if (isRoot) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, repository.folder]);

      const [folder = ''] = where.endsWith('/*') ? readdirSync(machine.path(where.slice(0, -2))) : [];
      const shut = machine.path(where.replace('*', folder));
      mkdirSync(shut, { recursive: true });
      chmodSync(shut, 0o555);
      const { code, stderr } = sync(machine);
      expect(codes, stderr).toContain(code);
      expect(body()).toMatch(/One\.|Two\./);
      expect(machine.read('.claude/mine/keep.md')).toBe('mine');
      chmodSync(shut, 0o755);

      const again = sync(machine);
      expect(again.report.errors, again.stderr).toEqual([]);
      expect(body()).toContain('Two.');
      expect(body('fresh')).toContain('Fresh.');
      const notes = readdirSync(machine.path('.mcpctl'), { recursive: true })
        .map(path => machine.path('.mcpctl', String(path)))
        .filter(path => path.endsWith('notes.md') && existsSync(path));
      expect(notes.map(path => readFileSync(path, 'utf8'))).toContain('my notes');
    } finally {
      repository.remove();
      machine.remove();
    }
  },
);
