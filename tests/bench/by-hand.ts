// Start and initialise servers as a program without mcpctl would: node by-hand.ts ENTRY COUNT CONCURRENCY FOLDER.
// Prints `ready` when all of them are, and ends them when it is told to end.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [entry = '', count = '0', concurrency = '1', folder = ''] = process.argv.slice(2);
const clients: Client[] = [];
let next = 0;
let ending = false;

async function startOne(index: number): Promise<void> {
  const cwd = join(folder, String(index));
  mkdirSync(cwd);
  const client = new Client({ name: 'by-hand', version: '1.0.0' });
  clients.push(client);
  const env = { PATH: process.env.PATH ?? '', MEMORY_FILE_PATH: join(cwd, 'memory.jsonl') };
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [entry], cwd, env, stderr: 'ignore' }),
  );
  const capabilities = client.getServerCapabilities();
  if (capabilities?.tools) await client.listTools();
  if (capabilities?.prompts) await client.listPrompts();
}

async function work(): Promise<void> {
  while (next < Number(count) && !ending) await startOne(next++);
}

process.stdin.once('end', async () => {
  ending = true;
  await Promise.all(clients.map(client => client.close()));
  process.exit();
});
process.stdin.resume();
const works = Array.from({ length: Number(concurrency) }, work);
await Promise.all(works).catch(error => {
  if (!ending) throw error;
});
console.log('ready');
