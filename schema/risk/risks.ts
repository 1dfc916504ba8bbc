import type { FileContent } from '../document.ts';
import { type Classification, classify, EXTRAS_FILE } from '../layout.ts';
import { compareText } from '../problem.ts';
import { type ResourceId, resourceId } from '../resource.ts';
import { compareFields, type Finding, finding } from './compare-fields.ts';
import { extrasFields, type RiskField, riskFields } from './fields.ts';
import { hiddenRisks } from './hidden.ts';
import { lockRisks } from './lock.ts';
import { type ChangedFile, type Risk, riskCategories } from './risk.ts';
import { memberAt, plainSaid, type ReadSaid, type Said, sameFrontMatter } from './said.ts';

type Content = FileContent | undefined;
type Place = Pick<Risk, 'resource' | 'file'>;

/**
 * What a change may bring about, to be looked at before its text: what would be run, installed, reached, shown or
 * allowed differently, and text that hides. Pure; it never throws, whatever the files say. Sorted by weight, then
 * resource and file.
 * @param read how files are read: with `readSaid`, or a part of it
 * @param files those that change; and, so that it is known what they are for, `skill.yaml` of each skill among them
 */
export function risksAs(read: ReadSaid, files: Iterable<ChangedFile>): Risk[] {
  const all = [...files];
  const byPath = new Map(all.map(file => [file.path, file]));
  return all
    .filter(({ before, after }) => !isSame(before, after))
    .flatMap(file => fileRisks(read, file, byPath))
    .sort(byWeight);
}

const order = Object.keys(riskCategories);

/** The order in which risks are told: by weight, then resource and file. */
export function byWeight(a: Risk, b: Risk): number {
  return (
    order.indexOf(a.category) - order.indexOf(b.category) ||
    compareText(a.resource ?? '', b.resource ?? '') ||
    compareText(a.file, b.file) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compareText(a.what, b.what)
  );
}

/**
 * The same for files that say plainly what they say, without the code of a parser.
 * @returns undefined when one of them takes the real parser: then `risksOf` tells
 */
export function plainRisks(files: Iterable<ChangedFile>): Risk[] | undefined {
  let isPlain = true;
  const found = risksAs((path, content, markdown) => {
    const said = content && isPlain ? plainSaid(path, content, markdown) : undefined;
    if (content && !said) isPlain = false;
    return said;
  }, files);
  return isPlain ? found : undefined;
}

function fileRisks(read: ReadSaid, file: ChangedFile, byPath: ReadonlyMap<string, ChangedFile>): Risk[] {
  const { path } = file;
  const declared = classify(path);
  const bundle = declared.kind === 'part' ? bundleAround(path, byPath) : undefined;
  const resource = resourceOf(declared, bundle);
  const place: Place = { file: path, ...(resource !== undefined && { resource }) };
  const found = [
    ...documentFindings(read, file, declared),
    ...placeFindings(file, declared),
    ...(bundle ? partFindings(read, file, bundle) : []),
  ];
  const known = declared.kind !== 'ignored';
  return [
    ...(known ? hiddenRisks(file).map(one => ({ ...place, ...one })) : []),
    ...found.map(one => ({ ...place, ...one })),
  ];
}

function resourceOf(declared: Classification, bundle: Bundle | undefined): ResourceId | undefined {
  if (declared.kind === 'resource') return declared.id;
  if (declared.kind === 'patch') return declared.target.id;
  if (declared.kind !== 'part' || !bundle) return undefined;
  return resourceId('Skill', declared.scope, bundle.folder.slice(bundle.folder.lastIndexOf('/') + 1));
}

/** What the document says differently. */
function documentFindings(read: ReadSaid, { path, before, after }: ChangedFile, declared: Classification): Finding[] {
  const { fields, markdown } = fieldsOf(path, declared);
  if (fields.length === 0 || (markdown && sameFrontMatter(before, after))) return [];
  const [old, now] = [read(path, before, markdown), read(path, after, markdown)];
  if (now && 'unreadable' in now) {
    return [finding('unreadable', 'what it says cannot be told', { before: undefined, after: 'it does not parse' })];
  }
  return compareFields(fields, readable(old), now);
}

