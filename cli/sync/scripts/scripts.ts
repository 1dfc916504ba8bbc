import { writeFileSync } from 'node:fs';
import { type Problem, problem } from '../../../schema/index.ts';
import { findExtras } from '../look.ts';
import { type InstalledSkill, recordFile } from '../state.ts';
import { runScript, type ScriptKind, type ScriptRequest, type ScriptResult } from './run-script.ts';

/** What the scripts of one sync did. */
export interface ScriptsOutcome {
  ran: string[];
  skipped: string[];
  errors: Problem[];
  results: { skill: InstalledSkill; kind: ScriptKind; result: ScriptResult }[];
}

type Request = Omit<ScriptRequest, 'skill' | 'kind'> & { skip: boolean };

/**
 * Run what skills want to have run after they were installed, one after the other: each script once, until its bytes
 * change; one that failed again the next time.
 */
export async function runPostInstalls(skills: readonly InstalledSkill[], request: Request): Promise<ScriptsOutcome> {
  const outcome: ScriptsOutcome = { ran: [], skipped: [], errors: [], results: [] };
  for (const skill of skills) {
    const script = skill.postInstall;
    if (script === undefined) continue;
    if (skill.files[script] !== undefined && skill.postInstallHash === skill.files[script].sha256) {
      outcome.skipped.push(skill.id);
      continue;
    }
    if (request.skip) {
      outcome.skipped.push(skill.id);
      continue;
    }
    const result = await runScript({ ...request, skill, kind: 'postInstall' });
    outcome.results.push({ skill, kind: 'postInstall', result });
    outcome.ran.push(skill.id);
    if (result.trouble !== undefined) {
      outcome.errors.push(failed(skill, 'postInstall', result));
      continue;
    }
    skill.postInstallHash = result.sha256;
    // What it made is nobody’s work: it goes when the skill goes.
    skill.made = Object.fromEntries(findExtras(skill.live, skill.files));
    writeFileSync(recordFile(skill.live), JSON.stringify(skill), { mode: 0o600 });
  }
  return outcome;
}

/** Whether a skill’s script still has to run. */
export function isPending({ postInstall, postInstallHash, files }: InstalledSkill): boolean {
  return postInstall !== undefined && files[postInstall]?.sha256 !== postInstallHash;
}

export function failed({ id }: InstalledSkill, kind: ScriptKind, { script, trouble, log }: ScriptResult): Problem {
  const message = `${kind} \`${script}\` of \`${id}\`: ${trouble}`;
  return problem('SKILL_SCRIPT_FAILED', message, { hint: `See ${log}; the next sync runs it again.`, resource: id });
}
