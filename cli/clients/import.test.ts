import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Parsed } from './imported.ts';
import { parseCodex } from './parse-codex.ts';
import {
  type ParseOptions,
  parseClaudeCode,
  parseClaudeDesktop,
  parseCursor,
  parseGemini,
  parseVscode,
} from './parse-json.ts';
import { parseRegistry } from './parse-registry.ts';
import { toResources } from './to-resources.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'tests', 'fixtures', 'clients');

type Parse = (text: string, options: ParseOptions) => Parsed;

/** Everything an import says and writes, as one text. */
function convert(parse: Parse, file: string, taken: string[] = [], projectFolder?: string): string {
  const text = readFileSync(join(fixtures, file), 'utf8');
  const { servers, problems } = parse(text, { file, ...(projectFolder !== undefined && { projectFolder }) });
  const result = toResources(servers, new Set(taken));
  const lines: string[] = [];
  for (const { from, name, resources, secrets, notes } of result.converted) {
    lines.push(`== ${from} → ${name}`);
    for (const { files } of resources) {
      for (const [path, content] of files) lines.push(`-- ${path}`, body(Buffer.from(content?.bytes ?? '').toString()));
    }
    for (const { variable, use } of secrets) lines.push(`$ ${variable}: ${use}`);
    for (const { code, message } of notes) lines.push(`! ${code}: ${message}`);
  }
  for (const { message } of [...problems, ...result.problems]) lines.push(`✗ ${message}`);
  const all = `${lines.join('\n')}\n`;
  // Every secret of the fixtures has one of these in it.
  expect(all).not.toMatch(/fake|hunter2|your-api-token/i);
  return all;
}

/** The document below its envelope's first lines. */
function body(text: string): string {
  return text.replace(/^apiVersion: .*\nkind: .*\n/, '').trimEnd();
}

it('imports Claude Code’s project file', () => {
  expect(convert(parseClaudeCode, 'claude-code.mcp.json')).toMatchInlineSnapshot(`
    "== filesystem → filesystem
    -- servers/filesystem.yaml
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: "@modelcontextprotocol/server-filesystem"
        version: 2026.8.31
      args: ["\${HOME}/notes"]
    ! IMPORT_LEFT_OUT: server/filesystem: \`argument 1\` names \`\${HOME}\`, which only the client knows: write a path there
    == airtable → airtable
    -- servers/airtable.yaml
    spec:
      transport: stdio
      command: [npx]
      args: [-y, airtable-mcp-server]
      env:
        - name: AIRTABLE_API_KEY
          valueFrom:
            secretRef:
              name: airtable
              key: AIRTABLE_API_KEY
        - name: LOG_LEVEL
          value: info
    -- secrets/airtable.yaml
    spec:
      data:
        AIRTABLE_API_KEY:
          env: MCPCTL_SECRET_AIRTABLE_API_KEY
    $ MCPCTL_SECRET_AIRTABLE_API_KEY: the variable \`AIRTABLE_API_KEY\`
    ! IMPORT_LEFT_OUT: server/airtable: \`LOG_LEVEL\` is set to its default
    ! IMPORT_UNPINNED: server/airtable: \`npx\` runs \`airtable-mcp-server\`, which is not pinned: what it is can change from one start to the next
    == api-server → api-server
    -- servers/api-server.yaml
    spec:
      transport: streamable-http
      url: https://api.example.com/mcp
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: api-server
              key: Authorization
        - name: X-Region
          value: eu-west-1
    -- secrets/api-server.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_API_SERVER_AUTHORIZATION
    $ MCPCTL_SECRET_API_SERVER_AUTHORIZATION: the header \`Authorization\` as a whole: Bearer \${API_KEY}
    == GitHub Tools → github-tools
    -- servers/github-tools.yaml
    spec:
      transport: streamable-http
      url: https://api.githubcopilot.com/mcp/
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: github-tools
              key: Authorization
    -- secrets/github-tools.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_GITHUB_TOOLS_AUTHORIZATION
    $ MCPCTL_SECRET_GITHUB_TOOLS_AUTHORIZATION: the header \`Authorization\`
    ! IMPORT_LEFT_OUT: server/github-tools: \`timeout\` is not carried over
    == internal-api → internal-api
    -- servers/internal-api.yaml
    spec:
      transport: streamable-http
      url: https://mcp.internal.example.com
    ! IMPORT_LEFT_OUT: server/internal-api: \`headersHelper\` is not carried over: headers are made by no program; put the header into a Secret
    ! IMPORT_LEFT_OUT: server/internal-api: \`oauth\` is not carried over: sign-in with a browser is not for a daemon; put a token into a Secret
    == db → db
    -- servers/db.yaml
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: "@bytebase/dbhub"
        version: 0.9.0
      args: [--dsn, $(DSN)]
      env:
        - name: DSN
          valueFrom:
            secretRef:
              name: db
              key: DSN
    -- secrets/db.yaml
    spec:
      data:
        DSN:
          env: MCPCTL_SECRET_DB_DSN
    $ MCPCTL_SECRET_DB_DSN: \`--dsn\` of its arguments
    ✗ \`socket\` is not imported: it speaks WebSocket
    ✗ \`nothing\` is not imported: it has neither \`command\` nor \`url\`
    "
  `);
});

