import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeAtomic } from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';
import { statsOf } from '../look.ts';
import type { Places } from '../places.ts';
import { digestOfText, type Ledger, type LedgerFile, lookAt, readLedger, writeLedger } from './ledger.ts';
import { applyHooks, changedEntries, foundAgain, type HookEntry, hookSettings, nothingApplied } from './settings.ts';

/** What a file of settings that is not there yet begins as. */
const EMPTY = '{}\n';
const TRIES = 3;

export interface HooksOutcome {
  /** Ids of skills with the event, once for each that stands in a file now. */
  applied: string[];
  /** Whether a file was left without what belongs into it: the next sync has to try again. */
  left: boolean;
  warnings: Problem[];
}

/** What became of one file. */
export interface FileOutcome {
  /** What belongs into it stands in it. */
  stands: boolean;
  warnings: Problem[];
}

/**
 * Put the hooks of skills into settings files, each with all that belongs into it; what was put there before and is not
 * wanted any more is taken out. A failure is told, and changes nothing.
 */
export async function applyHookFiles(
  places: Places,
  wanted: ReadonlyMap<string, readonly HookEntry[]>,
  managed: readonly string[] = managedSettings(),
): Promise<HooksOutcome> {
  const ledger = readLedger(places);
  const outcome: HooksOutcome = { applied: [], left: false, warnings: [] };
  for (const [file, entries] of wanted) {
    const all = [...(ledger.files[file]?.own ?? []), ...entries];
    if (all.length === 0 && !ledger.files[file]) continue;
    try {
      const { stands, warnings } = await applyToFile(places, ledger, file, all);
      outcome.warnings.push(...warnings);
      if (stands) outcome.applied.push(...entries.map(({ source, event }) => `${source} ${event}`));
      else outcome.left = true;
      if (entries.length > 0) outcome.warnings.push(...obstacles(file, [...wanted.keys()], managed));
    } catch (error) {
      outcome.left = true;
      outcome.warnings.push(left(file, error instanceof Error ? error.message : String(error)));
    }
  }
  return outcome;
}

/**
 * Let entries of mcpctl’s own stand in a file, or none. A file that is not understood gets them by the next sync that
 * does understand it. @throws Error when the file cannot be changed
 */
export async function setOwnEntries(places: Places, file: string, own: HookEntry[]): Promise<FileOutcome> {
  const ledger = readLedger(places);
  const known = ledger.files[file];
  const mine = new Set(known?.own?.map(({ source }) => source));
  const skills = known?.applied.entries.filter(({ source }) => !mine.has(source)) ?? [];
  const record: LedgerFile = { ...(known ?? { applied: nothingApplied, look: '' }), own };
  ledger.files[file] = record;
  const outcome = await applyToFile(places, ledger, file, [...own, ...skills]);
  // What is taken out is remembered as long as it may still stand there.
  const rememberable = own.length > 0 || record.applied.entries.length === 0;
  if (!outcome.stands && rememberable) await remember(places, readLedger(places), file, record);
  return outcome;
}

async function applyToFile(
  places: Places,
  ledger: Ledger,
  file: string,
  entries: readonly HookEntry[],
): Promise<FileOutcome> {
  for (let turn = 0; ; turn++) {
    const before = read(file);
    const known = knownOf(ledger.files[file], before, entries);
    const result = applyHooks(before ?? EMPTY, known.applied, entries);
    if (!result) {
      const why = 'it is not understood: not valid JSON, or with `hooks` of another form';
      return { stands: false, warnings: [left(file, why)] };
    }
    const warnings = changedEntries(before ?? EMPTY, known.applied).map(what => edited(file, what));
    const created = before === undefined || known.created === true;
    const gone = entries.length === 0 && created && result.text === EMPTY;
    if (result.text === before && !gone) {
      await remember(places, ledger, file, { ...known, applied: result.applied, look: lookAt(file) });
      return { stands: true, warnings };
    }
    if (gone && before === undefined) {
      await remember(places, ledger, file, undefined);
      return { stands: true, warnings };
    }
    // Whichever of the two the file is when this process is killed in between, the ledger knows.
    const next = { sha256: digestOfText(result.text), applied: result.applied, created };
    await remember(places, ledger, file, { ...known, next });
    if (read(file) !== before) {
      if (turn < TRIES) continue;
      throw new Error('another program keeps writing to it');
    }
    if (gone) rmSync(file);
    else await write(file, result.text);
    const { own } = known;
    const settledNow = { applied: result.applied, look: lookAt(file), created, ...(own?.length && { own }) };
    await remember(places, ledger, file, gone ? undefined : settledNow);
    return { stands: true, warnings };
  }
}

