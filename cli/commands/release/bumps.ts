import { type Bump, isBump, ProblemError, problem, type ResourceId, type VersionHint } from '../../../schema/index.ts';

/** What `--bump` asks for: of the release itself, and of resources. */
export interface Bumps {
  own?: Bump;
  resources: Map<ResourceId, VersionHint>;
}

/** @throws ProblemError USAGE */
export function parseBumps(given: readonly string[]): Bumps {
  const bumps: Bumps = { resources: new Map() };
  for (const text of given) {
    const [, id, value = ''] = /^(?:([^=]+)=)?(.+)$/.exec(text) ?? [];
    if (id !== undefined)
      bumps.resources.set(id, isBump(value) ? { bump: value } : { version: value.replace(/^v/, '') });
    else if (isBump(value)) bumps.own = value;
    else {
      const hint = 'Write `--bump minor`, `--bump server/x=minor` or `--bump server/x=1.2.0`.';
      throw new ProblemError(problem('USAGE', `\`--bump ${text}\` is not understood`, { hint }));
    }
  }
  return bumps;
}
