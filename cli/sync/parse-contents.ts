import type { TreeFile } from '../../repo/index.ts';
import { assembleFiles, type ParsedFile, parseSkillFile, problem } from '../../schema/index.ts';

interface Content {
  file: TreeFile;
  bytes: Buffer;
}

/**
 * What files of a commit say. Apart from what asks for them, to be loaded while they are under way.
 * @param settings files of other kinds, for which every schema is loaded
 */
export async function parseContents(skills: readonly Content[], settings: readonly Content[]): Promise<ParsedFile[]> {
  const parsed = skills.map(one => parseOne(one, parseSkillFile));
  if (settings.length === 0) return assembleFiles(parsed, undefined);
  const { parseFile } = await import('../../schema/parser.ts');
  return assembleFiles([...settings.map(one => parseOne(one, parseFile)), ...parsed], undefined);
}

function parseOne({ file, bytes }: Content, parse: typeof parseSkillFile): ParsedFile {
  if (file.fault === undefined) return parse(file, bytes);
  const found = problem('NAME_INVALID', `\`${file.path}\` is not read: ${file.fault}`, { at: { file: file.path } });
  return { path: file.path, oid: file.oid, problems: [found] };
}
