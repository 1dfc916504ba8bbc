import { hintOf, type VersionHint } from '../../../schema/index.ts';
import type { OwnGit } from '../../own-git.ts';

/** One commit between two releases. */
export interface ReleasedCommit {
  oid: string;
  subject: string;
  hint: VersionHint;
  /** Files it changed, below the repository's root folder; of a merge, what it brought in. */
  paths: string[];
}

/** The commits from one (left out) to another, the newest first. @param path the folder that has `mcpctl.yaml` */
export async function commitsBetween(
  git: OwnGit,
  from: string | undefined,
  to: string,
  path: string,
): Promise<ReleasedCommit[]> {
  const format = '%x1e%H%x1f%s%x1f%(trailers:only,unfold,separator=%x1d)%x1f';
  const range = from === undefined ? to : `${from}..${to}`;
  const args = [
    'log',
    '-z',
    '--no-show-signature',
    '--no-color',
    '--name-only',
    '--no-renames',
    '--diff-merges=first-parent',
  ];
  const text = await git.run([...args, `--format=${format}`, '--end-of-options', range]);
  const prefix = path === '' ? '' : `${path}/`;
  return text
    .split('\u001e')
    .slice(1)
    .map(chunk => {
      const [oid = '', subject = '', trailers = '', names = ''] = chunk.split('\u001f');
      const pairs = trailers.split('\u001d').flatMap(line => {
        const [, key, value] = /^([A-Za-z-]+):\s*(.*)$/.exec(line.trim()) ?? [];
        return key === undefined || value === undefined ? [] : [[key, value] as const];
      });
      const paths = names.split(/[\0\n]/).filter(name => name !== '' && name.startsWith(prefix));
      return { oid, subject, hint: hintOf(pairs), paths: paths.map(name => name.slice(prefix.length)) };
    });
}