it('imports Claude Code’s user file: what is for all folders, and for this one', () => {
  expect(convert(parseClaudeCode, 'claude-code-user.claude.json', [], '/home/dev/shop')).toMatchInlineSnapshot(`
    "== context7 → context7
    -- servers/context7.yaml
    spec:
      transport: streamable-http
      url: https://mcp.context7.com/mcp
    == stripe → stripe
    -- servers/stripe.yaml
    spec:
      transport: streamable-http
      url: https://mcp.stripe.com
    "
  `);
});

it('imports Claude Desktop’s file', () => {
  expect(convert(parseClaudeDesktop, 'claude_desktop_config.json')).toMatchInlineSnapshot(`
    "== memory → memory
    -- servers/memory.yaml
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: "@modelcontextprotocol/server-memory"
        version: 2026.1.26
    == fetch → fetch
    -- servers/fetch.yaml
    spec:
      transport: stdio
      package:
        registry: pypi
        identifier: mcp-server-fetch
        version: 2025.4.7
      args: [--ignore-robots-txt]
    == git → git
    -- servers/git.yaml
    spec:
      transport: stdio
      command: [uvx]
      args: [mcp-server-git, --repository, /srv/repo]
    ! IMPORT_UNPINNED: server/git: \`uvx\` runs \`mcp-server-git\`, which is not pinned: what it is can change from one start to the next
    == github → github
    -- servers/github.yaml
    spec:
      transport: stdio
      image: ghcr.io/github/github-mcp-server:v0.20.1
      args: [stdio, --read-only]
      env:
        - name: GITHUB_PERSONAL_ACCESS_TOKEN
          valueFrom:
            secretRef:
              name: github
              key: GITHUB_PERSONAL_ACCESS_TOKEN
        - name: GITHUB_TOOLSETS
          value: "repos,issues"
    -- secrets/github.yaml
    spec:
      data:
        GITHUB_PERSONAL_ACCESS_TOKEN:
          env: MCPCTL_SECRET_GITHUB_PERSONAL_ACCESS_TOKEN
    $ MCPCTL_SECRET_GITHUB_PERSONAL_ACCESS_TOKEN: the variable \`GITHUB_PERSONAL_ACCESS_TOKEN\`
    ! IMPORT_LEFT_OUT: server/github: \`-v\` of the container is not carried over
    == linear → linear
    -- servers/linear.yaml
    spec:
      transport: sse
      url: https://mcp.linear.app/sse
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: linear
              key: Authorization
    -- secrets/linear.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_LINEAR_AUTHORIZATION
    $ MCPCTL_SECRET_LINEAR_AUTHORIZATION: the header \`Authorization\`
    == local → local
    -- servers/local.yaml
    spec:
      transport: stdio
      command: [/opt/tools/run-server]
      args: [--port, "0"]
      env:
        - name: DATA_DIR
          value: /srv/data
    ✗ \`mcpctl-demo\` is not imported: it is an entry of mcpctl itself
    "
  `);
});

