import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type FileContent, type Problem, problem } from '../../schema/index.ts';

/** A skill as it lies in a folder of some client: every file of it, by path below its own folder. */
export interface SkillFolder {
  name: string;
  files: Map<string, FileContent>;
  /** What of it is not taken along. */
  left: Problem[];
}

/** More files, or bytes, than this are no skill. */
const MAX_FILES = 1_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The skills of a folder (`~/.claude/skills`): each of its folders with a SKILL.md, or the folder itself when it has
 * one. Symbolic links and names with a dot at the front are left out.
 */
export async function readSkills(folder: string): Promise<SkillFolder[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === 'SKILL.md')) return [await readSkill(folder)];
  const skills: SkillFolder[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const main = await lstat(join(path, 'SKILL.md')).catch(() => undefined);
    if (entry.isDirectory() && main?.isFile()) skills.push(await readSkill(path));
  }
  return skills;
}

async function readSkill(folder: string): Promise<SkillFolder> {
  const skill: SkillFolder = { name: basename(folder), files: new Map(), left: [] };
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (entry.isDirectory() || path.split(/[/\\]/).some(part => part.startsWith('.'))) continue;
    if (!entry.isFile()) {
      skill.left.push(problem('IMPORT_LEFT_OUT', `\`${path}\` is no regular file`, { at: { file: folder } }));
      continue;
    }
    const stats = await lstat(join(folder, path));
    bytes += stats.size;
    if (skill.files.size >= MAX_FILES || bytes > MAX_BYTES) {
      skill.left.push(
        problem('IMPORT_LEFT_OUT', 'it has more files or bytes than a skill may', { at: { file: folder } }),
      );
      break;
    }
    const mode = (stats.mode & 0o100) === 0 ? '100644' : '100755';
    skill.files.set(path.replaceAll('\\', '/'), { bytes: await readFile(join(folder, path)), mode });
  }
  return skill;
}
