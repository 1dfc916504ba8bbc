import { existsSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { run } from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';
import type { LaunchSpec } from '../runtime.ts';

/** What of the system every isolated server may read: programs, libraries, and how names and certificates are found. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/hosts',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/pki',
  '/etc/resolv.conf',
  '/etc/ssl/certs',
];
/** Nobody, in a user namespace of its own. */
const USER = '65534';
const TRIAL_MS = 5_000;

export interface Place {
  /** The instance's own folder. */
  home: string;
  cwd: string;
  /** Where programs are looked for. */
  path: string;
}

/**
 * The words that a program's argv gets in front, so that it has limits and is isolated; none when nothing is declared.
 * Fails loud: what is declared and cannot be given keeps the server from starting.
 */
export async function confine(
  spec: LaunchSpec,
  program: string,
  place: Place,
): Promise<{ words: string[]; isolated: boolean } | { problem: Problem }> {
  const limits = limitWords(spec, place);
  if ('problem' in limits) return limits;
  if (!spec.isolation) return { words: limits.words, isolated: false };
  const bwrap = findProgram('bwrap', place.path);
  if (bwrap === undefined) return impossible(spec, 'bwrap is not installed');
  if (spec.isolation.network === 'local') return impossible(spec, 'a process has the whole network, or none');
  if (spec.isolation.network === 'none' && spec.transport !== 'stdio') {
    return impossible(spec, 'without a network it could not be reached');
  }
  const trouble = await trial(bwrap);
  if (trouble !== undefined) return impossible(spec, trouble);
  return { words: [...limits.words, bwrap, ...wallWords(spec, program, place), '--'], isolated: true };
}

/** A program's path, as a shell would find it. */
export function findProgram(name: string, path: string): string | undefined {
  if (isAbsolute(name)) return existsSync(name) ? name : undefined;
  return [...path.split(delimiter), '/usr/bin', '/usr/sbin'].map(folder => join(folder, name)).find(existsSync);
}

function limitWords(spec: LaunchSpec, { path }: Place): { words: string[] } | { problem: Problem } {
  const { memory, files } = spec.limits ?? {};
  if (memory === undefined && files === undefined) return { words: [] };
  const prlimit = findProgram('prlimit', path);
  if (prlimit === undefined) return impossible(spec, 'limits need prlimit, which is not installed');
  return {
    words: [
      prlimit,
      // What is really written to. The address space would not do: Node and others reserve far more than they use.
      ...(memory === undefined ? [] : [`--data=${memory}:${memory}`]),
      ...(files === undefined ? [] : [`--nofile=${files}:${files}`]),
      '--',
    ],
  };
}

/** Pure but for what is asked of the file system. */
function wallWords(spec: LaunchSpec, program: string, { home, cwd }: Place): string[] {
  const { paths = [], network = 'full' } = spec.isolation ?? {};
  const own = [...(spec.reads ?? []), ...programFolders(program)];
  return [
    '--unshare-user',
    '--uid',
    USER,
    '--gid',
    USER,
    '--unshare-ipc',
    '--unshare-pid',
    '--unshare-uts',
    ...(network === 'none' ? ['--unshare-net'] : []),
    '--cap-drop',
    'ALL',
    '--die-with-parent',
    '--tmpfs',
    '/tmp',
    ...SYSTEM.filter(existsSync).flatMap(systemWords),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    ...own.flatMap(path => ['--ro-bind', path, path]),
    ...paths.flatMap(({ path, access }) => [access === 'write' ? '--bind' : '--ro-bind', path, path]),
    '--bind',
    home,
    home,
    '--chdir',
    cwd,
  ];
}

/** On most systems /bin and /lib are links into /usr. */
function systemWords(path: string): string[] {
  try {
    return ['--symlink', readlinkSync(path), path];
  } catch {
    return ['--ro-bind', path, path];
  }
}

/** A program outside the system's folders: itself, and where it really is. */
function programFolders(program: string): string[] {
  if (!existsSync(program)) return [];
  const real = realpathSync(program);
  return [...new Set([program, real])].filter(path => !SYSTEM.some(folder => path.startsWith(`${folder}/`)));
}

let tried: Promise<string | undefined> | undefined;

/** Whether bwrap works here: some kernels and containers allow no user namespaces. Asked once. */
function trial(bwrap: string): Promise<string | undefined> {
  tried ??= run([bwrap, '--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', 'true'], {
    timeoutMs: TRIAL_MS,
  }).then(({ code, stderr }) => (code === 0 ? undefined : `bwrap does not work here: ${stderr.trim().slice(0, 200)}`));
  return tried;
}

function impossible(spec: LaunchSpec, why: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('ISOLATION_IMPOSSIBLE', `${spec.id} was not started: ${why}`, { resource }) };
}
