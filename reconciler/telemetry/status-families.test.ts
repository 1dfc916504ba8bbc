import { expect, it } from 'vitest';
import type { InstanceStatus, ServerStatus, Status } from '../status.ts';
import { statusFamilies } from './status-families.ts';

type Health = NonNullable<InstanceStatus['health']>['state'];

function server(name: string, healths: readonly (Health | undefined)[]): ServerStatus {
  const since = '2026-01-01T00:00:00Z';
  const instances = healths.map(
    (state, ordinal): InstanceStatus => ({
      id: `${name}-${ordinal}`,
      state: state ? 'Running' : 'Starting',
      ready: state === 'healthy',
      since,
      restarts: ordinal,
      attempt: 0,
      ...(state && { health: { state, since, failures: 0 } }),
    }),
  );
  return { name, revision: 'A', conditions: [], instances, tools: 2, prompts: 0 };
}

function samples(servers: ServerStatus[], name: string): Record<string, number> {
  const status: Status = {
    repository: { display: '/ai.git', ref: 'main', path: '', mode: 'open' },
    revision: { fetched: 'A', applied: 'A' },
    conditions: [],
    servers,
    projects: [],
    problems: [],
  };
  const family = statusFamilies(status).find(one => one.name === name);
  return Object.fromEntries(family?.samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]) ?? []);
}

it.each<[string, Record<string, number>]>([
  ['mcpctl_instances_unhealthy', { all: 0, some: 2, none: 0 }],
  ['mcpctl_instance_restarts_total', { all: 0, some: 6, none: 0 }],
  ['mcpctl_tools', { all: 2, some: 2, none: 2 }],
])('%s tells of each server by itself', (name, expected) => {
  const servers = [
    server('all', ['healthy']),
    server('some', ['unhealthy', 'degraded', 'unhealthy', undefined]),
    server('none', []),
  ];
  expect(samples(servers, name)).toEqual(expected);
});

it('mcpctl_instances tells how many there are in each state', () => {
  expect(samples([server('some', ['unhealthy', undefined])], 'mcpctl_instances')).toMatchObject({
    'some Running': 1,
    'some Starting': 1,
    'some Error': 0,
  });
});

it('servers beyond a thousand are told together', () => {
  const servers = Array.from({ length: 1_002 }, (_, index) => server(`s${index}`, ['unhealthy']));
  const told = samples(servers, 'mcpctl_instances_unhealthy');
  expect(Object.keys(told)).toHaveLength(1_001);
  expect(told._OTHER).toBe(2);
});
