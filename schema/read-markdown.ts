import type { z } from 'zod';
import { type Body, checkPromptArguments } from './check-prompt.ts';
import { checkValue } from './check-value.ts';
import { contentDigest } from './digest.ts';
import { issueProblems, type Located } from './issues.ts';
import { Personality, Prompt } from './kinds/index.ts';
import type { Declared } from './layout.ts';
import { type Problem, problem } from './problem.ts';
import { idleFields, type Outcome } from './read-envelope.ts';
import type { Resource, Specs } from './resource.ts';

/** Kinds whose file is front matter and the Markdown that becomes `spec.content`, unchanged. */
export type MarkdownKind = 'Prompt' | 'Personality';

type FrontMatter<K extends MarkdownKind> = Omit<Specs[K], 'content'>;

interface MarkdownReader<K extends MarkdownKind> {
  /** What a person writes between the delimiters. */
  schema: z.ZodType<FrontMatter<K>>;
  /** Words for messages. */
  noun: string;
  rules?: (written: unknown, body: Body, located: Located) => Problem[];
  spec(frontMatter: FrontMatter<K>, content: string): Specs[K];
  /** Fields that are valid, but that nothing acts on yet. */
  notActedOn?: (frontMatter: FrontMatter<K>) => readonly string[];
}

const readers: { [K in MarkdownKind]: MarkdownReader<K> } = {
  Prompt: {
    schema: Prompt.omit({ content: true }),
    noun: 'prompt',
    rules: (written, body, located) => checkPromptArguments(Reflect.get(Object(written), 'arguments'), body, located),
    spec: (frontMatter, content) => ({ ...frontMatter, content }),
    notActedOn: ({ priority, tags, summary, link }) =>
      Object.entries({ priority, tags: tags[0], summary, link }).flatMap(([field, is]) =>
        is === undefined ? [] : field,
      ),
  },
  Personality: {
    schema: Personality.omit({ content: true }),
    noun: 'personality',
    spec: (frontMatter, content) => ({ ...frontMatter, content }),
  },
};

/**
 * Check a Markdown resource: its front matter (`located`'s document, in which nothing may stand) and its text.
 * @param file the resource's own file; `located` may be another one's, a patch's
 */
export function checkMarkdown<K extends MarkdownKind>(
  kind: K,
  declared: Declared,
  located: Located,
  body: Body,
  file: string,
): Outcome<K> {
  const { schema, noun, rules, spec, notActedOn } = readers[kind];
  const written = located.document.value ?? {};
  const parsed = checkValue(schema, written);
  const problems: Problem[] = parsed.success ? [] : issueProblems(parsed.error.issues, schema, located);
  problems.push(...(rules?.(written, body, located) ?? []));
  if (body.text.trim() === '') {
    problems.push(problem('FIELD_INVALID', `the ${noun} has no text`, { at: located.source.position(body.offset) }));
  }
  if (!parsed.success || problems.some(({ severity }) => severity === 'error')) return { problems };

  const idle = notActedOn?.(parsed.data) ?? [];
  if (idle.length > 0) problems.push(idleFields(idle, located, []));
  const { description, labels = {} } = parsed.data;
  const { scope, name, id } = declared;
  const resource: Resource<K> = {
    id,
    kind,
    scope,
    name,
    metadata: { labels, annotations: {}, ...(description !== undefined && { description }) },
    spec: spec(parsed.data, body.text),
    file,
    digest: contentDigest({ frontMatter: written, content: body.text }),
    references: [],
  };
  return { resource, problems };
}
