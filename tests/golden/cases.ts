import type { Files } from '../temp-repository.ts';

/** One run of the command line, in a fresh copy of the golden repository. */
export interface GoldenCase {
  /** The golden file's name; its first part is the command's. */
  name: string;
  argv: readonly string[];
  /** Written or removed before it runs. */
  files?: Files;
  /** Run first, in the same copy; their output is not shown. */
  before?: readonly (readonly string[])[];
  stdin?: string;
  env?: Readonly<Record<string, string>>;
  /** Needs the daemon that has the repository in service. */
  daemon?: true;
  /** Run beside the repository, not in it. */
  outside?: true;
  /** Another home than the one that the daemon is known in. */
  freshHome?: true;
}

const json = ['-o', 'json'];
const identity = {
  GIT_AUTHOR_NAME: 'Example',
  GIT_AUTHOR_EMAIL: 'example@example.com',
  GIT_COMMITTER_NAME: 'Example',
  GIT_COMMITTER_EMAIL: 'example@example.com',
};

/** The same in each format: `get` becomes `get` and `get-json`. */
function both(one: GoldenCase, ...more: readonly string[][]): GoldenCase[] {
  const formats = more.length > 0 ? more : [json];
  return [
    one,
    ...formats.map(format => ({ ...one, name: `${one.name}-${format.at(-1)}`, argv: [...one.argv, ...format] })),
  ];
}

const wrong: Files = {
  'servers/wrong.yaml':
    'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  comand: [node]\n  replicas: many\n',
};
const client = {
  'client.json': JSON.stringify({
    mcpServers: {
      notes: {
        command: 'npx',
        args: ['-y', '@example/notes@1.2.3'],
        env: { NOTES_TOKEN: 'ntn_0123456789abcdef0123456789abcdef' },
      },
      docs: { type: 'http', url: 'https://docs.example.com/mcp' },
    },
  }),
};
const prompt =
  'apiVersion: mcpctl.dev/v1\nkind: Prompt\nmetadata: { name: ask }\nspec:\n  title: Ask\n  content: |\n    Ask.\n';

const look: GoldenCase[] = [
  {
    name: 'bootstrap',
    argv: ['bootstrap', 'kubernetes', 'https://git.example.com/ai.git', '--image', 'example.com/mcpctl:1', '--dry-run'],
  },
  { name: 'bootstrap-no-repository', argv: ['bootstrap', 'kubernetes'] },
  ...both({ name: 'validate', argv: ['validate'] }),
  ...both({ name: 'validate-broken', argv: ['validate'], files: wrong }),
  { name: 'validate-staged', argv: ['validate', '--staged', '--quiet'], files: wrong },
  ...both({ name: 'plan', argv: ['plan'] }),
  ...both({ name: 'plan-between', argv: ['plan', '--from', 'HEAD~1', '--to', 'HEAD'] }),
  { name: 'plan-exit-code', argv: ['plan', '--exit-code'], files: { 'servers/idle.yaml': null } },
  ...both({ name: 'plan-environment', argv: ['plan', '--env', 'prod'] }),
  ...both({ name: 'get', argv: ['get', 'servers'] }, ['-o', 'wide'], ['-o', 'json'], ['-o', 'yaml'], ['-o', 'name']),
  { name: 'get-all', argv: ['get', 'all', '--all-scopes'] },
  { name: 'get-selector', argv: ['get', 'servers', '-l', 'team=platform', '-o', 'name'] },
  { name: 'get-project', argv: ['get', 'prompts', '-p', 'demo'] },
  { name: 'get-agent', argv: ['get', 'personalities', '-A', 'helper'] },
  { name: 'get-environment', argv: ['get', 'server', 'idle', '--env', 'prod', '-o', 'yaml'] },
  { name: 'get-at', argv: ['get', 'servers', '--at', 'HEAD~1'], files: { 'servers/idle.yaml': null } },
  { name: 'get-missing', argv: ['get', 'server', 'ecko'] },
  { name: 'get-broken', argv: ['get', 'servers'], files: wrong },
  ...both({ name: 'describe', argv: ['describe', 'server', 'echo'] }),
  ...both({ name: 'describe-skill', argv: ['describe', 'skill', 'review'] }),
  { name: 'describe-missing', argv: ['describe', 'prompt', 'gret'] },
  ...both({ name: 'tree', argv: ['tree'] }),
  ...both({ name: 'explain', argv: ['explain', 'server.healthCheck'] }),
  { name: 'explain-unknown', argv: ['explain', 'server.helthCheck'] },
  ...both({ name: 'why', argv: ['why', 'idle'] }),
  { name: 'why-unknown', argv: ['why', 'nothing'] },
];

