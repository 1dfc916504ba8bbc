import { createMachine, openMemoryRuntime, openProcessRuntime } from '../../reconciler/runtimes/index.ts';
import { behaviours, memoryPrograms } from './behaviours.ts';
import { processRecords } from './process-records.ts';
import { runtimeContract } from './runtime.ts';

const machine = createMachine();

runtimeContract('memory', {
  open: stateDir => openMemoryRuntime({ machine, owner: stateDir, programs: memoryPrograms, graceMs: 300 }),
  behave: name => ({ argv: [name] }),
  behind: {
    kill: async (id, owner) => machine.kill({ id, owner }),
    stop: async (id, owner) => machine.find({ id, owner })?.stop(300),
    remove: (id, owner) => machine.destroy({ id, owner }),
    pause: async (id, owner) => machine.pause({ id, owner }, true),
    replace: (id, owner) => machine.replace({ id, owner }, { program: 'deaf', run: behaviours.deaf.program }),
  },
  not: { 'leaves nothing where instances cannot go on alone': 'they can' },
});

const alone = 'a process ends with the daemon that started it';
const records = new Map<string, ReturnType<typeof processRecords>>();

runtimeContract('process', {
  open(stateDir) {
    const rows = records.get(stateDir) ?? processRecords();
    records.set(stateDir, rows);
    return openProcessRuntime({ stateDir, records: rows, env: process.env, graceMs: 300 });
  },
  behave: name => ({ argv: [process.execPath, '-e', behaviours[name].script] }),
  behind: {
    kill: async (id, stateDir) => signal(id, stateDir, 'SIGKILL'),
    stop: async (id, stateDir) => signal(id, stateDir, 'SIGTERM'),
  },
  not: {
    'leaves instances running for the next daemon, which adopts them': alone,
    'replaces what the last daemon left with another digest': alone,
    'finds out: removed': 'a process is removed by being ended',
    'finds out: paused': 'a stopped process shows by its health: it answers nothing',
    'finds out: something else runs in its place': 'nothing runs under the marks of a process but itself',
  },
});

function signal(id: string, stateDir: string, name: NodeJS.Signals): void {
  const row = records
    .get(stateDir)
    ?.all()
    .find(one => one.id === id);
  if (row) process.kill(row.pid, name);
}
