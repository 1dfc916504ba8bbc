import { literal, literalOf, type NamedText, type Text } from './imported.ts';
import { recogniseContainer } from './recognise-container.ts';

/** What a command line turns out to start. */
export type Recognised =
  | { kind: 'command'; argv: readonly Text[]; unpinned?: { tool: string; package: string; cure: string } }
  | { kind: 'package'; registry: 'npm' | 'pypi'; identifier: string; version: string; args: readonly Text[] }
  | { kind: 'image'; image: string; args: readonly Text[]; env: readonly NamedText[]; left: readonly string[] }
  | { kind: 'url'; transport: 'streamable-http' | 'sse'; url: Text; headers: readonly NamedText[] }
  /** An entry that `mcpctl export` wrote. */
  | { kind: 'gateway' };

const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const EXACT_PYTHON = /^\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev)\d+)*$/;
const NPM_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** Tell package runners, container engines and bridges from programs. @param argv at least the program */
export function recognise(argv: readonly Text[]): Recognised {
  const words = argv.map(literalOf);
  const program = programName(words[0]);
  const [first] = words.slice(1);
  // How npx is started on Windows.
  if (program === 'cmd' && first?.toLowerCase() === '/c' && argv.length > 2) return recognise(argv.slice(2));
  if (program === 'mcpctl' && words.includes('connect')) return { kind: 'gateway' };
  if (program === 'npx' || program === 'bunx') return recogniseNpm(program, argv, 1);
  if (program === 'pnpm' && first === 'dlx') return recogniseNpm('pnpm dlx', argv, 2);
  if (program === 'uvx') return recognisePython('uvx', argv, 1);
  if (program === 'uv' && first === 'tool' && words[2] === 'run') return recognisePython('uv tool run', argv, 3);
  if (program === 'pipx' && first === 'run') return recognisePython('pipx run', argv, 2);
  if ((program === 'docker' || program === 'podman') && first === 'run') {
    return recogniseContainer(argv.slice(2)) ?? { kind: 'command', argv };
  }
  return { kind: 'command', argv };
}

/** The program without folder and Windows' extension. */
function programName(word: string | undefined): string {
  const base = word?.split(/[/\\]/).at(-1) ?? '';
  return base.replace(/\.(?:exe|cmd|bat|ps1)$/i, '').toLowerCase();
}

function recogniseNpm(tool: string, argv: readonly Text[], from: number): Recognised {
  const asIs: Recognised = { kind: 'command', argv };
  let at = from;
  for (; at < argv.length; at++) {
    const word = literalOf(argv[at] ?? []);
    if (word === undefined) return asIs;
    if (!word.startsWith('-')) break;
    // Anything else (`-p`, `--registry`) changes what is run.
    if (!/^(?:-y|--yes|-q|--quiet|--silent|--prefer-offline|--prefer-online|--bun)$/.test(word)) return asIs;
  }
  const spec = literalOf(argv[at] ?? []);
  if (!spec) return asIs;
  const split = spec.lastIndexOf('@');
  const [identifier, version] = split > 0 ? [spec.slice(0, split), spec.slice(split + 1)] : [spec, ''];
  if (!NPM_NAME.test(identifier)) return asIs;
  const args = argv.slice(at + 1);
  if (identifier === 'mcp-remote') return recogniseRemote(args) ?? asIs;
  if (EXACT.test(version)) return { kind: 'package', registry: 'npm', identifier, version, args };
  const cure = `write \`package: {registry: npm, identifier: "${identifier}", version: …}\` with an exact version instead of \`command\`, then \`mcpctl lock\``;
  return { kind: 'command', argv, unpinned: { tool, package: spec, cure } };
}

/** `uvx [--from SPEC] NAME[@VERSION]`; with `--from`, only a package whose program has its own name. */
function recognisePython(tool: string, argv: readonly Text[], from: number): Recognised {
  const asIs: Recognised = { kind: 'command', argv };
  const word = (index: number) => literalOf(argv[index] ?? []);
  const hasSource = word(from) === '--from' || word(from) === '--spec';
  const spec = word(hasSource ? from + 1 : from);
  const at = hasSource ? from + 2 : from;
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:(?:@|==)(.+))?$/.exec(spec ?? '');
  const [, identifier, version = ''] = match ?? [];
  if (identifier === undefined || (hasSource && word(at) !== identifier)) return asIs;
  const args = argv.slice(at + 1);
  if (EXACT_PYTHON.test(version)) return { kind: 'package', registry: 'pypi', identifier, version, args };
  const cure = `write \`package: {registry: pypi, identifier: ${identifier}, version: …}\` with an exact version instead of \`command\``;
  return { kind: 'command', argv, unpinned: { tool, package: spec ?? identifier, cure } };
}

/** `mcp-remote URL [--header "Name: value"]…`: a bridge to an address that mcpctl reaches itself. */
function recogniseRemote(args: readonly Text[]): Recognised | undefined {
  const [url, ...rest] = args;
  if (!url) return undefined;
  const headers: NamedText[] = [];
  let transport: 'streamable-http' | 'sse' = 'streamable-http';
  for (let at = 0; at < rest.length; at++) {
    const word = literalOf(rest[at] ?? []);
    const next = rest[at + 1];
    if (word === '--header' && next) {
      const header = splitHeader(next);
      if (!header) return undefined;
      headers.push(header);
      at++;
    } else if (word === '--transport' && next) {
      if (literalOf(next)?.startsWith('sse')) transport = 'sse';
      at++;
    } else if (word !== '--allow-http' && word !== '--debug' && !/^\d+$/.test(word ?? '')) return undefined;
  }
  return { kind: 'url', transport, url, headers };
}

/** `Name: value` or `Name:value`, as one argument. */
function splitHeader(text: Text): NamedText | undefined {
  const [first, ...rest] = text;
  if (first?.kind !== 'text') return undefined;
  const match = /^([A-Za-z0-9-]+):\s*([\s\S]*)$/.exec(first.text);
  if (!match) return undefined;
  return { name: match[1] ?? '', value: [...literal(match[2] ?? ''), ...rest] };
}
