import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Desk } from '../../reconciler/index.ts';
import { ProblemError, type ResourceDocument } from '../../schema/index.ts';

const Name = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/)
  .describe('Lower-case letters, digits and `-`');
const Reason = z.string().min(1).max(4096).describe('Why it is needed, for the person who reviews it');
const Amend = z.string().max(200).optional().describe('The proposal to change, when it was proposed before');

const PromptWish = z.strictObject({
  name: Name,
  title: z.string().max(256).optional().describe('What people see'),
  description: z.string().max(1024).optional().describe('What it is for'),
  content: z.string().min(1).max(500_000).describe('The text; `{{argument}}` stands for an argument'),
  arguments: z
    .array(
      z.strictObject({
        name: z.string().max(63),
        description: z.string().max(1024).optional(),
        required: z.boolean().optional(),
      }),
    )
    .max(64)
    .optional(),
  reason: Reason,
  amend: Amend,
});

const SkillWish = z.strictObject({
  name: Name,
  description: z.string().min(1).max(1024).describe('What it does, and when to use it'),
  content: z.string().min(1).max(500_000).describe('The text of SKILL.md, without front matter'),
  files: z
    .array(z.strictObject({ path: z.string().min(1).max(512), content: z.string().max(500_000) }))
    .max(100)
    .optional()
    .describe('Further text files of the skill, by their path in it'),
  reason: Reason,
  amend: Amend,
});

/** The tools that a project with `proposals: true` offers of its own. */
export const proposalTools = [
  tool(
    'propose_prompt',
    'Propose a new or changed prompt of this project. A person reviews it before it is used.',
    PromptWish,
  ),
  tool(
    'propose_skill',
    'Propose a new or changed skill of this project. A person reviews it before it is used.',
    SkillWish,
  ),
];

function tool(name: string, description: string, input: z.ZodType) {
  return { name, description, inputSchema: z.toJSONSchema(input, { io: 'input' }) };
}

/**
 * Take a proposal of an AI session. It becomes a branch for people to review, and nothing else.
 * @param session what tells one session from another
 * @returns a tool's result; what is wrong with the proposal is one with `isError`
 * @throws ProtocolError for arguments that are not the tool's
 */
export async function callProposalTool(
  desk: Desk,
  project: string,
  name: string,
  given: unknown,
  session: string,
): Promise<Record<string, unknown>> {
  const wish = name === 'propose_prompt' ? promptWish(project, given) : skillWish(project, given);
  try {
    const { introduced, published } = await desk.propose({ ...wish, session });
    if (!published) return failed(introduced.map(({ message, hint }) => `${message} (${hint})`).join('\n'));
    const { id, url, others } = published;
    const known = others.length === 0 ? '' : ` Others about the same: ${others.map(one => one.id).join(', ')}.`;
    const text = `Proposed as ${id}${url === undefined ? '' : ` (${url})`}. A person has to approve it before it is used.${known}`;
    return { content: [{ type: 'text', text }], structuredContent: { id, ...(url !== undefined && { url }) } };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return failed(`${error.problem.message} (${error.problem.hint})`);
  }
}

function promptWish(project: string, given: unknown) {
  const { name, title, description, content, arguments: declared, reason, amend } = parsed(PromptWish, given);
  const spec = { ...(title !== undefined && { title }), ...(declared && { arguments: declared }), content };
  return { ...wishFor('Prompt', project, name, description, spec), reason, ...(amend !== undefined && { amend }) };
}

function skillWish(project: string, given: unknown) {
  const { name, description, content, files = [], reason, amend } = parsed(SkillWish, given);
  const bundle = files.map(file => ({
    path: file.path,
    mode: '100644',
    content: Buffer.from(file.content).toString('base64'),
  }));
  const spec = { content, ...(bundle.length > 0 && { files: bundle }) };
  return { ...wishFor('Skill', project, name, description, spec), reason, ...(amend !== undefined && { amend }) };
}

function wishFor(
  kind: 'Prompt' | 'Skill',
  project: string,
  name: string,
  description: string | undefined,
  spec: Record<string, unknown>,
): { title: string; documents: ResourceDocument[] } {
  const metadata = { name, project, ...(description !== undefined && { description }) };
  return {
    title: `${kind} ${name} for project ${project}`,
    documents: [{ apiVersion: 'mcpctl.dev/v1', kind, metadata, spec }],
  };
}

function parsed<T>(schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given ?? {});
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const where = first?.path.join('.');
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `${where || 'arguments'}: ${first?.message ?? 'not understood'}`,
  );
}

function failed(text: string): Record<string, unknown> {
  return { content: [{ type: 'text', text: `Nothing was proposed: ${text}` }], isError: true };
}