it('imports Cursor’s file', () => {
  expect(convert(parseCursor, 'cursor.mcp.json')).toMatchInlineSnapshot(`
    "== python-server → python-server
    -- servers/python-server.yaml
    spec:
      transport: stdio
      command: [python]
      args: ["\${workspaceFolder}/mcp-server.py"]
      env:
        - name: API_KEY
          valueFrom:
            secretRef:
              name: python-server
              key: API_KEY
    -- secrets/python-server.yaml
    spec:
      data:
        API_KEY:
          env: MCPCTL_SECRET_MY_SERVICE_TOKEN
    $ MCPCTL_SECRET_MY_SERVICE_TOKEN: the variable \`API_KEY\`, which was taken from \`MY_SERVICE_TOKEN\`
    ! IMPORT_LEFT_OUT: server/python-server: \`envFile\` is not carried over: name its variables one by one in \`env\`
    ! IMPORT_LEFT_OUT: server/python-server: \`argument 2\` names \`\${workspaceFolder}\`, which only the client knows: write a path there
    == remote → remote
    -- servers/remote.yaml
    spec:
      transport: streamable-http
      url: https://api.example.com/mcp
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: remote
              key: Authorization
        - name: X-Client
          value: cursor
    -- secrets/remote.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_REMOTE_AUTHORIZATION
    $ MCPCTL_SECRET_REMOTE_AUTHORIZATION: the header \`Authorization\` as a whole: Bearer \${MY_SERVICE_TOKEN}
    == sse-server → sse-server
    -- servers/sse-server.yaml
    spec:
      transport: sse
      url: http://localhost:3000/sse
      replicas: 0
    ! IMPORT_LEFT_OUT: server/sse-server: it is switched off in the client, so it has \`replicas: 0\`
    "
  `);
});

it('imports VS Code’s file, with comments and inputs', () => {
  expect(convert(parseVscode, 'vscode.mcp.json')).toMatchInlineSnapshot(`
    "== perplexity → perplexity
    -- servers/perplexity.yaml
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: server-perplexity-ask
        version: 0.1.3
      env:
        - name: PERPLEXITY_API_KEY
          valueFrom:
            secretRef:
              name: perplexity
              key: PERPLEXITY_API_KEY
        - name: EMPTY
          value: ""
    -- secrets/perplexity.yaml
    spec:
      data:
        PERPLEXITY_API_KEY:
          env: MCPCTL_SECRET_PERPLEXITY_KEY
    $ MCPCTL_SECRET_PERPLEXITY_KEY: the variable \`PERPLEXITY_API_KEY\`, which was taken from \`perplexity-key\`
    == githubIntegration → github-integration
    -- servers/github-integration.yaml
    spec:
      transport: streamable-http
      url: https://api.githubcopilot.com/mcp
    == legacy → legacy
    -- servers/legacy.yaml
    spec:
      transport: sse
      url: https://example.com/sse
      headers:
        - name: X-Api-Key
          valueFrom:
            secretRef:
              name: legacy
              key: X-Api-Key
    -- secrets/legacy.yaml
    spec:
      data:
        X-Api-Key:
          env: MCPCTL_SECRET_PERPLEXITY_KEY
    $ MCPCTL_SECRET_PERPLEXITY_KEY: the header \`X-Api-Key\`, which was taken from \`perplexity-key\`
    == uiTesting → ui-testing
    -- servers/ui-testing.yaml
    spec:
      transport: stdio
      command: [npx]
      args: ["@playwright/mcp@latest"]
    ! IMPORT_LEFT_OUT: server/ui-testing: \`envFile\` is not carried over: name its variables one by one in \`env\`
    ! IMPORT_LEFT_OUT: server/ui-testing: \`dev\` is not carried over
    ! IMPORT_LEFT_OUT: server/ui-testing: \`sandboxEnabled\` is not carried over: what a server may reach is said in \`isolation\`
    ! IMPORT_UNPINNED: server/ui-testing: \`npx\` runs \`@playwright/mcp@latest\`, which is not pinned: what it is can change from one start to the next
    "
  `);
});

