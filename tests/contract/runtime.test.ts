import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openProcessRuntime, type ProcessRecord, type ProcessRecords } from '../../reconciler/runtimes/index.ts';
import { runtimeContract } from './runtime.ts';

const daemon = fileURLToPath(import.meta.resolve('./crash-daemon.ts'));

function memoryRecords(initial: ProcessRecord[] = []): ProcessRecords {
  const rows = new Map(initial.map(row => [row.id, row]));
  return {
    put: row => void rows.set(row.id, row),
    delete: id => void rows.delete(id),
    all: () => [...rows.values()],
  };
}

function open(stateDir: string, records = memoryRecords()) {
  return openProcessRuntime({ stateDir, records, env: process.env, graceMs: 300 });
}

runtimeContract('process', {
  open: stateDir => open(stateDir),

  async crash(stateDir, specs, { recorded }) {
    const child = spawn(process.execPath, [daemon, JSON.stringify({ stateDir, specs })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(createInterface({ input: child.stdout }), 'line');
    const { lines, rows } = JSON.parse(String(said)) as { lines: string[]; rows: ProcessRecord[] };
    child.kill('SIGKILL');
    await once(child, 'exit');
    return { runtime: open(stateDir, memoryRecords(recorded ? rows : [])), lines };
  },
});
