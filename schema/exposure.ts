/** What a project says of the tools of its servers. */
export interface Exposure {
  expose?: readonly string[] | undefined;
  hide: readonly string[];
}

/**
 * The pattern of a project that decides over a tool, or undefined where none does: then it is served unless `expose`
 * lists others only. `hide` wins over `expose`.
 * @param tool `<server>__<tool>`
 */
export function hiddenBy(project: Pick<Exposure, 'hide'>, tool: string): string | undefined {
  return project.hide.find(pattern => matches(pattern, tool));
}

/** Whether a project's clients see a tool. @param tool `<server>__<tool>` */
export function isExposed(project: Exposure, tool: string): boolean {
  if (hiddenBy(project, tool) !== undefined) return false;
  return project.expose === undefined || project.expose.some(pattern => matches(pattern, tool));
}

/** `*` stands for any characters. Linear: the parts between the stars are looked for one after the other. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
