import { contentDigest } from './digest.ts';
import type { BundleFile } from './kinds/index.ts';
import { classify, EXTRAS_FILE, SKILL_FILE } from './layout.ts';
import { compareText, type Problem, problem, sortProblems } from './problem.ts';
import { quoted } from './quote.ts';
import type { AnyResource, ParsedFile, Place, Resource } from './resource.ts';

/** The most that one skill may come to. */
export const bundleLimits = { files: 1_000, bytes: 32 * 1024 * 1024 };

/** Everything of one skill. */
interface Bundle {
  folder: string;
  skill: ParsedFile;
  parts: ParsedFile[];
}

/**
 * Put the files of each skill's folder together: `SKILL.md` becomes the whole resource, the other files disappear from
 * the list unless something is wrong with them, which breaks the skill. A skill's digest is over the paths, modes and
 * bytes of its files. Pure.
 */
export function assembleBundles(files: readonly ParsedFile[]): ParsedFile[] {
  const bundles = new Map<string, Bundle>();
  const others: ParsedFile[] = [];
  const loose: ParsedFile[] = [];
  for (const file of files) {
    if (beginsBundle(file)) {
      const folder = file.path.slice(0, -SKILL_FILE.length - 1);
      bundles.set(folder, { folder, skill: file, parts: [file] });
    } else if (isLoose(file)) loose.push(file);
    else others.push(file);
  }
  if (bundles.size === 0 && loose.length === 0) return others;
  for (const file of loose) {
    const bundle = around(bundles, file.path);
    if (bundle) bundle.parts.push(file);
    else others.push(homeless(file));
  }
  const skills = [...bundles.values()].flatMap(bundle => assembleOne(bundle, around(bundles, bundle.folder)));
  return [...others, ...skills].sort((a, b) => compareText(a.path, b.path));
}

/** `SKILL.md`, as it was parsed, whether or not it is any good. What was assembled has its resource and no part. */
function beginsBundle({ path, id, part, resource }: ParsedFile): boolean {
  if (id === undefined || !path.endsWith(`/${SKILL_FILE}`)) return false;
  return part !== undefined || (!resource && classify(path).kind === 'resource');
}

/** A file of a skill's folder that was not put into its place yet. */
function isLoose({ path, id, part }: ParsedFile): boolean {
  return part !== undefined || (id === undefined && classify(path).kind === 'part');
}

/** The nearest bundle whose folder a path is below. */
function around(bundles: ReadonlyMap<string, Bundle>, path: string): Bundle | undefined {
  for (let end = path.lastIndexOf('/'); end !== -1; end = path.lastIndexOf('/', end - 1)) {
    const bundle = bundles.get(path.slice(0, end));
    if (bundle || end === 0) return bundle;
  }
  return undefined;
}

/** Below `skills/`, but nowhere below a `SKILL.md`. */
function homeless({ path, oid, problems }: ParsedFile): ParsedFile {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const harmless = path.split('/').some(part => part.startsWith('.')) || path.endsWith('/README.md');
  if (harmless) return { path, oid, problems };
  const hint = `Add \`${SKILL_FILE}\`, or move it out of \`skills/\`.`;
  const message = `${quoted(`${folder}/`, 200)} is part of no skill: no folder around it has a ${SKILL_FILE}`;
  return { path, oid, problems: [...problems, problem('FILE_UNKNOWN', message, { at: { file: folder }, hint })] };
}

