import type { Body } from './check-prompt.ts';
import { checkValue } from './check-value.ts';
import { contentDigest } from './digest.ts';
import { checkHooks } from './hook-rules.ts';
import { issueProblems, type Located, problemAt } from './issues.ts';
import { envelope } from './kinds/envelope.ts';
import { ClaudeCodeFrontMatter, PortableFrontMatter, SkillFile } from './kinds/skill.ts';
import type { Declared } from './layout.ts';
import { isMapping } from './mapping.ts';
import { compareProblems, type Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { checkEnvelope, type EnvelopeReader, type Outcome } from './read-envelope.ts';
import { skillReferences } from './references.ts';
import type { Place, SkillExtras } from './resource.ts';

const NO_EXTRAS = SkillFile.parse({});

/**
 * Check a bundle's `SKILL.md`. What it declares is complete only with `skill.yaml` and the other files (`assemble`).
 * @returns besides the outcome, what the profile `portable` finds wrong beyond it
 */
export function checkSkill(
  declared: Declared,
  located: Located,
  body: Body,
  file: string,
): Outcome<'Skill'> & { portable: Problem[] } {
  const written = located.document.value ?? {};
  const problems = [
    ...frontMatterProblems(ClaudeCodeFrontMatter, written, located),
    ...nameProblems(declared, located),
  ];
  const portable = frontMatterProblems(PortableFrontMatter, written, located).filter(
    one => !problems.some(other => compareProblems(one, other) === 0),
  );
  const parsed = checkValue(ClaudeCodeFrontMatter, written);
  if (!parsed.success || problems.length > 0) return { problems, portable };
  const { description } = parsed.data;
  const { scope, name, id } = declared;
  const content = body.text;
  return {
    resource: {
      id,
      kind: 'Skill',
      scope,
      name,
      metadata: { labels: {}, annotations: {}, ...(description !== undefined && { description }) },
      spec: { ...NO_EXTRAS, frontMatter: parsed.data, content, files: [] },
      file,
      digest: contentDigest({ frontMatter: written, content }),
      references: [],
    },
    problems,
    portable,
  };
}

function frontMatterProblems(
  schema: typeof PortableFrontMatter | typeof ClaudeCodeFrontMatter,
  written: unknown,
  located: Located,
): Problem[] {
  const parsed = checkValue(schema, written);
  return parsed.success ? [] : issueProblems(parsed.error.issues, schema, located);
}

function nameProblems(declared: Declared, located: Located): Problem[] {
  const { value } = located.document;
  const name = isMapping(value) ? value.name : undefined;
  if (typeof name !== 'string' || name === declared.name) return [];
  const message = `\`name\` is ${quoted(name)}, but the folder is \`${declared.name}\``;
  return [
    problemAt(
      located,
      ['name'],
      message,
      `Write \`name: ${declared.name}\`, or rename the folder.`,
      'IDENTITY_MISMATCH',
    ),
  ];
}

// Whatever the kind of `Specs.Skill`, this file has only the part of it that stands here.
const extrasReader = { schema: envelope(SkillFile), rules: checkHooks } as unknown as EnvelopeReader<'Skill'>;

/** Check a bundle's `skill.yaml`. @param name the folder's, which it may repeat */
export function checkExtras(declared: Declared, located: Located, file: string): SkillExtras {
  const { resource, problems } = checkEnvelope('Skill', extrasReader, declared, located, file);
  const places: Record<string, Place> = {};
  if (!resource) return { places, problems };
  const spec: SkillFile = resource.spec;
  const locate = (path: readonly PropertyKey[]) => {
    const { file: where, line = 1, column = 1 } = located.source.position(located.document.offset(path));
    return { file: where, line, column };
  };
  for (const [field, value] of Object.entries(spec)) {
    const { line, column } = locate(['spec', field]);
    places[field] = [line, column];
    for (const index of Array.isArray(value) ? value.keys() : []) {
      const at = locate(['spec', field, index, 'name']);
      places[`${field}.${index}`] = [at.line, at.column];
    }
  }
  return {
    declared: { metadata: resource.metadata, spec, references: skillReferences(spec, locate) },
    places,
    problems,
  };
}
