import type { Located } from './issues.ts';
import { type Problem, problem } from './problem.ts';
import { promptArguments } from './prompt-arguments.ts';
import { quoted } from './quote.ts';

/** A Markdown file's text, and where it begins in the file. */
export interface Body {
  text: string;
  offset: number;
}

/** A prompt's arguments against their use in its body. @param declared the front matter's `arguments`, as written */
export function checkPromptArguments(declared: unknown, body: Body, located: Located): Problem[] {
  const { source } = located;
  const uses = promptArguments(body.text);
  const names = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, item] of Array.isArray(declared) ? declared.entries() : []) {
    const name: unknown = item?.name;
    if (typeof name !== 'string') continue;
    const at = source.position(located.document.offset(['arguments', index, 'name']));
    if (names.has(name))
      problems.push(problem('FIELD_INVALID', `the argument ${quoted(name)} is declared twice`, { at }));
    else if (!uses.has(name)) {
      const hint = `Use it as \`{{${quoted(name).slice(1, -1)}}}\`, or remove it.`;
      problems.push(
        problem('PROMPT_ARGUMENT_UNUSED', `the body never uses the argument ${quoted(name)}`, { at, hint }),
      );
    }
    names.add(name);
  }
  for (const [name, offset] of uses) {
    if (names.has(name)) continue;
    const at = source.position(body.offset + offset);
    const message = `the body uses ${quoted(`{{${name}}}`)}, which \`arguments\` does not declare`;
    problems.push(problem('PROMPT_ARGUMENT_UNDECLARED', message, { at }));
  }
  return problems;
}
