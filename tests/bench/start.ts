import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poll } from '../e2e/daemon.ts';
import { type Figure, median } from './figures.ts';
import { inScene, installMemory, repositoryFiles, withCleanUp } from './scene.ts';

const SERVERS = 50;
const RUNS = 3;
const TARGET = 1.5;
/** As many as `mcpctl up` starts at the same time. */
const CONCURRENCY = Math.max(4, availableParallelism());
const byHand = fileURLToPath(import.meta.resolve('./by-hand.ts'));

/** Fifty real servers, from nothing to all of them Ready, against a program that just starts them. */
export async function benchStart(): Promise<Figure[]> {
  const entry = await installMemory();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    theirs.push(await startByHand(entry));
    ours.push(await startByMcpctl());
  }
  const lowest = { mcpctl: Math.min(...ours), byHand: Math.min(...theirs) };
  return [
    {
      bench: 'start',
      name: `mcpctl up started → ${SERVERS} servers Ready`,
      measured: median(ours),
      baseline: { name: `the same by hand, ${CONCURRENCY} at a time`, value: median(theirs) },
      unit: 'ms',
      compare: 'ratio',
      target: TARGET,
      detail: { runs: RUNS, ...lowest },
    },
  ];
}

async function startByMcpctl(): Promise<number> {
  const names = Array.from({ length: SERVERS }, (_, index) => `memory-${index}`);
  let readyAt: number | undefined;
  const onLine = (line: string) => {
    if (line.includes('is in service')) readyAt = performance.now();
  };
  return inScene({ files: repositoryFiles(0, names), onLine }, async ({ startedAt }) => {
    await poll('every server to be Ready', 60_000, () => readyAt !== undefined);
    return (readyAt ?? Number.NaN) - startedAt;
  });
}

function startByHand(entry: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-by-hand-'));
  const began = performance.now();
  const args = [byHand, entry, String(SERVERS), String(CONCURRENCY), folder];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const cleanUp = async () => {
    // It ends its servers when its input ends.
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return withCleanUp(cleanUp, async () => {
    const [word] = await Promise.race([once(child.stdout, 'data'), ended]);
    if (String(word).trim() !== 'ready') throw new Error(`starting by hand ended with ${word}`);
    return performance.now() - began;
  });
}
