/** One file of a new repository. */
export interface NewFile {
  /** Below the repository's root folder. */
  path: string;
  content: string;
  /** Written only where there is none: it may be somebody else's. */
  optional?: true;
}

/** What a new repository starts with. @param id as `mcpctl.yaml` has it */
export function initialFiles(id: string): NewFile[] {
  return [
    { path: 'mcpctl.yaml', content: repository(id) },
    { path: 'servers/memory.yaml', content: server },
    { path: 'prompts/standup.md', content: prompt },
    { path: 'skills/release-notes/SKILL.md', content: skill },
    { path: 'projects/default/project.yaml', content: project },
    { path: 'README.md', content: readme(id), optional: true },
    { path: '.gitignore', content: gitignore, optional: true },
  ];
}

/** GitHub’s workflows for a repository at its top: validate, plan, release. The example’s own; all optional. */
export const WORKFLOWS = ['plan.yml', 'release.yml', 'validate.yml'].map(name => `.github/workflows/${name}`);

/** A repository id from the name of a folder. */
export function idFrom(folderName: string): string {
  const id = folderName
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, 128)
    .replace(/^[.-]+|[.-]+$/g, '');
  return id === '' ? 'repository' : id;
}

function repository(id: string): string {
  // Quoted where YAML would read something else than text, or might.
  const text = /^[a-z][a-z0-9.-]*$/.test(id) && !['true', 'false', 'null'].includes(id) ? id : `"${id}"`;
  return `# Marks the root of the repository. The id names it for ever.
apiVersion: mcpctl.dev/v1
kind: Repository
spec:
  id: ${text}
`;
}

const server = `# An MCP server from npm. \`mcpctl lock\` pins what it depends on; review and commit the lock like code.
# \`$(HOME)\` is the instance's private folder, which is kept from one start to the next.
apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  description: A knowledge graph that clients of a project share
spec:
  transport: stdio
  package:
    registry: npm
    identifier: "@modelcontextprotocol/server-memory"
    version: 2026.8.31
  env:
    - name: MEMORY_FILE_PATH
      value: $(HOME)/memory.jsonl
`;

const project = `# One endpoint of the gateway, /mcp/default: the tools of these servers, these prompts and these skills.
apiVersion: mcpctl.dev/v1
kind: Project
metadata:
  description: What everybody gets
spec:
  servers: [memory]
  prompts: [standup]
  skills: [release-notes]
`;

const prompt = `---
title: Stand-up
description: Turn loose notes into a stand-up report
arguments:
  - name: notes
    description: What happened, in any form
    required: true
---
Write a stand-up report in three short lists: done, next, in the way. Leave out a list that would be empty.

{{notes}}
`;

const skill = `---
name: release-notes
description: Write release notes from commits. Use when somebody asks for a changelog or for the notes of a release.
---
# Release notes

1. List the commits since the last release: \`git log --oneline $(git describe --tags --abbrev=0)..HEAD\`.
2. Group what users notice under Added, Changed and Fixed; leave the rest out.
3. Write a line for each, for somebody who uses the software and never reads its code.
`;

function readme(id: string): string {
  return `# ${id}

What AI clients can reach here, declared in files and served by mcpctl.

| file | what it declares |
| --- | --- |
| \`mcpctl.yaml\` | the repository itself, and its id |
| \`servers/*.yaml\` | MCP servers, and how each is run |
| \`prompts/*.md\` | prompts: front matter with arguments, then the text |
| \`skills/*/\` | Agent Skills: \`SKILL.md\`, and what it needs beside it |
| \`projects/*/project.yaml\` | endpoints: which servers, prompts and skills their clients see |

On GitHub, \`.github/workflows/\` checks each push, tells under a pull request what it would do, and releases by hand; they
install what the repository's variable \`MCPCTL_PACKAGE\` names, a package with its exact version.

\`\`\`sh
mcpctl validate      # every problem, with its line
mcpctl plan          # what a change would do
mcpctl lock          # pin what npm servers depend on
mcpctl up --once     # does everything start?
mcpctl up            # follow the branch main, and serve it
\`\`\`
`;
}

const gitignore = `# Secrets are declared by reference and never stand in a repository.
.env
.env.*
*.key
*.pem
.DS_Store
`;