const change: GoldenCase[] = [
  { name: 'init', argv: ['init', 'new'], outside: true, env: identity },
  ...both({ name: 'edit', argv: ['edit', 'server', 'idle'], env: { EDITOR: 'sed -i s/idle.js/other.js/' } }),
  ...both({ name: 'delete', argv: ['delete', 'template', 'say'] }),
  { name: 'delete-named', argv: ['delete', 'server', 'echo'] },
  ...both({ name: 'apply', argv: ['apply', '-f', '-'], stdin: prompt }),
  { name: 'apply-wrong', argv: ['apply', '-f', '-'], stdin: prompt.replace('title', 'titel') },
  ...both({ name: 'import', argv: ['import', 'client.json'], files: client }),
  { name: 'lock', argv: ['lock'] },
];

const history: GoldenCase[] = [
  ...both({ name: 'diff', argv: ['diff', '--from', 'HEAD~1', '--to', 'HEAD'] }, json, ['-o', 'name']),
  { name: 'diff-working-tree', argv: ['diff', 'server', 'idle'], files: { 'servers/idle.yaml': null } },
  ...both({ name: 'log', argv: ['log'] }),
  ...both({ name: 'blame', argv: ['blame', 'prompt', 'greet'] }),
  ...both({
    name: 'restore',
    argv: ['restore', 'template', 'say', '--revision', 'HEAD~1'],
    files: { 'templates/say.yaml': null },
  }),
];

const server = ['--transport', 'stdio', '--set', 'command=["node","x.js"]'];
const created: readonly (readonly [kind: string, ...args: string[]])[] = [
  ['server', 'made', ...server, '--env', 'A=1', '--env-from-secret', 'KEY=keys/echo', '--label', 'team=data'],
  ['template', 'made', '--set', 'version=1.0.0', '--set', 'server={"transport":"stdio","command":["node"]}'],
  ['prompt', 'made', '--content', 'Do {{it}}.', '--arg', 'it', '--priority', '7', '--link', 'https://example.com'],
  ['skill', 'made', '--description', 'Made for a test', '--content', '# Made'],
  ['project', 'made', '--server', 'echo', '--prompt', 'greet', '--gated', '--instructions', 'Be brief.'],
  ['agent', 'made', '--set', 'llm=small'],
  ['personality', 'made', '-A', 'helper', '--content', 'Be quick.'],
  ['llm', 'made', '--set', 'provider=openai', '--set', 'model=large'],
  ['secret', 'made', '--generate', 'key'],
  ['secretbackend', 'made', '--set', 'kubernetes={"namespace":"made"}'],
  ['user', 'made', '--set', 'email=made@example.com'],
  ['group', 'made', '--set', 'members=[{"kind":"User","name":"ann"}]'],
  ['serviceaccount', 'made'],
  ['rolebinding', 'made', '--set', 'subjects=[{"kind":"Group","name":"all"}]', '--set', 'role=use'],
  ['mcptoken', 'made', '--set', `hash=sha256:${'1'.repeat(64)}`, '--set', 'owner={"kind":"User","name":"ann"}'],
];

const create: GoldenCase[] = [
  ...created.flatMap(([kind, ...args]) => both({ name: `create-${kind}`, argv: ['create', kind, ...args] })),
  {
    name: 'create-server-from-template',
    argv: ['create', 'server', 'made', '--from-template', 'say', '--set', 'word=hi', '-o', 'yaml'],
  },
  { name: 'create-server-exists', argv: ['create', 'server', 'echo', ...server] },
];

const context = { server: 'https://mcp.example.com' };
const loggedIn = [['login', '--server', context.server, '--token', 'secret', '--name', 'far', '--no-check']];

