import type { ThinCopy } from '../../repo/index.ts';
import { inRange, type Problem, problem } from '../../schema/index.ts';
import { type Offer, type OfferedSkill, readOffer } from './desired.ts';
import type { ReleaseTerms } from './release.ts';
import type { InstalledSkill } from './state.ts';

/** So many releases back a version is looked for. */
const MAX_RELEASES = 32;

/**
 * Hold a project’s own skills at the versions it takes: one whose newest version is out of the range comes from the newest
 * trusted release that has a version within it. One without such a version stays as it is. A global skill has one version
 * on a machine, for all projects: that it is out of a project’s range is an error, and changes nothing.
 * @param terms of the release that the offer is of; undefined where there are no releases, and so no versions
 * @returns what is wrong with skills that are installed all the same
 */
export async function holdBack(
  offer: Offer,
  copy: ThinCopy,
  terms: ReleaseTerms | undefined,
  known: readonly InstalledSkill[],
): Promise<Problem[]> {
  const { project } = offer;
  const ranges = project?.spec.versions?.skills ?? {};
  const problems: Problem[] = [];
  for (const [name, range] of Object.entries(ranges)) {
    const offered = offer.skills.find(skill => skill.name === name && skill.scope === `project/${project?.name}`);
    const global = offer.skills.find(skill => skill.name === name && skill.scope === 'global');
    const skill = offered ?? global;
    if (!skill || inRange(skill.facts.version, range)) continue;
    const has = skill.facts.version ?? 'none, for there are no releases';
    if (!offered || !terms) {
      const why = offered ? '' : '; a global skill has one version on a machine';
      problems.push(outOfRange(skill, `the project takes ${range}, and its version is ${has}${why}`));
      continue;
    }
    const older = await findVersion(copy, terms, offer, skill, range, known);
    if (older) offer.skills[offer.skills.indexOf(skill)] = older;
    else {
      offer.skills = offer.skills.filter(one => one !== skill);
      offer.refused.set(skill.id, outOfRange(skill, `no release has a version within ${range}; the newest is ${has}`));
    }
  }
  return problems;
}

async function findVersion(
  copy: ThinCopy,
  terms: ReleaseTerms,
  { project, repository }: Offer,
  { id }: OfferedSkill,
  range: string,
  known: readonly InstalledSkill[],
): Promise<OfferedSkill | undefined> {
  const { judge, releaseTags } = await import('./release.ts');
  for (const tag of releaseTags(terms.refs).slice(0, MAX_RELEASES)) {
    const found = await judge(terms, tag, true);
    if (!('release' in found)) continue;
    const { manifest } = found.release;
    const version = manifest.resources.find(resource => resource.id === id)?.version;
    if (version === undefined || !inRange(version, range)) continue;
    const { path, signal } = terms;
    const offer = await readOffer(copy, {
      commit: tag.oid,
      path,
      project: project?.name,
      known,
      pristine: () => [],
      repository,
      manifest,
      signal,
    });
    const origin = { commit: tag.oid, name: tag.ref.slice('refs/tags/'.length), signedBy: found.release.signer.name };
    const skill = offer.skills.find(one => one.id === id && one.facts.version === version);
    return skill && { ...skill, origin };
  }
  return undefined;
}

function outOfRange({ id }: OfferedSkill, why: string): Problem {
  return problem('SKILL_VERSION', `\`${id}\`: ${why}`, { resource: id });
}
