import { mcpctlHome } from '../../../host/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { done, paint } from '../../style.ts';
import { inspectSkills, type SkillStatus } from '../../sync/index.ts';
import { table } from '../../table.ts';

export interface StatusOptions extends Omit<CliContext, 'finish'> {
  output: 'table' | 'json';
}

/** What is installed. JSON: an array of `SkillStatus`. */
export async function runStatus({ io, env, output }: StatusOptions): Promise<ExitCode> {
  const skills = await inspectSkills(mcpctlHome(env), false);
  if (output === 'json') io.stdout(`${JSON.stringify(skills, undefined, 2)}\n`);
  else if (skills.length === 0) done(io, 'no skills are installed here');
  else io.stdout(listing(skills));
  return ExitCodes.ok;
}

/** Hash every file, of working copies and of the store. Exit 1 when something is not what was installed. */
export async function runVerify({ io, env, output }: StatusOptions): Promise<ExitCode> {
  const skills = await inspectSkills(mcpctlHome(env), true);
  const wrong = skills.filter(({ state, damaged }) => state !== 'ok' || damaged.length > 0);
  if (output === 'json') io.stdout(`${JSON.stringify(skills, undefined, 2)}\n`);
  else {
    for (const { id, path, state, differs, damaged } of wrong) {
      io.stdout(`${paint(io, 'red', '✗')} ${id}  ${state}  ${path}\n`);
      for (const file of differs) io.stdout(`    ${file.how} ${oneLine(file.path)}\n`);
      for (const file of damaged) io.stdout(`    damaged in the store: ${oneLine(file)}\n`);
    }
    if (wrong.length === 0) done(io, `${skills.length} skills are what was installed, byte for byte`);
  }
  return wrong.length === 0 ? ExitCodes.ok : ExitCodes.failed;
}

function listing(skills: readonly SkillStatus[]): string {
  return table([
    ['SKILL', 'VERSION', 'FROM', 'SIGNED BY', 'STATE', 'PATH'],
    ...skills.map(({ id, version, release, commit, signedBy, state, differs, path }) => [
      id,
      version ?? '-',
      release ?? commit.slice(0, 7),
      oneLine(signedBy ?? 'nobody'),
      state === 'edited' ? `edited (${differs.length})` : state,
      path,
    ]),
  ]);
}
