import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { run } from '../../../host/index.ts';
import { type Check, failed, type Machine, ok, warning } from './finding.ts';

const TIMEOUT_MS = 10_000;
const OLDEST_GIT = [2, 36] as const;
const OLDEST_NODE = 24;

/** What a program prints; undefined when it cannot be run or fails. */
async function ask({ env, signal }: Machine, ...argv: string[]): Promise<string | undefined> {
  const result = await run(argv, { env, signal, timeoutMs: TIMEOUT_MS });
  return result.code === 0 ? result.stdout.toString().trim() : undefined;
}

export const git: Check = async machine => {
  const cure = `Install git ${OLDEST_GIT.join('.')} or newer.`;
  const text = await ask(machine, 'git', 'version');
  if (text === undefined) return [failed('git', 'not found', cure)];
  const [version = text, major = 0, minor = 0] = /(\d+)\.(\d+)[\d.]*/.exec(text) ?? [];
  const old = Number(major) < OLDEST_GIT[0] || (Number(major) === OLDEST_GIT[0] && Number(minor) < OLDEST_GIT[1]);
  return [old ? failed('git', `${version} is too old`, cure) : ok('git', version)];
};

/** Who commits, and with which key. */
export const identity: Check = async machine => {
  const lines = (await ask(machine, 'git', 'config', '--get-regexp', '^(user|gpg|commit)\\.')) ?? '';
  const config = new Map(lines.split('\n').map(line => [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)]));
  const [name, email, key] = ['user.name', 'user.email', 'user.signingkey'].map(one => config.get(one));
  const who =
    name !== undefined && email !== undefined
      ? ok('identity', `${name} <${email}>`)
      : warning(
          'identity',
          'git does not know who commits',
          'git config --global user.name "…"; git config --global user.email …',
        );
  if (key === undefined)
    return [who, ok('keys', 'no signing key of git’s; `mcpctl trust init` makes one for releases and reviews')];
  const format = config.get('gpg.format') ?? 'openpgp';
  const file = key.startsWith('~/') ? join(machine.env.HOME ?? '', key.slice(2)) : key;
  const missing = format === 'ssh' && isAbsolute(file) && !existsSync(file);
  const keys = missing
    ? warning('keys', `the signing key ${key} is not there`, 'Correct `git config user.signingkey`.')
    : ok('keys', `${format} signing key configured`);
  return [who, keys];
};

export const node: Check = ({ env }) => {
  const { node: version } = process.versions;
  const tooOld = Number(version.split('.')[0]) < OLDEST_NODE;
  if (tooOld) return [failed('node', `${version} is too old`, `Install Node.js ${OLDEST_NODE}.`)];
  const options = env.NODE_OPTIONS ? `, with NODE_OPTIONS=${env.NODE_OPTIONS}` : '';
  return [ok('node', `${version} (${process.execPath})${options}`)];
};

export const npm: Check = async machine => {
  const version = await ask(machine, 'npm', '--version');
  const cure = 'Install npm (it comes with Node.js): servers from npm are installed with it.';
  return [version === undefined ? failed('npm', 'not found', cure) : ok('npm', version)];
};

export const docker: Check = async machine => {
  const version = await ask(machine, 'docker', 'version', '--format', '{{.Server.Version}}');
  if (version) return [ok('docker', version)];
  const installed = (await ask(machine, 'docker', '--version')) !== undefined;
  const cure = installed
    ? 'Start it, for servers that are an `image`.'
    : 'Install it, for servers that are an `image`.';
  return [warning('docker', installed ? 'installed, but it does not answer' : 'not found', cure)];
};

/** Tried as the process runtime tries it: where there is one, the kernel or a container may still not let it work. */
export const bwrap: Check = async machine => {
  const version = await ask(machine, 'bwrap', '--version');
  if (version === undefined) {
    return [warning('bwrap', 'not found', 'Install bubblewrap, for servers with `isolation` that run as processes.')];
  }
  const works = await ask(machine, 'bwrap', '--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', 'true');
  if (works !== undefined) return [ok('bwrap', version.replace(/^bubblewrap /, ''))];
  const cure = 'Allow user namespaces, or run servers with `isolation` in Docker.';
  return [warning('bwrap', 'installed, but it may not make user namespaces here', cure)];
};

/**
 * AI clients start `mcpctl connect` by name. What npx puts on the PATH is there for the one command only, and does not
 * count.
 */
export const command: Check = ({ env, self }) => {
  const folders = (env.PATH ?? '').split(delimiter).filter(folder => !/node_modules[\\/]\.bin$/.test(folder));
  const names = process.platform === 'win32' ? ['mcpctl.cmd', 'mcpctl'] : ['mcpctl'];
  const found = folders.flatMap(folder => names.map(name => join(folder, name))).find(existsSync);
  if (found !== undefined) return [ok('command', found)];
  const what = '`mcpctl` is not on the PATH, where AI clients look for it';
  return [warning('command', what, `npm install --global ${self ? dirname(dirname(self[1])) : 'mcpctl'}`)];
};
