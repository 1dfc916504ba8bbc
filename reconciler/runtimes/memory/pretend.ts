import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Program } from './program.ts';

const Request = z.object({
  id: z.union([z.string(), z.number()]),
  method: z.string(),
  params: z.object({ protocolVersion: z.string().optional() }).optional(),
});

/** An MCP server that offers nothing: it answers the handshake, `ping` and the lists. */
export const pretend: Program = ({ stdin, stdout, asked, exit }) => {
  asked.addEventListener('abort', () => exit(0));
  createInterface({ input: stdin }).on('line', line => {
    const answer = answerTo(line);
    if (answer) stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...answer })}\n`);
  });
};

function answerTo(line: string): object | undefined {
  const { data: request } = Request.safeParse(parsed(line));
  if (!request) return undefined;
  const { id, method, params } = request;
  switch (method) {
    case 'initialize':
      return {
        id,
        result: {
          protocolVersion: params?.protocolVersion ?? '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'pretended', version: '0' },
        },
      };
    case 'ping':
      return { id, result: {} };
    case 'tools/list':
      return { id, result: { tools: [] } };
    default:
      return { id, error: { code: -32_601, message: 'a pretended server offers nothing' } };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
