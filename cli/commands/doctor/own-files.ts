import { lstatSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { daemonFiles } from '../../announced-daemons.ts';
import { type StateDir, stateDirs } from '../../state-dirs.ts';
import { type Check, type Finding, failed, ok, warning } from './finding.ts';

const LITTLE_SPACE = 1024 ** 3;
const ANSWER_MS = 3_000;

/** mcpctl's own folder, and that what is secret in it is its owner's alone. */
export const state: Check = ({ home }) => {
  const stats = lstatSync(home, { throwIfNoEntry: false });
  if (!stats) return [ok('state', `${home} is made at the first start`)];
  if (!stats.isDirectory()) return [failed('state', `${home} is no folder`, 'Move it away, or set MCPCTL_HOME.')];
  const dirs = stateDirs(home);
  const secret = dirs.flatMap(({ path }) => [path, join(path, daemonFiles.token), join(path, daemonFiles.hookSecret)]);
  const faults = [home, ...secret].flatMap(path => accessFault(path) ?? []);
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  if (free < LITTLE_SPACE) {
    faults.push(
      warning(
        'state',
        `${Math.floor(free / 1024 ** 2)} MiB are free below ${home}`,
        'Make room; see `mcpctl uninstall`.',
      ),
    );
  }
  return faults.length > 0 ? faults : [ok('state', `${home}, ${dirs.length} state directories, private`)];
};

function accessFault(path: string): Finding | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  const uid = process.getuid?.();
  if (uid !== undefined && stats.uid !== uid) {
    return failed('state', `${path} belongs to another user (uid ${stats.uid})`, 'Run mcpctl as its owner.');
  }
  if ((stats.mode & 0o077) === 0) return undefined;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  const cure = `chmod go-rwx ${path}`;
  const found = `${path} has mode ${mode}; others may get at it`;
  return (stats.mode & 0o022) === 0 && stats.isDirectory()
    ? warning('state', found, cure)
    : failed('state', found, cure);
}

/** Daemons of this user that run now, each asked whether it is alive. */
export const daemons: Check = async ({ home, signal }) => {
  const found = await Promise.all(stateDirs(home).map(dir => lookAt(dir, signal)));
  const some = found.filter(finding => finding !== undefined);
  return some.length > 0 ? some : [ok('daemon', 'none runs')];
};

async function lookAt({ name, inUse, daemon }: StateDir, signal: AbortSignal): Promise<Finding | undefined> {
  if (!inUse) {
    if (!daemon) return undefined;
    return warning('daemon', `${name} was ended outright`, 'Start it again: it ends what it left running.');
  }
  if (!daemon) return ok('daemon', `${name} is starting or stopping`);
  const shown = `${name}, process ${daemon.pid}, ${daemon.url}`;
  const answer = await fetch(`${daemon.url}/healthz`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  }).catch(() => undefined);
  if (answer?.ok) return ok('daemon', shown);
  return failed('daemon', `${shown} does not answer`, `Stop it (kill ${daemon.pid}) and start it again.`);
}
