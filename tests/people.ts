import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Somebody with a clone, an SSH key and a name in git. */
export interface PersonAtWork {
  name: string;
  /** Type and base64. */
  publicKey: string;
  keyFile: string;
  /** Their working tree. */
  work: string;
  env: Record<string, string | undefined>;
  git(...args: string[]): string;
}

/** A person with a new ed25519 key. @param folder where home and clone are made @param remote what they clone */
export function person(folder: string, name: string, remote: string): PersonAtWork {
  const home = join(folder, name);
  const work = join(home, 'work');
  const keyFile = join(home, '.ssh', 'id_ed25519');
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', keyFile]);
  const email = `${name}@x.example`;
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    MCPCTL_HOME: join(home, '.mcpctl'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: work, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  execFileSync('git', ['clone', '--quiet', remote, work], { env });
  const publicKey = readFileSync(`${keyFile}.pub`, 'utf8').split(' ', 2).join(' ');
  return { name, publicKey, keyFile, work, env, git };
}

/** The file that declares a person as a user. */
export function userFile({ name, publicKey }: PersonAtWork): string {
  const spec = `  email: ${name}@x.example\n  sshKeys: ["${publicKey}"]\n`;
  return `apiVersion: mcpctl.dev/v1\nkind: User\nspec:\n${spec}`;
}

/** The `mcpctl.yaml` of a repository in which some have to approve what changes in a folder. */
export function protectedBy(folder: string, owners: readonly string[], approvals = 1): string {
  return `apiVersion: mcpctl.dev/v1
kind: Repository
spec:
  id: test.example
  review:
    protect:
      - paths: [${folder}]
        owners: { users: [${owners.join(', ')}] }
        approvals: ${approvals}
`;
}