const setUp: GoldenCase[] = [
  { name: 'login', argv: ['login', '--server', context.server, '--token', 'secret', '--no-check'], freshHome: true },
  ...both(
    { name: 'config-contexts', argv: ['config', 'contexts'], before: loggedIn, freshHome: true },
    ['-o', 'json'],
    ['-o', 'name'],
  ),
  { name: 'config-use-context', argv: ['config', 'use-context', 'far'], before: loggedIn, freshHome: true },
  { name: 'config-use-context-unknown', argv: ['config', 'use-context', 'fra'], before: loggedIn, freshHome: true },
  { name: 'config-delete-context', argv: ['config', 'delete-context', 'far'], before: loggedIn, freshHome: true },
  { name: 'config-claude', argv: ['config', 'claude', '-p', 'demo', '--scope', 'project'], daemon: true },
  { name: 'export', argv: ['export', '-p', 'demo', '--client', 'cursor'], daemon: true },
  { name: 'export-bridge', argv: ['export', '-p', 'demo', '--client', 'codex', '--bridge'], daemon: true },
  ...both({ name: 'uninstall', argv: ['uninstall'], before: loggedIn, freshHome: true }),
  { name: 'completion', argv: ['completion', 'bash'] },
];

const live: GoldenCase[] = [
  ...both({ name: 'status', argv: ['status'], daemon: true }),
  { name: 'status-none', argv: ['status'], freshHome: true },
  ...both({ name: 'describe-live', argv: ['describe', 'server', 'echo'], daemon: true }),
  ...both({ name: 'logs', argv: ['logs', 'echo'], daemon: true }),
  { name: 'logs-unknown', argv: ['logs', 'ecko'], daemon: true },
  ...both({ name: 'why-live', argv: ['why', 'echo__say'], daemon: true }),
];

const usage: GoldenCase[] = [
  { name: 'usage-command', argv: ['valdiate'] },
  { name: 'usage-option', argv: ['get', 'servers', '--outptu', 'json'] },
  { name: 'usage-choice', argv: ['tree', '-o', 'yaml'] },
  { name: 'usage-kind', argv: ['get', 'sevrers'] },
  { name: 'usage-no-repository', argv: ['get', 'servers', '-C', '/'] },
];

export const goldenCases: readonly GoldenCase[] = [
  ...look,
  ...change,
  ...history,
  ...create,
  ...setUp,
  ...live,
  ...usage,
];

/** Commands, or all below one, without a golden output, or without one in JSON, with the reason. */
export const withoutGolden: Readonly<Record<string, string>> = {
  'mcpctl up': 'tests/e2e: what it serves is looked at, not its progress',
  'mcpctl reconcile': 'answers nothing; tests/e2e sees what it brings about',
  'mcpctl suspend': 'answers nothing but that it is done; tests/e2e sees what it brings about',
  'mcpctl resume': 'answers nothing but that it is done; tests/e2e sees what it brings about',
  'mcpctl restart': 'answers nothing but that it is done; tests/e2e sees what it brings about',
  'mcpctl events': 'tells what happened in whichever order it did; gateway/api and tests/e2e look at each',
  'mcpctl test mcp': 'measures: cli/commands/test-mcp compares its results',
  'mcpctl connect': 'a protocol: cli/commands/connect compares its messages',
  'mcpctl doctor': 'depends on the machine: cli/commands/doctor compares its findings',
  'mcpctl version': 'depends on the build: cli/commands/version compares its fields',
  'mcpctl trust': 'of keys and fingerprints made for the test: cli/commands/trust looks at each',
  'mcpctl release': 'signed and dated: tests/trust-scene.ts sets the stage for its tests',
  'mcpctl rollback': 'signed and dated: tests/trust-scene.ts sets the stage for its tests',
  'mcpctl verify': 'signed and dated: tests/trust-scene.ts sets the stage for its tests',
  'mcpctl propose': 'names a branch by chance: tests/e2e/proposals.test.ts looks at what it proposes',
  'mcpctl hooks': 'changes a git repository: tests/e2e/hooks.test.ts lets git run them',
  'mcpctl review': 'signed and dated: tests/e2e/proposals.test.ts looks at what is decided and shown',
  'mcpctl skills': 'cli/sync compares what it leaves on the disk',
};
