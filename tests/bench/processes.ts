import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { UpProcess } from '../e2e/daemon.ts';

/** Of /proc/PID/stat, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The daemon, its reader and their git; not the servers. Linux only, as all of this file. */
export function ownProcesses(up: UpProcess): number[] {
  const daemon = up.child.pid ?? 0;
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  const below = (parent: number) => [...parents].flatMap(([pid, of]) => (of === parent ? [pid] : []));
  const ours = below(daemon).filter(pid => /\breader\.(?:js|ts)|^git\0/.test(read(`/proc/${pid}/cmdline`)));
  return [daemon, ...ours, ...ours.flatMap(below)];
}

/**
 * What processes occupy together. Pages of files, which are nearly all the program itself, are the same ones in every
 * process of one program, and counted once; everything else is a process's own.
 * @see proc_pid_status(5)
 */
export function residentMiB(pids: readonly number[]): number {
  const files = new Map<string, number>();
  let own = 0;
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`);
    const kiB = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    own += kiB('RssAnon') + kiB('RssShmem');
    const program = programOf(pid);
    files.set(program, Math.max(files.get(program) ?? 0, kiB('RssFile')));
  }
  return (own + sum([...files.values()])) / 1024;
}

function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

/** Milliseconds of user and system time so far. */
export function busyMs(pid: number): number {
  const stat = statOf(pid);
  return ((Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
}

/** Bytes that a process has made the disk write so far. */
export function bytesWritten(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0);
}

/** What is most of all samples, taken until it is stopped. */
export function watchPeak(sample: () => number, everyMs = 50): () => number {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, sample());
  }, everyMs);
  return () => {
    clearInterval(timer);
    return most;
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function parentOf(pid: number): number {
  return Number(statOf(pid)?.[1] ?? 0);
}

/** What stands behind the program's name in /proc/PID/stat. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
