import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { asProblem } from '../../schema/index.ts';
import { type RunningServer, startServer } from '../../tests/git-server.ts';
import { askBundle } from './bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bundle-'));
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

it.each<[situation: string, handler: Parameters<typeof startServer>[0]]>([
  [
    'drips',
    (_request, response) => {
      response.writeHead(200, { etag: '"x"' });
      response.write('mcpctl-objects 1\n{"format":"sha1"}\n');
      const timer = setInterval(() => response.write('b'), 20);
      response.on('close', () => clearInterval(timer));
    },
  ],
  ['takes the question and never answers', () => undefined],
])('a gateway that %s is given up after the time there is', async (_situation, handler) => {
  server = await startServer(handler);
  const place = { url: server.url, token: undefined, release: 'latest', ref: 'refs/heads/main', env: {} };
  const asked = askBundle(
    { ...place, file: join(folder, 'bundle.json'), timeoutMs: 300 },
    new AbortController().signal,
  );
  const code = await asked.then(
    () => 'answered',
    error => asProblem(error).code,
  );
  // The line that never ends may be too long before the time is over.
  expect(['REMOTE_TIMEOUT', 'REMOTE_UNREACHABLE']).toContain(code);
});
