import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { ServedPrompt } from '../../reconciler/index.ts';
import { renderPrompt } from '../../schema/index.ts';

/** A project's own prompt as `prompts/list` shows it. */
export function describePrompt({ name, spec }: ServedPrompt) {
  const { title, description } = spec;
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    arguments: spec.arguments.map(argument => ({
      name: argument.name,
      ...(argument.description !== undefined && { description: argument.description }),
      required: argument.required,
    })),
  };
}

/**
 * A project's own prompt with its arguments filled in, as `prompts/get` answers it.
 * Throws a ProtocolError (invalid params) for a required argument that is missing and for values that are no text.
 */
export function fillPrompt({ name, spec }: ServedPrompt, given: unknown) {
  const values: Record<string, string> = {};
  const passed = (given ?? {}) as Record<string, unknown>;
  for (const { name: argument, required } of spec.arguments) {
    const value = Object.hasOwn(passed, argument) ? passed[argument] : undefined;
    if (value === undefined && required) throw invalid(`Prompt ${name} needs the argument ${argument}`);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw invalid(`The argument ${argument} has to be text`);
    values[argument] = value;
  }
  return {
    ...(spec.description !== undefined && { description: spec.description }),
    messages: [{ role: 'user', content: { type: 'text', text: renderPrompt(spec.content, values) } }],
  };
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
