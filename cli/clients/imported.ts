import type { Problem } from '../../schema/index.ts';

/**
 * A part of a text in a client's file: literal, a reference to a variable that somebody sets, or a word for a place
 * that only the client knows (`${workspaceFolder}`).
 */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'variable'; name: string; fallback?: string; secret?: boolean }
  | { kind: 'place'; text: string };

export type Text = readonly Piece[];

export interface NamedText {
  name: string;
  value: Text;
}

/** A server as one of the clients declares it, in terms that all of them share. */
export interface ImportedServer {
  /** As the file has it. */
  name: string;
  description?: string;
  /** What starts it, or where it is; `package` and `image` come from the registry's server.json only. */
  start:
    | { kind: 'command'; argv: readonly Text[]; cwd?: Text }
    | { kind: 'url'; transport: 'streamable-http' | 'sse'; url: Text }
    | { kind: 'package'; registry: string; identifier: string; version: string; args: readonly Text[] }
    | { kind: 'image'; image: string; args: readonly Text[] };
  env: readonly NamedText[];
  headers: readonly NamedText[];
  /** Switched off in the client. */
  disabled: boolean;
  /** What has no place in a Server, each as a sentence without its full stop; never a value. */
  left: readonly string[];
}

/** What a client's file declares, and what of it could not be understood. */
export interface Parsed {
  servers: ImportedServer[];
  problems: Problem[];
}

/** A text without references. */
export function literal(text: string): Text {
  return text === '' ? [] : [{ kind: 'text', text }];
}

/** The text, when it refers to nothing. */
export function literalOf(text: Text): string | undefined {
  let result = '';
  for (const piece of text) {
    if (piece.kind !== 'text') return undefined;
    result += piece.text;
  }
  return result;
}
