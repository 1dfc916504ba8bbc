import { problemCodes } from './problem.ts';

/** `docs/problems.md`: every code of the table with its severity, meaning and cure. */
export function problemPage(): string {
  const sections = Object.entries(problemCodes()).map(
    ([code, { severity, meaning, cure }]) => `## ${code}\n\n*${severity}.* ${meaning}\n\n**Cure:** ${cure}\n`,
  );
  return `# Problem codes

Everything mcpctl finds wrong has one of these codes, a message that says what, a position \`file:line:column\` where there
is one, and a hint that says what to do next. An *error* refuses the resource or ends the operation; a *warning* refuses
nothing. Generated from \`schema/problem.ts\` by \`npm run generate\`.

${sections.join('\n')}`;
}
