import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { emptyRepository, projectFile, skillFiles, skillsMachine } from '../skills-machine.ts';
import { tempRepository } from '../temp-repository.ts';

const claude = findClaude();

/** The real client, where somebody put it: `TEST_CLAUDE`, or the package beside this project’s. */
function findClaude(): string | undefined {
  if (process.env.TEST_CLAUDE) return process.env.TEST_CLAUDE;
  try {
    const require = createRequire(import.meta.url);
    const folder = dirname(
      require.resolve(`@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`),
    );
    return existsSync(join(folder, 'claude')) ? join(folder, 'claude') : undefined;
  } catch {
    return undefined;
  }
}

it.skipIf(claude === undefined)(
  `Claude Code lists what the hook before its session synced${claude ? '' : ': @anthropic-ai/claude-code is not here (TEST_CLAUDE names it)'}`,
  { timeout: 180_000 },
  async () => {
    const repository = tempRepository({
      ...emptyRepository,
      'projects/demo/project.yaml': projectFile(),
      ...skillFiles('skills/review'),
      ...skillFiles('projects/demo/skills/deploy'),
    });
    const machine = skillsMachine();
    const api = await startApi();
    try {
      mkdirSync(machine.path('work'));
      const set = await machine.run(
        ['config', 'claude', '-p', 'demo', '--from', repository.bare],
        machine.path('work'),
      );
      expect(set.code, set.stderr).toBe(0);
      const config = '.mcpctl/skills.json';
      const value = { ...JSON.parse(machine.read(config) ?? ''), freshnessSec: 0, budgetMs: 30_000 };
      machine.write(config, JSON.stringify(value));
      // Pushed after everything was synced: only the hook of this very session can bring it.
      repository.commit(skillFiles('skills/brand-new'));
      const said = await run(
        claude ?? '',
        ['-p', 'hello', '--mcp-config', '{"mcpServers":{}}', '--strict-mcp-config'],
        machine.path('work'),
        {
          ...{
            HOME: machine.home,
            PATH: process.env.PATH ?? '',
            ANTHROPIC_BASE_URL: api.url,
            ANTHROPIC_API_KEY: 'sk-ant-stub',
          },
          ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', IS_SANDBOX: '1' },
        },
      );
      expect(machine.names('.claude/skills'), said).toContain('brand-new');
      const asked = api.bodies.join('\n');
      for (const name of ['review', 'deploy', 'brand-new']) expect(asked, said).toContain(`- ${name}:`);
    } finally {
      await api.close();
      repository.remove();
      machine.remove();
    }
  },
);

it.skipIf(claude === undefined)(
  `claude doctor finds nothing wrong with settings that skills put hooks into${claude ? '' : ': @anthropic-ai/claude-code is not here (TEST_CLAUDE names it)'}`,
  { timeout: 300_000 },
  async () => {
    const hooks = (matcher: string) =>
      `hooks:\n  PostToolUse:\n    - { matcher: ${matcher}, command: "true", timeout: 5 }\n`;
    const skillYaml = `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  ${hooks('Write').trim().replaceAll('\n', '\n  ')}\n`;
    const repository = tempRepository({
      ...emptyRepository,
      'projects/demo/project.yaml': projectFile(),
      ...skillFiles('skills/review', 'Do it.', { 'skill.yaml': skillYaml }),
      ...skillFiles('projects/demo/skills/deploy', 'Do it.', { 'skill.yaml': skillYaml }),
    });
    const machine = skillsMachine();
    const work = machine.path('work');
    const doctor = () =>
      run(claude ?? '', ['doctor'], work, {
        ...{ HOME: machine.home, PATH: process.env.PATH ?? '', ANTHROPIC_API_KEY: 'sk-ant-stub', IS_SANDBOX: '1' },
        ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
      });
    try {
      mkdirSync(work);
      const set = await machine.run(['config', 'claude', '-p', 'demo', '--from', repository.bare], work);
      expect(set.code, set.stderr).toBe(0);
      const [user, local] = ['.claude/settings.json', 'work/.claude/settings.local.json'].map(machine.read);
      expect(`${user}${local}`.match(/PostToolUse/g), `${user}\n${local}`).toHaveLength(2);
      expect(await doctor()).not.toContain('Invalid settings');
      // It would say so.
      machine.write('.claude/settings.json', (user ?? '').replace('"command"', '"nonsense"'));
      expect(await doctor()).toContain('Invalid settings');
    } finally {
      repository.remove();
      machine.remove();
    }
  },
);

function run(program: string, argv: string[], cwd: string, env: Record<string, string>): Promise<string> {
  return new Promise(resolve => {
    const child = spawn(program, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', chunk => {
      text += chunk;
    });
    child.stderr.on('data', chunk => {
      text += chunk;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
    child.on('close', code => {
      clearTimeout(timer);
      resolve(`${text}\nexit ${code}`);
    });
  });
}

/** As much of the client’s API as one answer takes; remembers what it was asked. */
async function startApi(): Promise<{ url: string; bodies: string[]; close(): Promise<void> }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      if (!request.url?.startsWith('/v1/messages') || request.url.includes('count_tokens')) {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":1}');
        return;
      }
      const message = {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'stub',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      };
      if (!body.includes('"stream":true')) {
        const whole = { ...message, content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn' };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (type: string, data: object) =>
        response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
      send('message_start', { message });
      send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
      send('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'hi' } });
      send('content_block_stop', { index: 0 });
      send('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } });
      send('message_stop', {});
      response.end();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
