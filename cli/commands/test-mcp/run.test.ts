import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGateway, type Gateway } from '../../../gateway/index.ts';
import { projectOf, startServer, type TestServer, testView } from '../../../tests/served-view.ts';
import { testMcpCommand } from './command.ts';
import { runTestMcp, type TestMcpOptions } from './run.ts';

const TOKEN = 'test-token-0123456789';
let gateway: Gateway;
let servers: TestServer[];
let broken: Server;
let url: string;
let brokenUrl: string;

beforeAll(async () => {
  servers = await Promise.all([startServer('odd', ['odd.mjs', 'odd']), startServer('sdk', ['sdk2-stdio.mjs'])]);
  const view = testView();
  view.projects.set('demo', projectOf('demo', servers));
  gateway = await createGateway(view, { token: TOKEN, hookSecret: 'h', host: '127.0.0.1', port: 0 });
  url = `${gateway.url}/mcp/demo`;
  broken = createServer((_request, response) => response.writeHead(500).end('broken'));
  await new Promise<void>(resolve => broken.listen(0, '127.0.0.1', resolve));
  brokenUrl = `http://127.0.0.1:${(broken.address() as AddressInfo).port}/mcp`;
});

afterAll(async () => {
  await gateway.close();
  broken.close();
  for (const { child } of servers) child.kill('SIGKILL');
});

async function run(options: Partial<TestMcpOptions>) {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => {
      stderr += text;
    },
  };
  const code = await runTestMcp({ io, env: { MCPCTL_TOKEN: TOKEN }, url, timeout: 5, ...options });
  expect(stdout + stderr).not.toContain(TOKEN);
  return { code, stdout, stderr };
}

describe('exit codes', () => {
  const echo = { tool: 'sdk__echo', args: { message: 'hi' } };

  it.each<[string, () => Partial<TestMcpOptions>, number, RegExp]>([
    ['it works', () => ({}), 0, /✔ +list .* 6 tools/],
    ['the tools expected are there', () => ({ expectTools: ['sdk__echo', 'odd__echo'] }), 0, /all 2 are listed/],
    ['the tool answers', () => echo, 0, /sdk__echo answered/],
    ['the token is given as an option', () => ({ ...echo, env: {}, token: TOKEN }), 0, /answered/],
    ['there is no token', () => ({ env: {} }), 1, /✗ +connect .*401/],
    ['the token is wrong', () => ({ token: 'wrong' }), 1, /✗ +connect .*401/],
    ['nobody listens', () => ({ url: 'http://127.0.0.1:8099/mcp' }), 1, /✗ +health .*ECONNREFUSED/],
    [
      'nobody listens, without the health check',
      () => ({ url: 'http://127.0.0.1:8099/mcp', health: false }),
      1,
      /✗ +connect/,
    ],
    ['it is not healthy', () => ({ url: brokenUrl }), 1, /✗ +health .*500/],
    ['the endpoint is broken', () => ({ url: brokenUrl, health: false }), 1, /✗ +connect/],
    ['the project is unknown', () => ({ url: `${gateway.url}/mcp/none` }), 1, /✗ +connect/],
    ['the URL is none', () => ({ url: 'demo' }), 1, /http:\/\/ or https:\/\//],
    ['a tool is missing', () => ({ expectTools: ['sdk__echo', 'sdk__none'] }), 2, /not listed: sdk__none/],
    ['the tool to call is unknown', () => ({ tool: 'sdk__none' }), 2, /Unknown tool: sdk__none/],
    ['the tool fails', () => ({ tool: 'sdk__fail' }), 2, /it failed/],
    ['the arguments are wrong', () => ({ tool: 'sdk__echo' }), 2, /✗ +call/],
    ['the result is not valid', () => ({ tool: 'odd__echo' }), 2, /✗ +call/],
    ['the tool does not answer', () => ({ tool: 'sdk__wait', timeout: 0.5 }), 1, /✗ +call .*timed out/i],
  ])('%s', async (_situation, options, code, shown) => {
    const result = await run(options());
    expect([result.code, result.stdout]).toEqual([code, expect.stringMatching(shown)]);
  });
});

it('prints JSON that is stable', async () => {
  const { stdout, stderr } = await run({
    tool: 'sdk__echo',
    args: { message: 'hi' },
    expectTools: ['sdk__echo'],
    output: 'json',
  });
  const step = (name: string) => ({ name, ok: true, milliseconds: expect.any(Number), message: expect.any(String) });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    url,
    ok: true,
    exitCode: 0,
    protocol: { era: 'modern', version: '2026-07-28' },
    server: { name: 'mcpctl/demo', version: '0.1.0' },
    steps: ['health', 'connect', 'list', 'expect', 'call'].map(step),
    tools: ['odd__echo', 'sdk__echo', 'sdk__fail', 'sdk__grow', 'sdk__steps', 'sdk__wait'],
    result: expect.objectContaining({ content: [{ type: 'text', text: 'hi' }] }),
  });
});

describe('the command line', () => {
  async function parse(...argv: string[]): Promise<number | string> {
    let code = -1;
    const io = { stdout: () => undefined, stderr: () => undefined, isTTY: false, colour: false };
    const signal = new AbortController().signal;
    const finish = (result: number) => {
      code = result;
    };
    const command = testMcpCommand({ io, env: {}, cwd: '/', signal, finish });
    const program = new Command('mcpctl').addCommand(new Command('test').addCommand(command));
    for (const part of [program, ...program.commands, command])
      part.exitOverride().configureOutput({ writeErr: () => undefined });
    try {
      await program.parseAsync(['test', 'mcp', ...argv], { from: 'user' });
      return code;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  it.each([
    [
      'all options',
      () => [
        url,
        '--token',
        TOKEN,
        '--tool',
        'sdk__echo',
        '--args',
        '{"message":"x"}',
        '--expect-tools',
        'sdk__echo, odd__echo',
        '--timeout',
        '5',
        '--no-health',
        '-o',
        'json',
      ],
      0,
    ],
    ['a contract that is broken', () => [url, '--token', TOKEN, '--expect-tools', 'none'], 2],
    ['no URL', () => [], 'commander.missingArgument'],
    ['arguments that are no object', () => [url, '--args', '[1]'], 'commander.invalidArgument'],
    ['a time that is none', () => [url, '--timeout', '-1'], 'commander.invalidArgument'],
    ['an unknown format', () => [url, '-o', 'xml'], 'commander.invalidArgument'],
  ])('%s', async (_situation, argv, expected) => {
    expect(await parse(...argv())).toBe(expected);
  });
});
