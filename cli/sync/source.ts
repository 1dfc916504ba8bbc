import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  askBundle,
  askRefs,
  openThinCopy,
  parseRef,
  parseRemote,
  parseRepoPath,
  type RemoteRef,
  type ThinCopy,
} from '../../repo/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import type { Places } from './places.ts';

/** Where a machine’s skills come from, checked. */
export interface Source {
  remote: { url: string; display: string };
  ref: string;
  /** @param patterns full refs, which may end in `*`; a gateway tells what it has. @throws ProblemError REMOTE_* */
  ask(patterns: readonly string[], signal: AbortSignal): Promise<Asked>;
}

/** Where the source’s refs are, and how to get at what they lead to. */
export interface Asked {
  /** A gateway’s are those of what was opened, once it is: it may have moved on since it said that nothing is new. */
  refs: RemoteRef[];
  /** The repository’s folder inside the git repository. */
  path: string;
  /** To be closed by whoever opens it. */
  open(): Promise<ThinCopy>;
}

const ANY_RELEASE = 'refs/tags/v*';

export interface SourceContext {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}

/** @throws ProblemError SKILLS_UNCONFIGURED, REMOTE_UNSUPPORTED, REF_INVALID, USAGE */
export function openSkillsSource(places: Places, config: SkillsConfig, context: SourceContext): Source {
  const { from, gateway } = config;
  const { ref } = checked(parseRef(config.ref));
  if (gateway !== undefined) return gatewaySource(places, gateway, config.pin, ref, context);
  if (from === undefined) {
    throw new ProblemError(problem('SKILLS_UNCONFIGURED', 'nothing says where this machine’s skills come from'));
  }
  const remote = checked(parseRemote(from, context.cwd));
  const { path } = checked(parseRepoPath(config.path));
  if (remote.kind === 'path' && isPlainFolder(remote.url)) {
    const hint = 'Make it one: `git init`, and commit. Uncommitted changes do not count.';
    throw new ProblemError(
      problem('REMOTE_NOT_FOUND', `${remote.display} is a folder, but no git repository`, { hint }),
    );
  }
  const options = { dir: places.copy, remote, env: context.env, home: places.home, whole: path === '' };
  return {
    remote,
    ref,
    async ask(patterns, signal) {
      return { refs: await askRefs(options, patterns, signal), path, open: () => openThinCopy(options) };
    },
  };
}

function gatewaySource(
  places: Places,
  url: string,
  pin: string | undefined,
  ref: string,
  { env, cwd }: SourceContext,
): Source {
  return {
    remote: { url, display: `the gateway ${url}` },
    ref,
    async ask(_patterns, signal) {
      const { gatewayToken } = await import('../gateway-token.ts');
      const place = {
        ...{ url, ref, env, release: pin ?? 'latest', file: join(places.copy, '..', 'bundle.json') },
        token: await gatewayToken(url, { env, cwd }),
      };
      const { refs, path, copy } = await askBundle(place, signal);
      const asked: Asked = {
        refs,
        path,
        async open() {
          if (copy) return copy;
          const again = await askBundle(place, signal, true);
          if (!again.copy) throw new ProblemError(problem('REMOTE_UNREACHABLE', `The gateway ${url} sent nothing`));
          asked.refs = again.refs;
          asked.path = again.path;
          return again.copy;
        },
      };
      return asked;
    },
  };
}

function isPlainFolder(path: string): boolean {
  const exists = (name: string) => existsSync(join(path, name));
  return exists('') && !exists('.git') && !(exists('HEAD') && exists('objects'));
}

function checked<T extends object>(parsed: T): Exclude<T, { problem: unknown }> {
  if ('problem' in parsed) throw new ProblemError(parsed.problem as ReturnType<typeof problem>);
  return parsed as Exclude<T, { problem: unknown }>;
}

/** What is asked of the remote: the branch, and the releases where a root is pinned on this machine for anything. */
export function patterns({ ref }: Source, home: string): string[] {
  return existsSync(join(home, 'trust')) ? [ref, ANY_RELEASE] : [ref];
}
