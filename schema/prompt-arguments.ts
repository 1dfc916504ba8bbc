/** `{{name}}`, blanks inside the braces allowed. Anything else in double braces is plain text. */
const placeholder = /\{\{[ \t]*([A-Za-z_][A-Za-z0-9_-]{0,63})[ \t]*\}\}/g;

/** The arguments that a prompt's text uses, in order, each with the offset of its first use. */
export function promptArguments(content: string): Map<string, number> {
  const uses = new Map<string, number>();
  for (const match of content.matchAll(placeholder)) {
    const [, name = ''] = match;
    if (!uses.has(name)) uses.set(name, match.index);
  }
  return uses;
}

/** A prompt's text with its arguments filled in; one that is not given becomes empty. What is filled in is not read again. */
export function renderPrompt(content: string, given: Readonly<Record<string, string>>): string {
  return content.replace(placeholder, (_match, name: string) =>
    Object.hasOwn(given, name) ? (given[name] ?? '') : '',
  );
}
