import type { Report } from '../../repo/forges/index.ts';
import { type Risk, riskCategories, visibleLine } from '../../schema/index.ts';
import type { Examined } from './examine.ts';

const MOST_LINES = 200;

/** What a proposal would do, as Markdown for where it is discussed. What the repository says stands in fences. Pure. */
export function reportOf({ proposal, preview, environments }: Examined, risks: readonly Risk[]): Report {
  const { id, head } = proposal;
  const errors = preview.introduced.filter(({ severity }) => severity === 'error');
  const { steps } = preview;
  const summary = [
    errors.length > 0 ? counted(errors.length, 'error') : undefined,
    risks.length > 0 ? `${counted(risks.length, 'risk')} to look at` : 'nothing risky found',
    steps.length > 0 ? counted(steps.length, 'step') : 'nothing starts, stops or is served differently',
    environments.length > 0 ? `something else in ${environments.map(({ name }) => name).join(', ')}` : undefined,
  ].filter(part => part !== undefined);
  const text = [
    `### What merging this would do`,
    `${summary.join(' · ')}, at \`${head.slice(0, 12)}\``,
    section('Look at this first', risks.map(riskLine)),
    section('Plan', planLines(steps)),
    ...environments.map(({ name, refused, steps: own }) =>
      section(
        `Plan in the environment ${visibleLine(name)}`,
        refused === undefined ? planLines(own) : [`its machines stay as they are: ${refused}`],
      ),
    ),
    section(
      'Problems',
      preview.introduced.map(({ code, message }) => `${message} [${code}]`),
    ),
    `Review it with \`mcpctl review diff ${id}\`.`,
  ];
  return {
    id,
    head,
    valid: errors.length === 0,
    summary: summary.join(' · '),
    text: text.filter(part => part !== '').join('\n\n'),
  };
}

function planLines(steps: Examined['preview']['steps']): string[] {
  return steps.map(({ op, id, because }) => `${op.padEnd(9)} ${id}  ${because}`);
}

function riskLine({ category, op, resource, file, line, what, before, after }: Risk): string {
  const where = `${resource ?? file}${line === undefined ? '' : `:${line}`}`;
  const values = op === 'changed' ? `${before} → ${after}` : (after ?? before ?? '');
  return `${op.padEnd(8)} ${riskCategories[category]}: ${where}: ${what}${values === '' ? '' : `: ${values}`}`;
}

/** Lines in a fence that nothing in them can close. */
function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, MOST_LINES).map(line => visibleLine(line));
  if (lines.length > MOST_LINES) shown.push(`… and ${lines.length - MOST_LINES} more`);
  const longest = Math.max(2, ...shown.flatMap(line => line.match(/`+/g) ?? []).map(run => run.length));
  const fence = '`'.repeat(longest + 1);
  return `**${title}**\n\n${fence}text\n${shown.join('\n')}\n${fence}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
