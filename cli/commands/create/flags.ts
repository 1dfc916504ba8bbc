import type { Command } from 'commander';
import type { Kind, KindRow } from '../../../schema/index.ts';

/** What `create` was told besides the name. Flags of other kinds are left out; those that may be repeated are lists. */
export interface CreateFlags {
  description?: string;
  label?: string[];
  annotation?: string[];
  set?: string[];
  // Server
  transport?: string;
  package?: string;
  command?: string[];
  image?: string;
  url?: string;
  arg?: string[];
  env?: string[];
  envFromSecret?: string[];
  header?: string[];
  headerFromSecret?: string[];
  port?: string;
  replicas?: string;
  fromTemplate?: string;
  // Prompt, Personality, Skill
  title?: string;
  content?: string;
  contentFile?: string;
  priority?: string;
  link?: string;
  tag?: string[];
  filesDir?: string;
  metadataFile?: string;
  // Project
  server?: string[];
  prompt?: string[];
  skill?: string[];
  instructions?: string;
  gated?: boolean;
  // Secret
  fromEnv?: string[];
  fromFile?: string[];
  generate?: string[];
}

/** Add the flags for a kind's common fields; every other field is given with `--set`. */
export function kindFlags(command: Command, { kind, form }: KindRow): Command {
  command.option('--description <text>', 'what it is for');
  if (form !== 'bundle') list(command, '--label <key=value>', 'a label; may be repeated');
  if (form === 'yaml' || form === 'folder') list(command, '--annotation <key=value>', 'an annotation; may be repeated');
  if (form === 'markdown' || form === 'bundle') textFlags(command);
  flagsOf[kind]?.(command);
  const set = kind === 'Server' ? 'a field of spec, or with --from-template a parameter' : 'a field of spec';
  return list(command, '--set <field=value>', `${set}, such as \`a.b=c\`; may be repeated`);
}

/** What follows `mcpctl create KIND` in its help. */
export function exampleOf({ kind, scopes }: KindRow): string {
  const scope = scopes.includes('global') ? '' : ' -A helper';
  return `${examples[kind] ?? 'x'}${scope}`;
}

function list(command: Command, flags: string, description: string): Command {
  return command.option(flags, description, (value: string, before: string[] = []) => [...before, value]);
}

function textFlags(command: Command): void {
  command
    .option('--content <text>', 'its text, as Markdown')
    .option('--content-file <file>', 'the file that has its text; - for standard input');
}

const flagsOf: Partial<Record<Kind, (command: Command) => void>> = {
  Server(command) {
    command
      .argument('[command...]', 'after `--`: the command that is the server, with its arguments')
      .option('--from-template <name>', 'copy this Template; --set gives its parameters')
      .option('--transport <transport>', 'stdio, streamable-http or sse (default: stdio; with --url streamable-http)')
      .option('--package <name@version>', 'a package of npm, in one exact version; `pypi:NAME@VERSION` for one of PyPI')
      .option('--image <image>', 'a container image, `name@sha256:…`')
      .option('--url <url>', 'a server that runs elsewhere');
    list(command, '--arg <text>', 'a further argument of the package or image; may be repeated');
    list(command, '--env <name=value>', 'a variable of its environment; may be repeated');
    list(
      command,
      '--env-from-secret <name=secret/key>',
      'a variable that a Secret has, or all of its keys: `SECRET`; may be repeated',
    );
    list(command, '--header <name=value>', 'a header sent to --url; may be repeated');
    list(command, '--header-from-secret <name=secret/key>', 'a header that a Secret has; may be repeated');
    command
      .option('--port <number>', 'where it listens (default: any free one)')
      .option('--replicas <number>', 'how many instances run (default: 1)');
  },
  Prompt(command) {
    command.option('--title <text>', 'its name as people read it');
    list(command, '--arg <name[:required][=description]>', 'an argument, used as {{name}}; may be repeated');
    command.option('--priority <number>', '1 to 10').option('--link <url>', 'where more can be read');
    list(command, '--tag <word>', 'a word it can be found by; may be repeated');
  },
  Personality(command) {
    command.option('--title <text>', 'its name as people read it').option('--priority <number>', '1 to 10');
    list(command, '--tag <word>', 'a word it can be found by; may be repeated');
  },
  Skill(command) {
    command
      .option('--files-dir <dir>', 'a folder whose files become the bundle’s')
      .option('--metadata-file <file>', 'what becomes its skill.yaml');
  },
  Project(command) {
    list(command, '--server <name>', 'a server it serves; may be repeated');
    list(command, '--prompt <name>', 'a global prompt it serves; may be repeated');
    list(command, '--skill <name>', 'a global skill it serves; may be repeated');
    command
      .option('--instructions <text>', 'given to clients when they connect')
      .option('--gated', 'clients must say first what they are about to do');
  },
  Secret(command) {
    list(command, '--from-env <key=variable>', 'a value that a variable MCPCTL_SECRET_… has; may be repeated');
    list(command, '--from-file <key=path>', 'a value that a file below ~/.mcpctl/secrets/ has; may be repeated');
    list(command, '--generate <key[=bytes]>', 'a value made up on each machine; may be repeated');
  },
};

const examples: Partial<Record<Kind, string>> = {
  Server: 'files --package @modelcontextprotocol/server-filesystem@2026.8.31 --arg .',
  Template: "files --set 'server={ transport: stdio, command: [node, server.js] }'",
  Prompt: 'greet --content "Greet {{name}}." --arg name:required',
  Skill: 'review --description "Reviews a change" --content-file review.md',
  Project: 'work --server memory --prompt standup',
  Agent: 'helper --set project=work',
  Personality: 'calm --content "You never hurry."',
  Llm: 'small --set provider=anthropic --set model=claude-haiku-4-5',
  Secret: 'tokens --from-env main=MCPCTL_SECRET_MAIN --generate session',
  User: 'ada --set email=ada@example.com',
  Group: "team --set 'members=[{ kind: User, name: ada }]'",
  RoleBinding: "team-views --set role=view --set 'subjects=[{ kind: Group, name: team }]'",
};