function readable(said: Said): Said {
  return said && 'unreadable' in said ? undefined : said;
}

function fieldsOf(path: string, declared: Classification): { fields: readonly RiskField[]; markdown: boolean } {
  const target = declared.kind === 'patch' ? declared.target : declared;
  if (path.endsWith(`/${EXTRAS_FILE}`) && (declared.kind === 'part' || declared.kind === 'patch')) {
    return { fields: extrasFields, markdown: false };
  }
  const kind = target.kind === 'resource' ? target.resourceKind : undefined;
  return { fields: (kind && riskFields[kind]) ?? [], markdown: path.endsWith('.md') };
}

/** What follows from where the file is. */
function placeFindings(file: ChangedFile, declared: Classification): Finding[] {
  const { path, before, after } = file;
  const sides = { before: before && 'there', after: after && 'there' };
  if (declared.kind === 'ignored') return [];
  if (declared.kind !== 'part' && isExecutable(before) !== isExecutable(after)) {
    return [
      finding('executable', path, { before: bit(before), after: bit(after) }),
      ...placeFindings(plain(file), declared),
    ];
  }
  if (path.startsWith('trust/')) return [finding('trust', path, sides)];
  if (declared.kind === 'resource' && declared.resourceKind === 'Lock') return lockRisks(file);
  if (path.startsWith('locks/servers/')) return [finding('tool-surface', path, sides)];
  if (declared.kind !== 'resource' || declared.scope === 'global' || (before && after)) return [];
  // What lies in a project's or agent's own folder is served without being named.
  return [finding('exposure', `${declared.scope} ${after ? 'gets' : 'loses'} it`, sides)];
}

interface Bundle {
  folder: string;
  extras: ChangedFile | undefined;
}

/** The skill that a file belongs to, as far as the files at hand tell. */
function bundleAround(path: string, byPath: ReadonlyMap<string, ChangedFile>): Bundle | undefined {
  let guess: string | undefined;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end);
    if (classify(`${folder}/SKILL.md`).kind !== 'resource') break;
    const extras = byPath.get(`${folder}/${EXTRAS_FILE}`);
    if (extras || byPath.has(`${folder}/SKILL.md`)) return { folder, extras };
    guess = folder;
  }
  return guess === undefined ? undefined : { folder: guess, extras: undefined };
}

/** A file of a skill: whether it can be run, and whether it is run by itself. */
function partFindings(read: ReadSaid, { path, before, after }: ChangedFile, { folder, extras }: Bundle): Finding[] {
  const name = path.slice(folder.length + 1);
  const found: Finding[] = [];
  if (isExecutable(before) !== isExecutable(after)) {
    found.push(finding('executable', name, { before: bit(before), after: bit(after) }));
  }
  const said = extras && (read(path, extras.after, false) ?? read(path, extras.before, false));
  for (const field of ['postInstall', 'preUninstall']) {
    if (memberAt(said ?? undefined, ['spec', field]) !== name || !before || !after) continue;
    found.push(finding('post-install', `the content of ${name}, which \`spec.${field}\` names`, sizes(before, after)));
  }
  return found;
}

function isExecutable(content: Content): boolean {
  return content?.mode === '100755';
}

/** The same file as one that cannot be run. */
function plain({ path, before, after }: ChangedFile): ChangedFile {
  const without = (content: Content): Content => {
    if (!content) return undefined;
    const { bytes, text } = content;
    return { bytes, mode: '100644', ...(text !== undefined && { text }) };
  };
  return { path, before: without(before), after: without(after) };
}

function bit(content: Content): string | undefined {
  return content?.mode === '100755' ? 'executable' : content && 'not executable';
}

function sizes(before: FileContent, after: FileContent) {
  return { before: `${before.bytes.length} bytes`, after: `${after.bytes.length} bytes` };
}

function isSame(before: Content, after: Content): boolean {
  if (!before || !after) return before === after;
  if (before === after) return true;
  if (before.mode !== after.mode) return false;
  if (before.text !== undefined && after.text !== undefined) return before.text === after.text;
  return Buffer.compare(before.bytes, after.bytes) === 0;
}
