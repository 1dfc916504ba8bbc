import { compareText, type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';
import type { ParsedFile } from './resource.ts';

/**
 * Report files whose path differs from another's only by case or Unicode form, in any of its parts: macOS and Windows
 * would make one file or folder of the two. The one that sorts last is broken by it.
 */
export function collisions(files: readonly ParsedFile[]): ParsedFile[] {
  const spelled = new Map<string, string>();
  const collided = new Map<string, Problem>();
  const paths = files.map(({ path }) => path).sort(compareText);
  for (const path of paths) {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const prefix = end === -1 ? path : path.slice(0, end);
      const folded = prefix.normalize('NFC').toLowerCase();
      const first = spelled.get(folded) ?? prefix;
      spelled.set(folded, first);
      if (first !== prefix) {
        const message = `${spelledOut(prefix)} and ${spelledOut(first)} are the same on some disks`;
        collided.set(path, problem('PATH_COLLISION', message, { at: { file: path } }));
      }
      if (first !== prefix || end === -1) break;
    }
  }
  if (collided.size === 0) return [...files];
  return files.map(file => {
    const found = collided.get(file.path);
    if (!found || file.problems.some(({ code }) => code === 'PATH_COLLISION')) return file;
    const { resource: _resource, part: _part, written: _written, ...rest } = file;
    const about = file.id === undefined ? found : { ...found, resource: file.id };
    return { ...rest, problems: [...file.problems, about] };
  });
}

/** What looks the same is told apart. */
function spelledOut(path: string): string {
  const ascii = path.replace(/[^ -~]/gu, one => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`);
  return quoted(ascii, 200);
}
