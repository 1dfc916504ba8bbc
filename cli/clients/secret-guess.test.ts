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
