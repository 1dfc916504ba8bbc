import { literal, type Piece, type Text } from './imported.ts';

/** How a client writes references in its file. */
export type Dialect = 'claude-code' | 'cursor' | 'vscode' | 'gemini' | 'none';

/** Turns what the pattern matched into a piece. */
type Reader = (match: RegExpExecArray) => Piece;

const PLACES = /^(?:HOME|USERPROFILE|PWD|CLAUDE_PROJECT_DIR|CLAUDE_PLUGIN_ROOT)$/;

const dialects: Record<Exclude<Dialect, 'none'>, { pattern: RegExp; read: Reader }> = {
  // `${VAR}` and `${VAR:-default}`; a bare `$VAR` is literal.
  'claude-code': {
    pattern: /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    read: ([whole, name = '', fallback]) => variable(whole, name, fallback),
  },
  // `${env:NAME}`; `${userHome}`, `${workspaceFolder}`, `${workspaceFolderBasename}`, `${pathSeparator}`, `${/}`.
  cursor: {
    pattern: /\$\{(?:env:([A-Za-z_][A-Za-z0-9_]*)|[A-Za-z/][A-Za-z]*)\}/g,
    read: ([whole, name]) => (name === undefined ? { kind: 'place', text: whole } : variable(whole, name)),
  },
  // `${input:id}`, `${env:NAME}`, and VS Code's other variables (`${workspaceFolder}`, `${config:…}`, `${command:…}`).
  vscode: {
    pattern: /\$\{(?:(input|env):([^}]+)|[A-Za-z/][^}]*)\}/g,
    read: ([whole, source, name = '']) => {
      if (source === undefined) return { kind: 'place', text: whole };
      return source === 'env' ? variable(whole, name) : { kind: 'variable', name };
    },
  },
  // `$VAR`, `${VAR}` and `${VAR:-default}`.
  gemini: {
    pattern: /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    read: ([whole, braced, fallback, bare = '']) => variable(whole, braced ?? bare, fallback),
  },
};

/** Split a text of a client's file into what is literal and what refers to something. */
export function readText(text: string, dialect: Dialect): Text {
  if (dialect === 'none') return literal(text);
  const { pattern, read } = dialects[dialect];
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    pieces.push(...literal(text.slice(end, match.index)), read(match));
    end = match.index + match[0].length;
  }
  return [...pieces, ...literal(text.slice(end))];
}

function variable(whole: string, name: string, fallback?: string): Piece {
  if (PLACES.test(name)) return { kind: 'place', text: whole };
  return { kind: 'variable', name, ...(fallback !== undefined && { fallback }) };
}
