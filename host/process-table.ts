import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One line of the machine's process table. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  /** In the unit the system keeps it in; only ever compared with itself. */
  startTime: string;
  /** It has ended, and its parent has not asked for its exit status yet. */
  zombie: boolean;
  /** It belongs to somebody's terminal. */
  terminal: boolean;
}

const onLinux = process.platform === 'linux';
/** Entries read before others get their turn: about a millisecond. */
const ENTRIES_PER_TURN = 64;

/** One process, or undefined when there is none of that id. */
export function processEntry(pid: number): ProcessEntry | undefined {
  if (!onLinux) return listWithPs(['-p', String(pid)])[0];
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Every process this user can see. */
export async function processTable(): Promise<ProcessEntry[]> {
  if (!onLinux) return listWithPs(['-ax']);
  const entries: ProcessEntry[] = [];
  for (const [index, pid] of processIds().entries()) {
    if (index % ENTRIES_PER_TURN === ENTRIES_PER_TURN - 1) await nextTurn();
    const entry = processEntry(pid);
    if (entry) entries.push(entry);
  }
  return entries;
}

/**
 * The folder below `folder` that a process was given as its home or for its temporary files, or else works in; undefined
 * for a process that has nothing to do with it. A process in a terminal is never judged by where it works: that is
 * a person who looks around. Linux only; elsewhere undefined.
 * @param folder absolute, without symbolic links
 * @returns the path's first part below `folder`
 */
export function folderOfProcess(entry: ProcessEntry, folder: string): string | undefined {
  if (!onLinux) return undefined;
  try {
    const environment = readFileSync(`/proc/${entry.pid}/environ`, 'utf8').split('\0');
    for (const name of ['HOME=', 'TMPDIR=']) {
      const value = environment.find(line => line.startsWith(name))?.slice(name.length);
      const part = value && partBelow(folder, value);
      if (part) return part;
    }
    return entry.terminal ? undefined : partBelow(folder, readlinkSync(`/proc/${entry.pid}/cwd`));
  } catch {
    // It has ended, or it belongs to somebody else.
    return undefined;
  }
}

function processIds(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function partBelow(folder: string, path: string): string | undefined {
  if (!path.startsWith(`${folder}/`)) return undefined;
  return path.slice(folder.length + 1).split('/', 1)[0] || undefined;
}

/** proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses. */
function parseStat(text: string): ProcessEntry | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, , terminal] = fields;
  const startTime = fields[19];
  if (!state || !startTime) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(parent),
    group: Number(group),
    startTime,
    zombie: state === 'Z' || state === 'X',
    terminal: terminal !== '0',
  };
}

/** Where there is no /proc (macOS, the BSDs). */
function listWithPs(selection: string[]): ProcessEntry[] {
  const columns = 'pid=,ppid=,pgid=,stat=,tty=,lstart=';
  let text: string;
  try {
    text = execFileSync('ps', [...selection, '-o', columns], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return [];
  }
  return text.split('\n').flatMap(line => {
    const [pid, parent, group, state, terminal, ...start] = line.trim().split(/\s+/);
    if (!pid || !state) return [];
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      startTime: start.join(' '),
      zombie: state.startsWith('Z'),
      terminal: !/^[?-]+$/.test(terminal ?? ''),
    };
  });
}
