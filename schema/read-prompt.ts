import { contentDigest } from './digest.ts';
import { findFrontMatter } from './front-matter.ts';
import { issueProblems, type Located } from './issues.ts';
import { Prompt } from './kinds/index.ts';
import type { Declared } from './layout.ts';
import { type Problem, problem } from './problem.ts';
import type { Outcome } from './read-envelope.ts';
import { checkPromptArguments } from './rules.ts';
import type { Source } from './source.ts';
import { parseYaml } from './yaml.ts';

/** What a person writes between the delimiters; the rest of the file is `content`. */
const FrontMatter = Prompt.omit({ content: true });

/** Read a prompt: front matter, then the Markdown that becomes `spec.content`, unchanged. */
export function readPrompt(declared: Declared, source: Source): Outcome<'Prompt'> {
  const parts = findFrontMatter(source);
  if ('code' in parts) return { problems: [parts] };
  const yaml = parseYaml(source, parts.start, parts.end);
  if ('problems' in yaml) return yaml;
  const located: Located = { source, document: yaml.document };
  // Front matter with nothing in it is a prompt of which nothing more is said.
  const written = yaml.document.value ?? {};
  const content = source.text.slice(parts.body);
  const parsed = FrontMatter.safeParse(written);
  const problems: Problem[] = parsed.success ? [] : issueProblems(parsed.error.issues, FrontMatter, located);
  problems.push(...checkPromptArguments(Reflect.get(Object(written), 'arguments'), parts.body, located));
  if (content.trim() === '') {
    problems.push(problem('FIELD_INVALID', 'the prompt has no text', { at: source.position(parts.body) }));
  }
  if (!parsed.success || problems.some(({ severity }) => severity === 'error')) return { problems };

  const { description } = parsed.data;
  const { scope, name, id } = declared;
  return {
    resource: {
      id,
      kind: 'Prompt',
      scope,
      name,
      metadata: { labels: {}, annotations: {}, ...(description !== undefined && { description }) },
      spec: { ...parsed.data, content },
      file: source.file,
      digest: contentDigest({ frontMatter: written, content }),
      references: [],
    },
    problems,
  };
}
