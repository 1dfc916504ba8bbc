import { expect, it } from 'vitest';
import { systemClock } from '../../../host/index.ts';
import type { KubeApi } from './api.ts';
import { createAreas } from './areas.ts';

const nothing = () => undefined;

function areasIn(home: string) {
  const watched = { onPod: nothing, onDeployment: nothing, onReturn: nothing, resyncMs: 1 };
  // Nothing is asked for a name.
  return createAreas({
    ...watched,
    api: {} as KubeApi,
    clock: systemClock,
    owner: 'o',
    home,
    given: false,
    leads: true,
  });
}

it.each([
  ['the one for all', 'mcpctl-ai', undefined, 'mcpctl-ai'],
  ['that of a project', 'mcpctl-ai', 'team', 'mcpctl-ai-team'],
  ['as long as can be', 'a'.repeat(38), 'p'.repeat(24), `${'a'.repeat(38)}-${'p'.repeat(24)}`],
])('names a namespace: %s', (_situation, home, project, expected) => {
  expect(areasIn(home).at(project).namespace).toBe(expected);
});

it('says which name is too long, and names the others', () => {
  const areas = areasIn('a'.repeat(39));
  expect(() => areas.want('p'.repeat(24))).toThrow(
    /the namespace of project p+ would be a+-p+, which has more than 63/,
  );
  expect(areas.want('team').namespace).toMatch(/^a+-team$/);
});
