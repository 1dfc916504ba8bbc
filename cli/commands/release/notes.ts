import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { chainAtHead, openPlace } from '../../release-place.ts';
import { commitsBetween } from './commits.ts';
import { verifiedRelease } from './draft.ts';

export interface NotesOptions extends CliContext {
  release: string;
  output: 'text' | 'json';
}

/** What changed in a release: per resource, the subjects of the commits that changed it. */
export async function runNotes(options: NotesOptions): Promise<ExitCode> {
  const place = await openPlace(options);
  const chain = await chainAtHead(place);
  const release = await verifiedRelease(place, chain, options.release);
  const { previous, version, restores } = release.message;
  const before = previous && (await verifiedRelease(place, chain, previous.tag));
  const from = before && (await place.git.run(['rev-parse', `${before.commit}^`]));
  const commits = await commitsBetween(place.git, from, `${release.commit}^`, place.workshop.path);
  const old = new Map(before?.manifest.resources.map(one => [one.id, one]));
  const changed = release.manifest.resources.filter(one => old.get(one.id)?.version !== one.version);
  const notes = changed.map(({ id, version: now, files }) => {
    const paths = new Set([...files, ...(old.get(id)?.files ?? [])].map(({ path }) => path));
    const own = commits.filter(commit => commit.paths.some(path => paths.has(path)));
    return {
      id,
      before: old.get(id)?.version ?? null,
      version: now,
      subjects: own.map(({ subject }) => oneLine(subject)),
    };
  });
  const removed = [...old.keys()].filter(id => !release.manifest.resources.some(one => one.id === id));
  if (options.output === 'json') {
    options.io.stdout(
      `${JSON.stringify({ version, restores: restores ?? null, changes: notes, removed }, undefined, 2)}\n`,
    );
    return ExitCodes.ok;
  }
  const lines = notes.flatMap(({ id, before: was, version: now, subjects }) => [
    `${id} ${was === null ? '' : `${was} → `}${now}`,
    ...subjects.map(subject => `  - ${subject}`),
  ]);
  const title = `v${version}${restores === undefined ? '' : `, the content of v${restores}`}`;
  options.io.stdout([title, '', ...lines, ...removed.map(id => `${id} removed`), ''].join('\n'));
  return ExitCodes.ok;
}
