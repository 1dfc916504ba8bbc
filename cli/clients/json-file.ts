import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { type Problem, problem } from '../../schema/index.ts';

/** A byte order mark, which some editors write. */
const BOM = /^\ufeff/;

/**
 * Read JSON as the clients do: comments and trailing commas are allowed, an empty file is an empty object.
 * @returns the object, or CLIENT_FILE_INVALID with the place
 */
export function readJsonObject(text: string, file: string): Record<string, unknown> | { problem: Problem } {
  const body = text.replace(BOM, '');
  if (body.trim() === '') return {};
  const errors: ParseError[] = [];
  const value: unknown = parse(body, errors, { allowTrailingComma: true, disallowComments: false });
  const [error] = errors;
  if (error) {
    const why = printParseErrorCode(error.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    return {
      problem: problem('CLIENT_FILE_INVALID', `not valid JSON: ${why}`, { at: position(body, error.offset, file) }),
    };
  }
  if (isRecord(value)) return value;
  return { problem: problem('CLIENT_FILE_INVALID', 'not a JSON object', { at: { file } }) };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function position(text: string, offset: number, file: string) {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { file, line, column: offset - before.lastIndexOf('\n') };
}