function assembleOne({ folder, skill, parts }: Bundle, outer: Bundle | undefined): ParsedFile[] {
  const { id = '', path, oid } = skill;
  const extras = parts.find(file => file.path === `${folder}/${EXTRAS_FILE}`);
  const declared = extras?.part?.extras?.declared;
  const profile = declared?.spec.profile ?? 'portable';
  const problems = [...skill.problems];
  if (profile === 'portable' && !(extras?.part?.extras && !declared)) problems.push(...(skill.part?.portable ?? []));
  if (outer) {
    const message = `the skill lies within another one, \`${outer.folder}/\``;
    problems.push(problem('SKILL_NESTED', message, { at: { file: path } }));
  }
  problems.push(...tooMuch(parts, path), ...(declared && extras ? scriptsLieWithin(folder, parts, extras) : []));
  const broken = parts
    .filter(file => file !== skill)
    .flatMap((file): ParsedFile[] => {
      const found = file === extras ? [...file.problems, ...(file.part?.extras?.problems ?? [])] : file.problems;
      if (found.length === 0) return [];
      return [{ path: file.path, oid: file.oid, id, problems: found.map(one => ({ ...one, resource: id })) }];
    });
  const wrong = [...problems, ...broken.flatMap(file => file.problems)].some(({ severity }) => severity === 'error');
  const resource = wrong || skill.resource?.kind !== 'Skill' ? undefined : whole(folder, skill.resource, parts, extras);
  const named = sortProblems(problems.map(one => ({ ...one, resource: id })));
  const warned = resource ? broken.map(({ id: _id, ...file }) => file) : broken;
  return [{ path, oid, id, ...(resource && { resource }), problems: named }, ...warned];
}

function whole(
  folder: string,
  skill: Resource<'Skill'>,
  parts: readonly ParsedFile[],
  extras: ParsedFile | undefined,
): AnyResource {
  const files = bundleFiles(folder, parts);
  const declared = extras?.part?.extras?.declared;
  const patched = parts.flatMap(({ path, part }) => (part?.patched === undefined ? [] : [{ path, as: part.patched }]));
  const { description = declared?.metadata.description } = skill.metadata;
  return {
    ...skill,
    metadata: {
      labels: declared?.metadata.labels ?? {},
      annotations: declared?.metadata.annotations ?? {},
      ...(description !== undefined && { description }),
    },
    spec: { ...skill.spec, ...declared?.spec, files },
    references: declared?.references ?? [],
    digest: bundleDigest(files, patched),
  };
}

/**
 * A skill's content digest: over path, mode and sha256 of each file, in code-unit order of the paths. Whoever has the
 * files on a disk can compute it too.
 * @param files with paths below the skill's folder
 * @param patched what an environment's patches made of files
 */
export function bundleDigest(
  files: readonly Pick<BundleFile, 'path' | 'mode' | 'sha256'>[],
  patched: readonly unknown[] = [],
): string {
  const content = files
    .map(({ path, mode, sha256 }) => ({ path, mode, sha256 }))
    .sort((a, b) => compareText(a.path, b.path));
  return contentDigest({ files: content, ...(patched.length > 0 && { patched }) });
}

/** What the bundle consists of, sorted by path. git knows two modes of files. */
function bundleFiles(folder: string, parts: readonly ParsedFile[]): BundleFile[] {
  return parts
    .flatMap(({ part }) => part?.file ?? [])
    .map(({ path, oid, mode, size, sha256 }) => {
      const executable = mode === '100755';
      return {
        path: path.slice(folder.length + 1),
        oid,
        mode: executable ? '100755' : '100644',
        size,
        sha256,
      } as const;
    })
    .sort((a, b) => compareText(a.path, b.path));
}

function tooMuch(parts: readonly ParsedFile[], file: string): Problem[] {
  const { files, bytes } = bundleLimits;
  const total = parts.reduce((sum, { part }) => sum + (part?.file.size ?? 0), 0);
  const at = { at: { file } };
  return [
    ...(parts.length > files
      ? [problem('BUNDLE_TOO_LARGE', `the skill has ${parts.length} files; ${files} are allowed`, at)]
      : []),
    ...(total > bytes ? [problem('BUNDLE_TOO_LARGE', `the skill has ${total} bytes; ${bytes} are allowed`, at)] : []),
  ];
}

/** What is run when a skill comes or goes is one of its own files. */
function scriptsLieWithin(folder: string, parts: readonly ParsedFile[], extras: ParsedFile): Problem[] {
  const { declared, places = {} } = extras.part?.extras ?? {};
  const paths = new Set(parts.map(({ path }) => path.slice(folder.length + 1)));
  return (['postInstall', 'preUninstall'] as const).flatMap(field => {
    const script = declared?.spec[field];
    if (script === undefined || paths.has(script)) return [];
    const [line, column]: Place = places[field] ?? [1, 1];
    const message = `\`spec.${field}\` names ${quoted(script)}, which is no file of the skill`;
    return [problem('BUNDLE_FILE_MISSING', message, { at: { file: extras.path, line, column } })];
  });
}