it('imports Gemini CLI’s settings', () => {
  expect(convert(parseGemini, 'gemini.settings.json')).toMatchInlineSnapshot(`
    "== pythonTools → python-tools
    -- servers/python-tools.yaml
    spec:
      transport: stdio
      command: [python]
      args: [-m, my_mcp_server, --port, "8080"]
      env:
        - name: DATABASE_URL
          valueFrom:
            secretRef:
              name: python-tools
              key: DATABASE_URL
        - name: API_KEY
          valueFrom:
            secretRef:
              name: python-tools
              key: API_KEY
    -- secrets/python-tools.yaml
    spec:
      data:
        DATABASE_URL:
          env: MCPCTL_SECRET_DB_CONNECTION_STRING
        API_KEY:
          env: MCPCTL_SECRET_EXTERNAL_API_KEY
    $ MCPCTL_SECRET_DB_CONNECTION_STRING: the variable \`DATABASE_URL\`, which was taken from \`DB_CONNECTION_STRING\`
    $ MCPCTL_SECRET_EXTERNAL_API_KEY: the variable \`API_KEY\`, which was taken from \`EXTERNAL_API_KEY\`
    ! IMPORT_LEFT_OUT: server/python-tools: \`timeout\` is not carried over
    ! IMPORT_LEFT_OUT: server/python-tools: \`cwd\` is not carried over: it has to be an absolute path
    == dockerizedServer → dockerized-server
    -- servers/dockerized-server.yaml
    spec:
      transport: stdio
      image: my-mcp-server:latest
      env:
        - name: API_KEY
          valueFrom:
            secretRef:
              name: dockerized-server
              key: API_KEY
      replicas: 0
    -- secrets/dockerized-server.yaml
    spec:
      data:
        API_KEY:
          env: MCPCTL_SECRET_EXTERNAL_SERVICE_TOKEN
    $ MCPCTL_SECRET_EXTERNAL_SERVICE_TOKEN: the variable \`API_KEY\`, which was taken from \`EXTERNAL_SERVICE_TOKEN\`
    ! IMPORT_LEFT_OUT: server/dockerized-server: \`-v\` of the container is not carried over
    ! IMPORT_LEFT_OUT: server/dockerized-server: it is switched off in the client, so it has \`replicas: 0\`
    == httpServerWithAuth → http-server-with-auth
    -- servers/http-server-with-auth.yaml
    spec:
      transport: streamable-http
      url: http://localhost:3000/mcp
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: http-server-with-auth
              key: Authorization
        - name: X-Custom-Header
          value: custom-value
    -- secrets/http-server-with-auth.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_HTTP_SERVER_WITH_AUTH_AUTHORIZATION
    $ MCPCTL_SECRET_HTTP_SERVER_WITH_AUTH_AUTHORIZATION: the header \`Authorization\`
    ! IMPORT_LEFT_OUT: server/http-server-with-auth: \`trust\` is not carried over
    ! IMPORT_LEFT_OUT: server/http-server-with-auth: \`includeTools\` is not carried over: what a project shows is said in the Project
    == discoveredServer → discovered-server
    -- servers/discovered-server.yaml
    spec:
      transport: sse
      url: https://api.example.com/sse
    "
  `);
});