/** What the ledger says, after whatever was interrupted; of a file that it knows nothing of, what is found there again. */
function knownOf(known: LedgerFile | undefined, text: string | undefined, wanted: readonly HookEntry[]): LedgerFile {
  const { next, ...before } = known ?? { applied: nothingApplied, look: '' };
  if (text === undefined) return before;
  if (next && digestOfText(text) === next.sha256) return { ...before, applied: next.applied, created: next.created };
  return before.applied.entries.length > 0 ? before : { ...before, applied: foundAgain(text, wanted) };
}

async function remember(places: Places, ledger: Ledger, file: string, record: LedgerFile | undefined): Promise<void> {
  const before = JSON.stringify(ledger.files[file]);
  const own = record?.own?.length ? record.own : undefined;
  const empty = record?.applied.entries.length === 0 && !record.next && !own && record.created !== true;
  if (!record || empty) delete ledger.files[file];
  else ledger.files[file] = record;
  if (JSON.stringify(ledger.files[file]) !== before) await writeLedger(places, ledger);
}

function read(file: string): string | undefined {
  let bytes: Buffer;
  try {
    // A link in a checkout may lead to a pipe or a device.
    if (!statSync(file).isFile()) throw new Error('it is no file');
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // What is not UTF-8 would not survive.
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Through a link, as people have their settings in a repository; the file’s mode stays. */
async function write(file: string, text: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const stats = statsOf(file);
  const target = stats ? realpathSync(file) : file;
  const mode = stats ? statSync(target).mode & 0o777 : 0o600;
  await writeAtomic(target, text, { mode });
  chmodSync(target, mode);
}

/**
 * What keeps the hooks in a file from running: a managed setting, or one that may stand in any file that counts where that one
 * does. Of those the nearest that says anything about it counts.
 */
function obstacles(file: string, all: readonly string[], managed: readonly string[]): Problem[] {
  const idle = (name: string, where: string) =>
    problem('SKILL_HOOKS_IDLE', `\`${name}\` in ${where} keeps the hooks of skills from running`);
  const ruled = managed.flatMap(where =>
    hookSettings(tolerant(where)).flatMap(([name, on]) => (on ? [idle(name, where)] : [])),
  );
  const isProject = basename(file) === 'settings.local.json';
  const shared = join(dirname(file), 'settings.json');
  const nearest = isProject ? [file, shared, ...all.filter(one => basename(one) === 'settings.json')] : [file];
  for (const where of nearest) {
    const said = hookSettings(tolerant(where)).find(([name]) => name === 'disableAllHooks');
    if (said) return said[1] ? [...ruled, idle(said[0], where)] : ruled;
  }
  return ruled;
}

function tolerant(file: string): string | undefined {
  try {
    return read(file);
  } catch {
    return undefined;
  }
}

/** Where an organisation’s own settings of Claude Code are: a file, and a folder of more. */
function managedSettings(): string[] {
  const folders: Partial<Record<NodeJS.Platform, string>> = {
    darwin: '/Library/Application Support/ClaudeCode',
    linux: '/etc/claude-code',
    win32: 'C:\\Program Files\\ClaudeCode',
  };
  const folder = folders[process.platform];
  if (folder === undefined) return [];
  const more = join(folder, 'managed-settings.d');
  const names = statsOf(more)?.isDirectory() ? readdirSync(more).filter(name => name.endsWith('.json')) : [];
  return [join(folder, 'managed-settings.json'), ...names.sort().map(name => join(more, name))];
}

function left(file: string, why: string): Problem {
  return problem('SKILL_HOOKS_LEFT', `${file} was left alone: ${why}`, { at: { file } });
}

function edited(file: string, what: string): Problem {
  return problem('SKILL_HOOKS_LEFT', `an entry of \`${what}\` was changed by hand and stays: ${file}`, {
    at: { file },
    hint: 'Remove the entry, or its `_mcpctl_managed`.',
  });
}
