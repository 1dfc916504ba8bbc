import { literalOf, type NamedText, type Piece, type Text } from './imported.ts';
import type { VariableNames } from './names.ts';
import { isSecretName, isSecretValue } from './secret-guess.ts';

/** A value of a Server: a text, or one key of its Secret. */
export type Value = { value: string } | { valueFrom: { secretRef: { name: string; key: string } } };

/** One secret that the import asks for. */
export interface AskedSecret {
  /** The key in the Secret. */
  key: string;
  /** The variable that a person sets. */
  variable: string;
  /** What the value is for, to be shown; for a composed one, how it is made up. */
  use: string;
}

/** Collects what one server needs, and turns texts into values that a Server may hold. */
export interface ValueBuilder {
  /** A variable's or header's value. A secret, or what refers to a variable, becomes a reference to the Secret. */
  named(item: NamedText, what: 'header' | 'variable'): Value;
  /** Arguments. A secret in one becomes a variable of the server, and `$(NAME)` stands in the argument. */
  arguments(texts: readonly Text[]): string[];
  /** Variables made for arguments; to be put before the declared ones. */
  readonly argumentVariables: readonly { name: string; value: Value }[];
  readonly secrets: readonly AskedSecret[];
  readonly notes: readonly string[];
}

/**
 * @param server the Server's name, which is its Secret's name too
 * @param variableNames for the variables that secrets are read from
 */
export function createValueBuilder(server: string, variableNames: VariableNames): ValueBuilder {
  const secrets = new Map<string, AskedSecret>();
  const argumentVariables = new Map<string, Value>();
  const notes: string[] = [];

  const ownVariable = (name: string) => variableNames(`${server}/${name}`, server, name);
  /** What several servers refer to is set once. */
  const sharedVariable = (name: string) => variableNames(name, name);

  function ask(key: string, variable: string, use: string): Value {
    secrets.set(key, { key, variable, use });
    return { valueFrom: { secretRef: { name: server, key } } };
  }

  function named({ name, value }: NamedText, what: 'header' | 'variable'): Value {
    const pieces = value.map(withFallback);
    for (const piece of pieces) if (piece.kind === 'place') placeNote(name, piece.text);
    const text = plain(pieces);
    if (text !== undefined) {
      const isSecret = text !== '' && (isSecretName(name) || isSecretValue(text));
      // Only arguments and variables are expanded (`$(NAME)`).
      if (!isSecret) return { value: what === 'variable' ? escaped(text) : text };
      return ask(keyOf(name), ownVariable(name), `the ${what} \`${name}\``);
    }
    const [only, ...others] = pieces;
    if (only?.kind === 'variable' && others.length === 0) {
      const source = only.name === name ? '' : `, which was taken from \`${only.name}\``;
      return ask(keyOf(name), sharedVariable(only.name), `the ${what} \`${name}\`${source}`);
    }
    const use = `the ${what} \`${name}\` as a whole: ${composition(pieces)}`;
    return ask(keyOf(name), ownVariable(name), use);
  }

  function argument(text: Text, index: number, before: string | undefined): string {
    const label = before ?? `argument ${index + 1}`;
    const pieces = text.map(withFallback);
    const whole = plain(pieces);
    const [, prefix = '', value = ''] = ASSIGNMENT.exec(whole ?? '') ?? [];
    if (whole !== undefined && prefix !== '' && (isSecretName(prefix) || isSecretValue(value))) {
      return `${prefix}=${inVariable(prefix)}`;
    }
    if (whole !== undefined && (isSecretValue(whole) || (before !== undefined && isSecretName(before)))) {
      return inVariable(label);
    }
    // What stands beside a reference can be a secret too, which no part of an argument tells for sure.
    if (pieces.some(piece => piece.kind !== 'variable' && isSecretValue(piece.text))) {
      return inVariable(label, ` as a whole: ${composition(pieces)}`);
    }
    return pieces
      .map(piece => {
        if (piece.kind === 'variable') return `$(${variableFor(piece)})`;
        if (piece.kind === 'place') placeNote(label, piece.text);
        return escaped(piece.text);
      })
      .join('');
  }

  function inVariable(label: string, how = ''): string {
    const first = variableName(label);
    let name = first;
    // Options may be given several times (`--header`).
    for (let number = 2; argumentVariables.has(name); number++) name = `${first}_${number}`;
    argumentVariables.set(name, ask(name, ownVariable(name), `\`${label}\` of its arguments${how}`));
    return `$(${name})`;
  }

  function variableFor(piece: Piece & { kind: 'variable' }): string {
    const name = variableName(piece.name);
    argumentVariables.set(name, ask(name, sharedVariable(piece.name), `\`${piece.name}\` in its arguments`));
    return name;
  }

  /** A default is taken where the value is no secret; else a person has to give the value. */
  function withFallback(piece: Piece): Piece {
    if (piece.kind !== 'variable' || piece.fallback === undefined) return piece;
    if (piece.secret || isSecretName(piece.name) || isSecretValue(piece.fallback)) return piece;
    notes.push(`\`${piece.name}\` is set to its default`);
    return { kind: 'text', text: piece.fallback };
  }

  function placeNote(where: string, place: string): void {
    notes.push(`\`${where}\` names \`${place}\`, which only the client knows: write a path there`);
  }

  return {
    named,
    arguments: texts => texts.map((text, index) => argument(text, index, optionBefore(texts, index))),
    get argumentVariables() {
      return [...argumentVariables].map(([name, value]) => ({ name, value }));
    },
    get secrets() {
      return [...secrets.values()];
    },
    notes,
  };
}

/** `--name=value`, or `NAME=value`. */
const ASSIGNMENT = /^(-{0,2}[A-Za-z][A-Za-z0-9_-]*)=([\s\S]*)$/;

/** The option whose value an argument seems to be. */
function optionBefore(texts: readonly Text[], index: number): string | undefined {
  const before = literalOf(texts[index - 1] ?? []);
  const own = literalOf(texts[index] ?? []);
  return before !== undefined && /^--?[A-Za-z][A-Za-z0-9-]*$/.test(before) && !own?.startsWith('-')
    ? before
    : undefined;
}

/** The text when nothing in it has to be asked for; places stay as they are written. */
function plain(pieces: readonly Piece[]): string | undefined {
  if (pieces.some(piece => piece.kind === 'variable')) return undefined;
  return pieces.map(piece => (piece.kind === 'variable' ? '' : piece.text)).join('');
}

/** Literal parts that cannot be part of a secret: separators, and the words before one. */
const HARMLESS = /^(?:[^A-Za-z0-9]*|(?:Bearer|Basic|Token) |[a-z+]{2,12}:\/\/)$/;

/** How a value is put together; whatever could be part of a secret is left out. */
function composition(pieces: readonly Piece[]): string {
  return pieces
    .map(piece => {
      if (piece.kind === 'variable') return `\${${piece.name}}`;
      return HARMLESS.test(piece.text) ? piece.text : '…';
    })
    .join('');
}

/** Text that `$(NAME)` expansion leaves alone. */
function escaped(text: string): string {
  return text.replace(/\$(?=[$(])/g, '$$$$');
}

function keyOf(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 253);
}

function variableName(text: string): string {
  const name = text
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[0-9]/.test(name) || name === '' ? `ARG_${name}` : name;
}
