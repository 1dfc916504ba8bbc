// A daemon to be killed: starts the instances that its argument describes, says so, and waits.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type LaunchSpec, openProcessRuntime, type ProcessRecord } from '../../reconciler/runtimes/index.ts';

const { stateDir, specs } = JSON.parse(process.argv[2] ?? '') as { stateDir: string; specs: LaunchSpec[] };
const rows = new Map<string, ProcessRecord>();
const records = {
  put: (row: ProcessRecord) => void rows.set(row.id, row),
  delete: (id: string) => void rows.delete(id),
  all: () => [...rows.values()],
};
const runtime = openProcessRuntime({ stateDir, records, env: process.env });
const lines: string[] = [];
for (const spec of specs) {
  const started = await runtime.ensure(spec);
  if ('problem' in started) throw new Error(started.problem.message);
  const connection = await runtime.connect(spec.id);
  if ('problem' in connection || connection.kind !== 'stdio') throw new Error('not stdio');
  const [line] = await once(createInterface({ input: connection.stdout }), 'line');
  lines.push(String(line));
}
console.log(JSON.stringify({ lines, rows: records.all() }));
