/** The fenced blocks that name a file. */
export function filesOf(text: string): [path: string, content: string][] {
  return [...text.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, path = '', content = '']) => [
    path,
    content,
  ]);
}

/** The commands of the session, each with its further lines. */
export function commandsOf(text: string): string[] {
  const [, session = ''] = /^```console\n([\s\S]*?)^```$/m.exec(text) ?? [];
  return session
    .split(/^\$ /m)
    .map(command => command.trim())
    .filter(command => command !== '');
}
