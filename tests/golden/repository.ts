import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { type Files, writeFiles } from '../temp-repository.ts';

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n`;

/** A whole MCP server in one argument of `node -e`, so that the repository needs nothing but Node. */
const program = `
const tool = { name: 'say', description: 'Says it', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };
const answers = {
  initialize: () => ({ protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } }),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ arguments: given }) => ({ content: [{ type: 'text', text: given.text }] }),
  ping: () => ({}),
};
console.error('echo is ready');
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const answer = answers[method];
  const reply = answer ? { result: answer(params) } : { error: { code: -32601, message: 'no such method' } };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, ...reply }));
});`;

const indented = program.trim().replace(/^/gm, '      ');

const first: Files = {
  'mcpctl.yaml': `${head('Repository')}spec:\n  id: golden.example\n  environments: [prod]\n`,
  'servers/echo.yaml': `${head('Server')}metadata:
  description: Says what it is told
  labels: { team: platform }
spec:
  transport: stdio
  command:
    - node
    - -e
    - |
${indented}
  env:
    - name: KEY
      valueFrom:
        secretRef: { name: keys, key: echo }
`,
  'servers/idle.yaml': `${head('Server')}spec:\n  transport: stdio\n  command: [node, idle.js]\n  replicas: 0\n`,
  'secrets/keys.yaml': `${head('Secret')}spec:\n  data:\n    echo:\n      generate: {}\n`,
  'templates/say.yaml': `${head('Template')}spec:
  version: 1.0.0
  parameters:
    - name: word
      required: true
  server:
    transport: stdio
    command: [node, say.js, "\${word}"]
`,
  'prompts/greet.md':
    '---\ntitle: Greeting\ndescription: Greets somebody\narguments:\n  - name: who\n    required: true\ntags: [hello]\n---\nGreet {{who}}.\n',
  'skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code\n---\n# Review\n\nRead it twice.\n',
  'skills/review/skill.yaml': `${head('Skill')}spec:\n  priority: 4\n`,
  'projects/demo/project.yaml': `${head('Project')}metadata:
  description: What the golden outputs show
spec:
  servers: [echo, idle]
  prompts: [greet]
  skills: [review]
`,
  'projects/demo/prompts/tour.md': '---\ndescription: Shows around\n---\nShow me around.\n',
  'environments/prod/servers/idle.yaml': 'spec:\n  replicas: 2\n',
};

/** Of every kind that has no behaviour yet. */
const second: Files = {
  'llms/small.yaml': `${head('Llm')}spec:\n  provider: anthropic\n  model: small\n`,
  'agents/helper/agent.yaml': `${head('Agent')}spec:\n  llm: small\n  project: demo\n  personality: calm\n`,
  'agents/helper/personalities/calm.md': '---\ndescription: Never in a hurry\n---\nBe calm.\n',
  'access/users/ann.yaml': `${head('User')}spec:\n  email: ann@example.com\n`,
  'access/groups/all.yaml': `${head('Group')}spec:\n  members:\n    - kind: User\n      name: ann\n    - kind: ServiceAccount\n      name: robot\n`,
  'access/serviceaccounts/robot.yaml': `${head('ServiceAccount')}spec: {}\n`,
  'access/bindings/readers.yaml': `${head('RoleBinding')}spec:\n  subjects:\n    - kind: Group\n      name: all\n  role: view\n`,
  'access/tokens/robot.yaml': `${head('McpToken')}spec:\n  hash: sha256:${'0'.repeat(64)}\n  owner:\n    kind: ServiceAccount\n    name: robot\n`,
  'projects/later/project.yaml': `${head('Project')}spec:\n  servers: [echo]\n  gated: true\n  versions:\n    servers: { echo: ^1.0.0 }\n`,
  'projects/later/prompts/tip.md': '---\npriority: 9\nsummary: In short\n---\nAll of it.\n',
  'secretbackends/cluster.yaml': `${head('SecretBackend')}spec:\n  kubernetes: { namespace: tools }\n`,
};

/** Make the repository whose ids are the same every time. */
export function makeGoldenRepository(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const git = (day: number, ...args: string[]) => {
    const date = `2026-01-0${day}T12:00:00Z`;
    const who = { NAME: 'Example', EMAIL: 'example@example.com', DATE: date };
    const identity = Object.entries(who).flatMap(([key, value]) => [
      [`GIT_AUTHOR_${key}`, value],
      [`GIT_COMMITTER_${key}`, value],
    ]);
    execFileSync('git', args, { cwd: folder, env: { ...process.env, ...Object.fromEntries(identity) } });
  };
  git(1, 'init', '--quiet', '--object-format=sha1', '--initial-branch=main');
  for (const [index, files] of [first, second].entries()) {
    writeFiles(folder, files);
    git(index + 1, 'add', '--all', '.');
    git(index + 1, 'commit', '--quiet', '-m', `Commit ${index + 1}`);
  }
}
