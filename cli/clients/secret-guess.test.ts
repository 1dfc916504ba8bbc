import { expect, it } from 'vitest';
import { isSecretName, isSecretValue } from './secret-guess.ts';

/** Put together here, so that nobody's scanner takes them for real ones. */
const random = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4';

it.each([
  `ghp_${random}`,
  `github_pat_${random}`,
  `sk-proj-${random}`,
  `sk_live_${random}`,
  `xoxb-${random}`,
  `glpat-${random}`,
  `AKIA${'ABCDEFGH23456789'}`,
  `AIza${random}${random}`,
  `eyJ${random}.${random}.${random}`,
  '-----BEGIN RSA PRIVATE KEY-----\nMIIE',
  'Bearer abcdefgh',
  'Basic dXNlcjpwYXNz',
  'postgresql://reader:hunter2@db.example.com/x',
  'redis://:hunter2@cache:6379',
  'https://x.example/mcp?api_key=abc',
  'd41d8cd98f00b204e9800998ecf8427e',
  '6f1c2a9e-8d4b-4f9a-b6e5-2c8d3f1a9b7e',
  random,
  '{"Authorization": "Bearer secret_AbCdEf", "Notion-Version": "2022-06-28"}',
  '{"exaApiKey":"secret-1"}',
  '{\\"exaApiKey\\": \\"secret-1\\"}',
  "{'apiKeys': ['secret-1']}",
  `{"profile": "${random}"}`,
  "npx mcp-remote@1 https://x.example/mcp --header 'Authorization: Bearer secret'",
  'npx x --header "Authorization: Basic dXNl"',
  'npx x --header X-Api-Key:secret-1',
  'X-Api-Key: secret-1',
  '{"a":{"password":"secret-1"}}',
  '{"headers":{"Authorization":"Basic dXNl"}}',
  "token = 'secret-1'; run()",
  'exec x --env=API_KEY=secret-1',
  'export API_KEY=secret-1; exec x',
  'DB_PASS="secret-1" exec x',
  'exec x --api-key secret-1 --port 80',
  `exec x ${random} --port 80`,
  `https://mcp.example.com/api/mcp/s/${random}/mcp`,
  'https://mcp.example.com/6f1c2a9e-8d4b-4f9a-b6e5-2c8d3f1a9b7e/mcp',
  `https://${random}@mcp.example.com/mcp`,
  'https://mcp.example.com/mcp?exaApiKey=abc',
  `https://mcp.example.com/mcp?profile=${random}`,
])('takes %j for a secret', value => {
  expect(isSecretValue(value)).toBe(true);
});

it.each([
  '',
  'info',
  '8080',
  'true',
  'eu-west-1',
  '/home/dev/projects/2026/notes-and-more',
  './servers/my-own-server/dist/index.js',
  '@modelcontextprotocol/server-filesystem@2026.8.31',
  'https://mcp.example.com/v1/some-long-path/with-words',
  'postgresql://db.example.com/analytics',
  'my-very-long-name-of-some-resource-group-2026',
  'a sentence with several words and 12345 numbers in it',
  'gpt-5.2-codex-mini-latest',
  '{"logLevel": "info", "maxTokens": 4096, "apiKey": "", "token": null}',
  '{"mcpServers": {"auth": {"url": "https://mcp.example.com/v1"}}}',
  'export API_KEY=$KEY; exec x --token "$TOKEN" --port 80',
  'API_KEY="$(cat /run/key)" exec x',
  'exec x --header "Authorization: Bearer $TOKEN" --header "X-Region: eu"',
  'set API_KEY=%KEY% && x',
  `exec x --api-key=\${KEY} --env=API_KEY=$KEY`,
  'docker run -i --rm -e API_KEY -e TOKEN ghcr.io/acme/x',
  'if [ "$API_KEY" = "" ]; then exec x; fi',
  'cd /srv && exec node ./dist/index.js --max-tokens 4096 2>&1',
  'auth:8080',
  'ghcr.io/acme/auth:1.2.3',
  'http://auth:8080/mcp',
  `ghcr.io/acme/x@sha256:${'0123456789abcdef'.repeat(4)}`,
  `https://registry.example.com/v2/x/blobs/sha256:${'0123456789abcdef'.repeat(4)}`,
  'https://mcp.example.com/projects/openapi-2026-08-31/specification-of-everything',
  'https://a1b2c3d4e5f6g7h8i9j0k1l2m3n4.lambda-url.example.com/mcp',
  'https://docs.google.com/spreadsheets/list?sort=name&pageSize=100',
])('takes %j for a value', value => {
  expect(isSecretValue(value)).toBe(false);
});

it.each([
  'API_KEY',
  'GITHUB_TOKEN',
  'token',
  'apiKey',
  'DB_PASSWORD',
  'PASSWORD_FILE_2',
  'CLIENT_SECRET',
  'Authorization',
  'X-Api-Key',
  '--api-key',
  'PGPASSPHRASE',
  'SENTRY_DSN',
])('takes the name %s for a secret’s', name => {
  expect(isSecretName(name)).toBe(true);
});

it.each(['LOG_LEVEL', 'MAX_TOKENS', 'KEYBOARD', 'HOST', 'X-Region', '--port', 'AUTHOR', 'PATH', 'monkey'])(
  'takes the name %s for a value’s',
  name => {
    expect(isSecretName(name)).toBe(false);
  },
);