it('imports Codex’s config.toml', () => {
  expect(convert(parseCodex, 'codex.config.toml')).toMatchInlineSnapshot(`
    "== context7 → context7
    -- servers/context7.yaml
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: "@upstash/context7-mcp"
        version: 1.0.31
      env:
        - name: DEBUG
          value: mcp:*
    ! IMPORT_LEFT_OUT: server/context7: \`startup_timeout_sec\` is not carried over
    == docs → docs
    -- servers/docs.yaml
    spec:
      transport: stdio
      command: [/opt/docs/server]
      cwd: /opt/docs
      env:
        - name: DOCS_TOKEN
          valueFrom:
            secretRef:
              name: docs
              key: DOCS_TOKEN
        - name: DOCS_REGION
          valueFrom:
            secretRef:
              name: docs
              key: DOCS_REGION
      replicas: 0
    -- secrets/docs.yaml
    spec:
      data:
        DOCS_TOKEN:
          env: MCPCTL_SECRET_DOCS_TOKEN
        DOCS_REGION:
          env: MCPCTL_SECRET_DOCS_REGION
    $ MCPCTL_SECRET_DOCS_TOKEN: the variable \`DOCS_TOKEN\`
    $ MCPCTL_SECRET_DOCS_REGION: the variable \`DOCS_REGION\`
    ! IMPORT_LEFT_OUT: server/docs: it is switched off in the client, so it has \`replicas: 0\`
    == figma remote → figma-remote
    -- servers/figma-remote.yaml
    spec:
      transport: streamable-http
      url: https://mcp.figma.com/mcp
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: figma-remote
              key: Authorization
        - name: X-Figma-Region
          value: us-east-1
        - name: X-Team
          valueFrom:
            secretRef:
              name: figma-remote
              key: X-Team
    -- secrets/figma-remote.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_FIGMA_REMOTE_AUTHORIZATION
        X-Team:
          env: MCPCTL_SECRET_FIGMA_TEAM
    $ MCPCTL_SECRET_FIGMA_REMOTE_AUTHORIZATION: the header \`Authorization\` as a whole: Bearer \${FIGMA_OAUTH_TOKEN}
    $ MCPCTL_SECRET_FIGMA_TEAM: the header \`X-Team\`, which was taken from \`FIGMA_TEAM\`
    ! IMPORT_LEFT_OUT: server/figma-remote: \`enabled_tools\` is not carried over
    "
  `);
});

it('imports the registry’s server.json: a package', () => {
  expect(convert(parseRegistry, 'registry-npm.server.json')).toMatchInlineSnapshot(`
    "== brave-search → brave-search
    -- servers/brave-search.yaml
    metadata:
      description: Searches the web
    spec:
      transport: stdio
      package:
        registry: npm
        identifier: "@example/brave-search"
        version: 1.0.2
      args: [serve, --mode, local, --dir=/srv/main]
      env:
        - name: BRAVE_API_KEY
          valueFrom:
            secretRef:
              name: brave-search
              key: BRAVE_API_KEY
        - name: LOG_LEVEL
          value: info
    -- secrets/brave-search.yaml
    spec:
      data:
        BRAVE_API_KEY:
          env: MCPCTL_SECRET_BRAVE_API_KEY
    $ MCPCTL_SECRET_BRAVE_API_KEY: the variable \`BRAVE_API_KEY\`
    ! IMPORT_LEFT_OUT: server/brave-search: \`runtimeArguments\` are not carried over: mcpctl starts packages itself
    ! IMPORT_LEFT_OUT: server/brave-search: the argument \`folder\` is required and has no value: add it to \`args\`
    ! IMPORT_LEFT_OUT: server/brave-search: \`PROXY\` is optional and not set
    ! IMPORT_LEFT_OUT: server/brave-search: \`tenant\` is set to its default
    "
  `);
});

it('imports the registry’s server.json: an address', () => {
  expect(convert(parseRegistry, 'registry-remote.server.json')).toMatchInlineSnapshot(`
    "== analytics → analytics
    -- servers/analytics.yaml
    metadata:
      description: Numbers
    spec:
      transport: streamable-http
      url: https://eu.example.com/mcp
      headers:
        - name: Authorization
          valueFrom:
            secretRef:
              name: analytics
              key: Authorization
        - name: X-Region
          value: eu
    -- secrets/analytics.yaml
    spec:
      data:
        Authorization:
          env: MCPCTL_SECRET_ANALYTICS_AUTHORIZATION
    $ MCPCTL_SECRET_ANALYTICS_AUTHORIZATION: the header \`Authorization\` as a whole: Bearer \${api_key}
    "
  `);
});

it('keeps what the repository has', () => {
  expect(convert(parseClaudeCode, 'claude-code-user.claude.json', ['context7'])).toContain(
    '✗ `context7` is not imported: the repository has a Server or Secret `context7`, which is kept',
  );
});
