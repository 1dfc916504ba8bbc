import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { endChild } from '../../../host/index.ts';
import { sha256 } from '../bundle.ts';
import type { Places } from '../places.ts';
import type { InstalledSkill } from '../state.ts';
import { openInstallLog } from './install-log.ts';

export type ScriptKind = 'postInstall' | 'preUninstall';

export interface ScriptRequest {
  places: Places;
  skill: InstalledSkill;
  kind: ScriptKind;
  env: Readonly<Record<string, string | undefined>>;
  project: string | undefined;
  /** In bubblewrap: no network, and only the bundle can be written to. */
  sandbox: boolean;
  signal: AbortSignal;
}

/** What became of a script. */
export interface ScriptResult {
  script: string;
  sha256: string;
  exitCode: number | null;
  signal: string | null;
  timedOut: boolean;
  durationMs: number;
  log: string;
  /** Why it was not even started, or did not succeed; undefined when it did. */
  trouble?: string;
}

/** All of the user’s environment that a script sees: no token, no key. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'SHELL', 'LANG', 'TERM'];
const GRACE_MS = 2_000;
const LIMIT_SEC = 60;

/**
 * Run a script of a skill: a file of its bundle, whose bytes are those that were installed at this moment. It leads a
 * process group of its own, which ends with it, or when its time is up.
 */
export async function runScript(request: ScriptRequest): Promise<ScriptResult> {
  const { places, skill, kind } = request;
  const script = skill[kind] ?? '';
  const log = openInstallLog(join(places.logs, skill.name));
  const result: ScriptResult = {
    ...{ script, sha256: '', exitCode: null, signal: null, timedOut: false, durationMs: 0, log: log.file },
  };
  const path = join(skill.live, script);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return { ...result, trouble: `it cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
  result.sha256 = sha256(bytes);
  if (result.sha256 !== skill.files[script]?.sha256) return { ...result, trouble: 'its bytes are not the release’s' };
  // What may not be run is run from a copy that may.
  const aside =
    (statSync(path).mode & 0o100) === 0 ? join(places.logs, skill.name, randomBytes(6).toString('hex')) : '';
  const program = aside === '' ? path : join(aside, basename(script));
  try {
    if (aside !== '') {
      mkdirSync(aside, { mode: 0o700 });
      writeFileSync(program, bytes, { mode: 0o755, flag: 'wx' });
      chmodSync(program, 0o755);
    }
    log.add(`── ${new Date().toISOString()} ${kind} ${script} sha256:${result.sha256}\n`);
    const ended = await execute(request, program, bytes, chunk => log.add(chunk));
    log.add(`── ${ended.trouble ?? 'exit 0'}\n`);
    return { ...result, ...ended };
  } finally {
    if (aside !== '') rmSync(aside, { recursive: true, force: true });
  }
}

type Ended = Pick<ScriptResult, 'exitCode' | 'signal' | 'timedOut' | 'durationMs'> & { trouble?: string };

function execute(request: ScriptRequest, program: string, bytes: Buffer, add: (chunk: Buffer) => void): Promise<Ended> {
  const { skill, kind, sandbox, signal } = request;
  // A script that does not say what reads it is read by sh, as a shell would have it.
  const hasReader =
    bytes.subarray(0, 2).toString('latin1') === '#!' || bytes.subarray(0, 4).toString('latin1') === '\x7fELF';
  const plain = hasReader ? [program] : ['/bin/sh', program];
  const argv = sandbox ? sandboxed(realpathSync(skill.live), program, plain) : plain;
  const limitSec = kind === 'postInstall' ? (skill.postInstallTimeoutSec ?? LIMIT_SEC) : LIMIT_SEC;
  const started = performance.now();
  return new Promise(resolve => {
    let child: ChildProcess;
    let timedOut = false;
    let ending: Promise<void> | undefined;
    const finish = (ended: Pick<Ended, 'exitCode' | 'signal'> & { trouble?: string }) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      const durationMs = Math.round(performance.now() - started);
      resolve({ ...ended, timedOut, durationMs });
    };
    const end = () => {
      ending ??= endChild(child, { graceMs: GRACE_MS });
    };
    const [command = '', ...args] = argv;
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, limitSec * 1000);
    child = spawn(command, args, {
      cwd: skill.path,
      env: scriptEnvironment(request),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', add);
    child.stderr?.on('data', add);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    child.on('error', error => {
      if (child.pid !== undefined) return;
      const missing = sandbox && (error as NodeJS.ErrnoException).code === 'ENOENT';
      finish({ exitCode: null, signal: null, trouble: missing ? 'bwrap is not installed' : error.message });
    });
    child.on('exit', (exitCode, killedBy) => {
      // Ending what it left behind takes time that is not the script’s.
      clearTimeout(timer);
      // What it left behind in its group ends with it, and with that what holds its output open.
      end();
      void ending?.then(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        const why = timedOut
          ? `it took longer than ${limitSec} s`
          : killedBy
            ? `${killedBy} ended it`
            : `exit ${exitCode}`;
        finish({ exitCode, signal: killedBy, ...((exitCode !== 0 || timedOut) && { trouble: why }) });
      });
    });
  });
}

function scriptEnvironment({ skill, env, project }: ScriptRequest): Record<string, string> {
  const result: Record<string, string> = {
    MCPCTL_SKILL_NAME: skill.name,
    MCPCTL_SKILL_VERSION: skill.version ?? '',
    MCPCTL_SKILL_DIR: skill.path,
    ...(project !== undefined && { MCPCTL_PROJECT: project }),
  };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/**
 * Everything can be read, only the bundle written to, and there is no network. Nor are there the sockets of `/run`: who may
 * talk to docker or to systemd through one is out of any sandbox. What a system keeps its programs in stays.
 */
function sandboxed(live: string, program: string, argv: readonly string[]): string[] {
  const mounts = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', '--tmpfs', '/run'];
  for (const path of ['/run/current-system', '/run/wrappers']) mounts.push('--ro-bind-try', path, path);
  mounts.push('--bind', live, live);
  // It may be a copy in a folder that is hidden by now.
  if (!program.startsWith(`${live}/`)) mounts.push('--ro-bind', program, program);
  return ['bwrap', ...mounts, '--unshare-all', '--die-with-parent', '--new-session', '--chdir', live, '--', ...argv];
}
