import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { folderOfProcess, type ProcessEntry, processEntry, processTable } from './process-table.ts';

/** What makes a process the same one: a pid is used again, but not with the same start time in the same boot. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
  bootId: string;
}

/** A process found by the folder it was started for. */
export interface FoundProcess extends ProcessIdentity {
  /** The first part of its folder's path below the folder that was searched for. */
  part: string;
}

/** How long a process that was killed outright may take to vanish; one that hangs in the kernel never does. */
const KILL_WAIT_MS = 5_000;
const LONGEST_PAUSE_MS = 50;

let bootId: string | undefined;

/** Identity of a running process, or undefined when there is none of that id (or it has ended already). */
export function identify(pid: number): ProcessIdentity | undefined {
  const entry = processEntry(pid);
  if (!entry || entry.zombie) return undefined;
  return { pid, startTime: entry.startTime, bootId: currentBoot() };
}

/** Whether exactly this process still runs. */
export function isSame(identity: ProcessIdentity): boolean {
  if (identity.bootId !== currentBoot()) return false;
  const entry = processEntry(identity.pid);
  return entry !== undefined && !entry.zombie && entry.startTime === identity.startTime;
}

/**
 * End a process, its process group and the descendants that left the group: SIGTERM, then SIGKILL after `graceMs`.
 * Resolves when none of them runs, or when even SIGKILL has not ended them for 5 s. Nothing is done when the identity
 * is not (or no longer) a running process.
 */
export async function endGroup(identity: ProcessIdentity, options: { graceMs: number }): Promise<void> {
  if (!isSame(identity)) return;
  const chosen = withRelatives(await processTable(), [identity.pid]);
  if (!isSame(identity)) return;
  await endAll(chosen, options.graceMs);
}

/**
 * End a child that leads a process group of its own (`detached`), and its group: SIGTERM, then SIGKILL after `graceMs`.
 * For a child that has ended by itself, what it left behind in its group. Resolves when none of them runs.
 */
export async function endChild(child: ChildProcess, options: { graceMs: number }): Promise<void> {
  const group = child.pid;
  if (group === undefined) return;
  if (!hasEnded(child)) {
    const ended = new Promise(resolve => child.once('exit', resolve));
    signalProcess(-group, 'SIGTERM');
    const killer = setTimeout(() => signalProcess(-group, 'SIGKILL'), options.graceMs);
    const patience = sleep(options.graceMs + KILL_WAIT_MS, undefined, { ref: false });
    await Promise.race([ended, patience]);
    clearTimeout(killer);
  }
  // The group's id cannot be given to another group as long as a member lives.
  if (!signalProcess(-group, 0)) return;
  const members = (await processTable()).filter(entry => entry.group === group && !entry.zombie);
  await endAll(members, options.graceMs);
}

/**
 * Kill process groups when this process ends without having ended them: by a fault, or by somebody's impatience.
 * @param leaders asked for the groups' leaders at that moment
 * @returns the way to take that back
 */
export function killGroupsAtExit(leaders: () => readonly number[]): () => void {
  const kill = () => {
    for (const leader of leaders()) signalProcess(-leader, 'SIGKILL');
  };
  process.once('exit', kill);
  return () => process.off('exit', kill);
}

/**
 * Running processes that were started with a home or temporary folder below `folder`, or that work there: also those
 * that left their process group, and those that nobody wrote down. Never this process. Linux only; elsewhere empty.
 * @param folder absolute, without symbolic links
 */
export async function findByFolder(folder: string): Promise<FoundProcess[]> {
  const boot = currentBoot();
  return (await processTable()).flatMap(entry => {
    if (entry.pid === process.pid || entry.zombie) return [];
    const part = folderOfProcess(entry, folder);
    return part ? [{ pid: entry.pid, startTime: entry.startTime, bootId: boot, part }] : [];
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The processes named, with their groups and descendants; never this process. */
function withRelatives(table: readonly ProcessEntry[], pids: readonly number[]): ProcessEntry[] {
  const chosen = new Set(pids);
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const entry of table) {
      // A group is taken whole only when its leader is ours: a process that somebody started by hand is in theirs.
      if (chosen.has(entry.parent) || chosen.has(entry.group)) chosen.add(entry.pid);
    }
  }
  chosen.delete(process.pid);
  return table.filter(entry => chosen.has(entry.pid) && !entry.zombie);
}

async function endAll(entries: readonly ProcessEntry[], graceMs: number): Promise<void> {
  for (const entry of entries) signalEntry(entry, 'SIGTERM');
  const left = await waitForEnd(entries, graceMs);
  if (left.length === 0) return;
  // What was forked meanwhile goes with them.
  const doomed = withRelatives(
    await processTable(),
    left.map(entry => entry.pid),
  );
  for (const entry of doomed) signalEntry(entry, 'SIGKILL');
  await waitForEnd(doomed, KILL_WAIT_MS);
}

async function waitForEnd(entries: readonly ProcessEntry[], ms: number): Promise<ProcessEntry[]> {
  const deadline = performance.now() + ms;
  let left = entries.filter(stillRuns);
  for (let pause = 2; left.length > 0 && performance.now() < deadline; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    await sleep(pause);
    left = left.filter(stillRuns);
  }
  return left;
}

function signalEntry(entry: ProcessEntry, signal: NodeJS.Signals): void {
  if (stillRuns(entry)) signalProcess(entry.pid, signal);
}

function stillRuns(entry: ProcessEntry): boolean {
  const now = processEntry(entry.pid);
  return now !== undefined && !now.zombie && now.startTime === entry.startTime;
}

/** Differs after each start of the machine. */
function currentBoot(): string {
  bootId ??= readBootId();
  return bootId;
}

function readBootId(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  // `{ sec = 1700000000, usec = 0 } Tue …`: the seconds are enough.
  const text = execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' });
  return /sec = (\d+)/.exec(text)?.[1] ?? text.trim();
}
