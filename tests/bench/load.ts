import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poll } from '../e2e/daemon.ts';
import { type Figure, median } from './figures.ts';
import { inScene, repositoryFiles } from './scene.ts';

const RESOURCES = 1_000;
const RUNS = 3;
const TARGET_MS = 2_000;
const parser = fileURLToPath(import.meta.resolve('./parse-files.ts'));

/** The first load of a large repository: fetched, read, decided and remembered, by a daemon that has nothing yet. */
export async function benchLoad(): Promise<Figure[]> {
  const files = repositoryFiles(RESOURCES, []);
  const gateway: number[] = [];
  const applied: number[] = [];
  const parsed: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    let appliedAt: number | undefined;
    const onLine = (line: string) => {
      if (/commit [0-9a-f]+:/.test(line)) appliedAt = performance.now();
    };
    await inScene({ files, onLine }, async ({ repository, up, startedAt }) => {
      await poll('the commit to be applied', 30_000, () => appliedAt !== undefined);
      const status = await up.status();
      const errors = status.problems.filter(({ severity }) => severity === 'error');
      if (errors.length > 0) throw new Error(JSON.stringify(errors.slice(0, 3)));
      const daemon = JSON.parse(readFileSync(join(up.stateDir, 'daemon.json'), 'utf8')) as { startedAt: string };
      gateway.push(Date.parse(daemon.startedAt) - performance.timeOrigin - startedAt);
      applied.push((appliedAt ?? Number.NaN) - startedAt);
      parsed.push(Number(execFileSync(process.execPath, [parser, repository.work], { encoding: 'utf8' })));
    });
  }
  const toGateway = median(gateway);
  const load = median(applied.map((at, run) => at - (gateway[run] ?? Number.NaN)));
  const common = { bench: 'load', unit: 'ms', detail: { runs: RUNS } } as const;
  return [
    {
      ...common,
      name: `mcpctl up started → first ${RESOURCES} resources applied`,
      measured: toGateway + load,
      baseline: { name: 'its gateway answers', value: toGateway },
      compare: 'difference',
      target: TARGET_MS,
    },
    {
      ...common,
      name: `gateway answers → first ${RESOURCES} resources applied`,
      measured: load,
      baseline: { name: 'reading and parsing them in one process', value: median(parsed) },
      compare: 'ratio',
    },
  ];
}
