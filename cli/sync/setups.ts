import { type FolderSetup, readLedger, writeLedger } from './hooks/ledger.ts';
import { underLock } from './lock.ts';
import type { MachineSetup } from './machine.ts';
import { type Places, placesIn } from './places.ts';

/** An entry in a client’s file that leads to a gateway. */
export type SetupEntry = FolderSetup['entries'][number];

type Where = Pick<MachineSetup, 'home' | 'folder' | 'project' | 'signal'>;

/**
 * Remember an entry that is about to be written, for it to be found again whatever it was called and wherever it
 * stands. @param changed whether it is ours to write; one that stood there already may be somebody else’s
 */
export async function rememberEntry(where: Where, entry: SetupEntry, changed: boolean): Promise<void> {
  await change(where, (setup, others) => {
    const ours = [setup, ...others].some(({ entries }) => entries.some(one => isSame(one, entry)));
    if ((!changed && !ours) || setup.entries.some(one => isSame(one, entry))) return;
    setup.entries.push(entry);
  });
}

/** Remember that the folder’s project file is ours. */
export async function rememberProjectFile(where: Where): Promise<void> {
  await change(where, setup => {
    setup.projectFile = true;
  });
}

/** Remember it no longer; entries are kept. */
export async function forgetProjectFile(where: Where): Promise<void> {
  await change(where, setup => {
    delete setup.projectFile;
  });
}

/** The entries of a client that are remembered of a folder’s project, without those that another folder has as well. */
export function rememberedEntries({ home, folder, project }: Omit<Where, 'signal'>, client: string): SetupEntry[] {
  const all = setupsIn(placesIn(home));
  const own = all.find(one => one.folder === folder && one.project === project);
  const others = all.filter(one => one !== own).flatMap(({ entries }) => entries);
  const ofClient = own?.entries.filter(entry => entry.client === client) ?? [];
  return ofClient.filter(entry => !others.some(one => isSame(one, entry)));
}

export function setupsIn(places: Places): FolderSetup[] {
  return readLedger(places).setups ?? [];
}

/** Under the lock: of a folder’s project, nothing of a client is remembered any more, nor of the project file. */
export async function forgetSetup(
  places: Places,
  { folder, project }: Omit<Where, 'signal'>,
  client: string,
): Promise<void> {
  const { setups = [], ...ledger } = readLedger(places);
  const left = setups.flatMap(setup => {
    if (setup.folder !== folder || setup.project !== project) return setup;
    const entries = setup.entries.filter(entry => entry.client !== client);
    return entries.length === 0 ? [] : { folder, project, entries };
  });
  await writeLedger(places, { ...ledger, ...(left.length > 0 && { setups: left }) });
}

async function change(
  { home, folder, project, signal }: Where,
  make: (setup: FolderSetup, others: readonly FolderSetup[]) => void,
): Promise<void> {
  const places = placesIn(home);
  await underLock(places, signal, async () => {
    const ledger = readLedger(places);
    const others = (ledger.setups ?? []).filter(one => one.folder !== folder || one.project !== project);
    const known = ledger.setups?.find(one => !others.includes(one)) ?? { folder, project, entries: [] };
    const before = JSON.stringify(known);
    make(known, others);
    if (JSON.stringify(known) === before) return;
    const { setups: _, ...rest } = ledger;
    const setups = known.entries.length > 0 || known.projectFile ? [...others, known] : others;
    await writeLedger(places, { ...rest, ...(setups.length > 0 && { setups }) });
  });
}

function isSame(a: SetupEntry, b: SetupEntry): boolean {
  return a.file === b.file && a.name === b.name;
}
