import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../reconciler/index.ts';
import type { Accident } from './accident.ts';
import { fileAccidents } from './file-accidents.ts';
import { openScene, type Scene, startBackend } from './scene.ts';
import { sourceAccidents } from './source-accidents.ts';

let backend: { url: string; child: ChildProcess };
let scene: Scene | undefined;
beforeAll(async () => {
  backend = await startBackend();
});
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});
afterAll(() => {
  backend.child.kill('SIGKILL');
});

const accidents = [...sourceAccidents, ...fileAccidents];

it('are at least fifty, each seen somewhere', () => {
  expect(new Set(accidents.map(({ what }) => what)).size).toBe(accidents.length);
  expect(accidents.length).toBeGreaterThanOrEqual(50);
  for (const { seen } of accidents) expect(seen).toMatch(/^[\w.-]+\/[\w.-]+#\d+: /);
});

it.each(accidents.map(accident => [accident.what, accident] as const))(
  '%s: nothing goes out of service',
  async (_what, accident) => {
    scene = await openScene(backend.url, accident.more, accident.followed);
    await nothingGoes(scene, accident);
  },
);

/** Whatever happened, everything that was in service is, as it was, and status says what is the matter. */
async function nothingGoes(here: Scene, accident: Accident): Promise<void> {
  const before = here.inService();
  const first = here.reconciler;
  await accident.steps(here, backend.url);
  const head = accident.shows === 'AllReady' ? here.repository.git('rev-parse', 'HEAD') : undefined;
  await here.until(
    accident.shows,
    now => says(now, accident.shows) && (head ?? now.revision.applied) === now.revision.applied,
  );
  await here.until('all of it runs', ({ servers }) =>
    servers.flatMap(({ instances }) => instances).every(({ state }) => state === 'Running'),
  );
  const after = here.inService();
  expect(after.resources).toEqual(expect.arrayContaining(before.resources));
  expect(after.projects).toEqual(before.projects);
  // A daemon that was started again has connected again.
  const same = here.reconciler === first ? (one: string) => one : (one: string) => one.replace(/ \S+$/, '');
  expect(after.instances.map(same)).toEqual(expect.arrayContaining(before.instances.map(same)));
}

/** Whether a problem has this code, or a condition this reason. */
function says({ problems, conditions }: Status, what: string): boolean {
  return [...problems.map(({ code }) => code as string), ...conditions.map(({ reason }) => reason)].includes(what);
}
