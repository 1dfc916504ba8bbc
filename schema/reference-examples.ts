import type { Kind } from './resource.ts';

interface Example {
  path: string;
  text: string;
}

/** A short valid file of each kind, for the reference. */
export const referenceExamples: Readonly<Record<Exclude<Kind, 'Lock'>, Example>> = {
  Repository: yaml('mcpctl.yaml', 'Repository', 'id: example.org\nenvironments: [staging, prod]'),
  Server: yaml(
    'servers/files.yaml',
    'Server',
    `transport: stdio
package: { registry: npm, identifier: "@modelcontextprotocol/server-filesystem", version: 2026.8.31 }
args: ["."]
env:
  - name: TOKEN
    valueFrom:
      secretRef: { name: files, key: token }`,
  ),
  Template: yaml(
    'templates/files.yaml',
    'Template',
    `parameters:
  - name: folder
    description: The folder, as an absolute path
    required: true
    pattern: /.+
server:
  transport: stdio
  package: { registry: npm, identifier: "@modelcontextprotocol/server-filesystem", version: 2026.8.31 }
  args: ["\${folder}"]`,
  ),
  Prompt: {
    path: 'prompts/review.md',
    text: `---
title: Review
description: Review a change
arguments:
  - name: focus
    description: What to look at first
---
Review the change. Look at {{focus}} first.
`,
  },
  Skill: {
    path: 'skills/review/SKILL.md',
    text: `---
name: review
description: Reviews a change. Use it when somebody asks for a review.
---
# Review

Read the change from the tests up.
`,
  },
  Project: yaml(
    'projects/demo/project.yaml',
    'Project',
    `servers: [files]
selector:
  prompts:
    matchLabels: { team: data }
instructions: Ask before you write.`,
  ),
  Agent: yaml('agents/helper/agent.yaml', 'Agent', 'llm: main\nproject: demo\npersonality: calm'),
  Personality: {
    path: 'agents/helper/personalities/calm.md',
    text: '---\ndescription: When things go wrong\n---\nStay calm, and say what you know.\n',
  },
  Llm: yaml(
    'llms/main.yaml',
    'Llm',
    'provider: anthropic\nmodel: claude-sonnet\napiKey: { valueFrom: { secretRef: { name: models, key: anthropic } } }',
  ),
  Secret: yaml(
    'secrets/files.yaml',
    'Secret',
    `data:
  token: { env: MCPCTL_SECRET_FILES_TOKEN }
  key: { file: files/key }
  session: { generate: { bytes: 32 } }`,
  ),
  SecretBackend: yaml(
    'secretbackends/vault.yaml',
    'SecretBackend',
    `vault:
  address: https://vault.example.org
  auth: { method: approle, role: mcpctl, secretRef: { name: vault, key: secret-id } }`,
  ),
  User: yaml('access/users/ada.yaml', 'User', 'email: ada@example.org\ndisplayName: Ada'),
  Group: yaml('access/groups/data.yaml', 'Group', 'members:\n  - { kind: User, name: ada }'),
  ServiceAccount: yaml('access/serviceaccounts/ci.yaml', 'ServiceAccount', 'suspended: false'),
  RoleBinding: yaml(
    'access/bindings/data-uses-demo.yaml',
    'RoleBinding',
    `subjects:
  - { kind: Group, name: data }
role: use
resources:
  - { project: demo }`,
  ),
  McpToken: yaml(
    'access/tokens/ada-laptop.yaml',
    'McpToken',
    `hash: sha256:${'0123456789abcdef'.repeat(4)}
owner: { kind: User, name: ada }
project: demo
expires: 2027-01-01`,
  ),
};

function yaml(path: string, kind: Kind, spec: string): Example {
  const indented = spec.replace(/^(?=.)/gm, '  ');
  return { path, text: `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec:\n${indented}\n` };
}
