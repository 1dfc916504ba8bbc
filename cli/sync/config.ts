import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ensurePrivateDir, writeAtomic } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import { FRESHNESS_SEC } from './checked.ts';
import { type Places, placesIn } from './places.ts';

/** Clients whose folders skills are put into. */
export const targets = ['claude', 'codex', 'agents'] as const;
export type Target = (typeof targets)[number];

/** What this machine was told, in `skills.json`: it is read before each session, so it is plain JSON. */
export interface SkillsConfig {
  /** Where skills come from; as given to `--from`, a path made absolute. */
  from?: string;
  /** The address of a gateway that hands them out, in place of `from`. */
  gateway?: string;
  ref: string;
  /** The repository’s folder inside the git repository. */
  path: string;
  /** `release` is what counts wherever a root is pinned for the address. */
  trust: 'open' | 'forge' | 'release';
  /** One release by name, such as `v1.2.0`, whichever is newest. */
  pin?: string;
  targets: Target[];
  /** Whether entries in clients’ settings say whose they are; some editors’ schemas know no such keys. */
  hookMarkers: boolean;
  /** How long the hook before a session waits for the remote; 0 leaves it to the background. Milliseconds. */
  budgetMs: number;
  /** For how long after a sync the hook asks nobody. Seconds. */
  freshnessSec: number;
}

const defaults: SkillsConfig = {
  ref: 'main',
  path: '',
  trust: 'open',
  targets: ['claude'],
  hookMarkers: true,
  budgetMs: 1_000,
  freshnessSec: FRESHNESS_SEC,
};

/** @throws ProblemError CONFIG_INVALID */
export function readSkillsConfig({ config }: Places): SkillsConfig {
  let text: string;
  try {
    text = readFileSync(config, 'utf8');
  } catch {
    return { ...defaults };
  }
  try {
    const config: SkillsConfig = { ...defaults, ...JSON.parse(text) };
    const { from, gateway, ref, path, trust, pin, hookMarkers, budgetMs, freshnessSec, targets: given } = config;
    const fine =
      [from, gateway].every(one => one === undefined || typeof one === 'string') &&
      (pin === undefined || typeof pin === 'string') &&
      typeof ref === 'string' &&
      typeof path === 'string' &&
      typeof hookMarkers === 'boolean' &&
      [budgetMs, freshnessSec].every(number => Number.isFinite(number) && number >= 0) &&
      ['open', 'forge', 'release'].includes(trust) &&
      Array.isArray(given) &&
      given.length > 0 &&
      given.every(one => targets.includes(one));
    if (!fine) throw new Error('it has a value of another kind than expected');
    return config;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = 'Mend the file, or remove it and run `mcpctl skills sync --from REPO`.';
    throw new ProblemError(problem('CONFIG_INVALID', why, { at: { file: config }, hint }));
  }
}

export async function writeSkillsConfig(places: Places, config: SkillsConfig): Promise<void> {
  await ensurePrivateDir(places.home);
  await writeAtomic(places.config, `${JSON.stringify(config, undefined, 2)}\n`);
}

/** Let one release count on this machine, or the newest again. @throws ProblemError CONFIG_INVALID */
export async function pinRelease(home: string, release: string | undefined): Promise<void> {
  const places = placesIn(home);
  const { pin: _former, ...config } = readSkillsConfig(places);
  await writeSkillsConfig(places, { ...config, ...(release !== undefined && { pin: release }) });
}

/** A client’s folder of skills. */
export interface ClientFolder {
  target: Target;
  folder: string;
}

/** The folders of skills of a scope: one for each client. @param project the project’s folder; none for global skills */
export function clientFolders(
  env: Readonly<Record<string, string | undefined>>,
  chosen: readonly Target[],
  project: string | undefined,
): ClientFolder[] {
  const home = env.HOME && isAbsolute(env.HOME) ? env.HOME : homedir();
  const globals: Partial<Record<Target, string>> = {
    claude: env.CLAUDE_CONFIG_DIR || join(home, '.claude'),
    codex: env.CODEX_HOME || join(home, '.codex'),
  };
  const own: Partial<Record<Target, string>> = { claude: '.claude', agents: '.agents' };
  return [...new Set(chosen)].flatMap(target => {
    const parent = project === undefined ? globals[target] : own[target] && join(project, own[target]);
    return parent === undefined ? [] : [{ target, folder: join(parent, 'skills') }];
  });
}
