import { z } from 'zod';
import { DnsLabel } from './names.ts';

const Name = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'not a skill name: lower-case letters, digits and single `-` between them');

/** The six keys of the Agent Skills specification, and no other. */
export const PortableFrontMatter = z.strictObject({
  name: Name.describe('The folder’s own name'),
  description: z.string().min(1).max(1024).describe('What the skill does, and when to use it'),
  license: z.string().max(1024).optional().describe('Its licence, or the bundled file that has it'),
  compatibility: z.string().min(1).max(500).optional().describe('What it needs of its surroundings'),
  metadata: z.record(z.string().max(256), z.string().max(4096)).optional().describe('Further facts: text by text'),
  'allowed-tools': z.string().max(4096).optional().describe('Tools it may use without asking, separated by blanks'),
});

const Words = z.union([z.string().max(8192), z.array(z.string().max(1024)).max(256)]);

/** The six keys as Claude Code takes them, and its own besides. */
export const ClaudeCodeFrontMatter = z.strictObject({
  ...PortableFrontMatter.shape,
  name: Name.optional().describe('The folder’s own name'),
  description: z.string().min(1).max(1536).optional().describe('What the skill does, and when to use it'),
  'allowed-tools': Words.optional().describe('Tools it may use without asking: a list, or separated by blanks'),
  'disallowed-tools': Words.optional().describe('Tools it may not use'),
  when_to_use: z.string().max(1536).optional().describe('More on when to use it'),
  'argument-hint': z.string().max(256).optional().describe('What is shown after its name while one types'),
  arguments: Words.optional().describe('Names of its positional arguments'),
  'disable-model-invocation': z.boolean().optional().describe('Only people start it'),
  'user-invocable': z.boolean().optional().describe('Whether people are offered it by name'),
  model: z.string().max(256).optional().describe('The model that runs it'),
  effort: z.string().max(32).optional().describe('How hard that model thinks'),
  context: z.enum(['fork']).optional().describe('`fork` runs it in a context of its own'),
  agent: z.string().max(256).optional().describe('The subagent that runs it, with `context: fork`'),
  hooks: z.record(z.string().max(64), z.json()).optional().describe('Claude Code’s hooks while it is active'),
  paths: Words.optional().describe('Only for files that match these patterns'),
  shell: z.enum(['bash', 'powershell']).optional().describe('The shell for its inline commands'),
});

/** A path inside the bundle: relative, without `.` and `..`. */
const BundlePath = z
  .string()
  .max(1024)
  .regex(/^(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*$/, 'not a path inside the bundle');

/** One handler of an event, as Claude Code takes it. Which field belongs to which type is one of the rules. */
const Hook = z.strictObject({
  matcher: z.string().max(1024).optional().describe('Which tools, sources or the like it is for; left out, all'),
  type: z
    .enum(['command', 'prompt', 'agent', 'http', 'mcp_tool'])
    .default('command')
    .describe('What handles the event: a program, a model, an agent, an address, a tool of an MCP server'),
  command: z.string().min(1).max(4096).optional().describe('With `command`: what is run'),
  args: z.array(z.string().max(4096)).max(64).optional().describe('With `command`: arguments; no shell reads it then'),
  shell: z.enum(['bash', 'powershell']).optional().describe('With `command`: the shell that reads it'),
  async: z.boolean().optional().describe('With `command`: nothing waits for it'),
  asyncRewake: z.boolean().optional().describe('With `command`: nothing waits for it, but exit code 2 wakes the model'),
  prompt: z.string().min(1).max(16_384).optional().describe('With `prompt` and `agent`: what is asked'),
  model: z.string().min(1).max(256).optional().describe('With `prompt` and `agent`: the model that is asked'),
  continueOnBlock: z.boolean().optional().describe('With `prompt`: the turn goes on when the answer is no'),
  url: z.string().max(2048).optional().describe('With `http`: where the event is posted to'),
  headers: z.record(z.string().max(256), z.string().max(4096)).optional().describe('With `http`: further headers'),
  allowedEnvVars: z.array(z.string().max(256)).max(64).optional().describe('With `http`: variables headers may name'),
  server: z.string().min(1).max(256).optional().describe('With `mcp_tool`: a server that the client has'),
  tool: z.string().min(1).max(256).optional().describe('With `mcp_tool`: its tool that is called'),
  input: z.record(z.string().max(256), z.json()).optional().describe('With `mcp_tool`: the tool’s arguments'),
  onFailure: z
    .enum(['continue', 'block'])
    .optional()
    .describe('With `http` and `mcp_tool`: whether a failure blocks what the event guards'),
  if: z.string().min(1).max(1024).optional().describe('Only for calls that this permission rule matches'),
  timeout: z.number().positive().max(3600).optional().describe('Seconds until it is ended'),
  statusMessage: z.string().max(256).optional().describe('What is shown while it runs'),
  once: z.boolean().optional().describe('Only the first time in a session'),
});
export type Hook = z.infer<typeof Hook>;

/** `skill.yaml`: what the Agent Skills front matter has no room for. */
export const SkillFile = z.strictObject({
  profile: z
    .enum(['portable', 'claude-code'])
    .default('portable')
    .describe('Which front matter `SKILL.md` may have: the specification’s six keys, or Claude Code’s too'),
  hooks: z
    .record(z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'not an event such as PostToolUse'), z.array(Hook).min(1).max(64))
    .default({})
    .describe('Client hooks that come with it: event → what is run'),
  mcpServers: z
    .array(
      z.strictObject({
        name: DnsLabel.describe('The Server it needs'),
        fromTemplate: DnsLabel.optional().describe('The Template such a server is made from'),
        project: DnsLabel.optional().describe('Only for this project; left out, for every project that has the skill'),
      }),
    )
    .max(64)
    .default([])
    .describe('Servers that a project gets together with the skill'),
  postInstall: BundlePath.optional().describe('File of the bundle that is run after it was installed'),
  preUninstall: BundlePath.optional().describe('File of the bundle that is run before it is removed'),
  postInstallTimeoutSec: z.int().min(1).max(3600).default(60).describe('Seconds until `postInstall` is ended'),
  priority: z.int().min(1).max(10).optional().describe('1 to 10; the higher, the earlier it is offered'),
});
export type SkillFile = z.infer<typeof SkillFile>;

const BundleFile = z.strictObject({
  path: BundlePath.describe('Below the skill’s folder'),
  oid: z.string().describe('git’s id of its content'),
  mode: z.enum(['100644', '100755']).describe('git’s mode'),
  size: z.int().min(0).describe('Bytes'),
  sha256: z.string().describe('sha256 of its content, in hex'),
});
export type BundleFile = z.infer<typeof BundleFile>;

/** A whole bundle: `SKILL.md`, `skill.yaml`, and every file of the folder with its mode, size and digest. */
export const Skill = z.strictObject({
  ...SkillFile.shape,
  frontMatter: ClaudeCodeFrontMatter.describe('The front matter of `SKILL.md`'),
  content: z.string().describe('The text of `SKILL.md`, as Markdown'),
  files: z.array(BundleFile).describe('Every file of the bundle, sorted by path; `SKILL.md` and `skill.yaml` too'),
});
export type Skill = z.infer<typeof Skill>;
