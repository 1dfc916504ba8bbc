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

it('mcpctl_tools tells of each server by itself', () => {
  const servers = [server('all', ['healthy']), server('none', [])];
  expect(samples(servers, 'mcpctl_tools')).toEqual({ all: 2, none: 2 });
});

const told = (state: Health, id = 'one-0') => {
  const states = ['unknown', 'healthy', 'degraded', 'unhealthy'];
  return Object.fromEntries(states.map(name => [`one ${id} ${name}`, Number(name === state)]));
};
it.each<[string, (Health | undefined)[], Record<string, number>]>([
  ['not checked yet', ['unknown'], told('unknown')],
  ['well', ['healthy'], told('healthy')],
  ['failing', ['degraded'], told('degraded')],
  ['failed', ['unhealthy'], told('unhealthy')],
  ['not running', [undefined], {}],
  ['one beside another', ['healthy', 'unhealthy'], { ...told('healthy'), ...told('unhealthy', 'one-1') }],
])('mcpctl_instance_health tells of an instance that is %s', (_situation, healths, expected) => {
  expect(samples([server('one', healths)], 'mcpctl_instance_health')).toEqual(expected);
});

it('mcpctl_instance_restarts_total tells of each instance by itself', () => {
  const servers = [server('all', ['healthy']), server('some', ['unhealthy', 'degraded', undefined])];
  expect(samples(servers, 'mcpctl_instance_restarts_total')).toEqual({
    'all all-0': 0,
    'some some-0': 0,
    'some some-1': 1,
    'some some-2': 2,
  });
});

it('mcpctl_instances tells how many there are in each state', () => {
  expect(samples([server('some', ['unhealthy', undefined])], 'mcpctl_instances')).toMatchObject({
    'some Running': 1,
    'some Starting': 1,
    'some Error': 0,
  });
});

it('servers and instances beyond a thousand are told together', () => {
  const servers = Array.from({ length: 1_002 }, (_, index) => server(`s${index}`, ['unhealthy']));
  const ready = samples(servers, 'mcpctl_tools');
  expect([Object.keys(ready).length, ready._OTHER]).toEqual([1_001, 4]);
  const health = samples(servers, 'mcpctl_instance_health');
  expect(Object.keys(health)).toHaveLength(1_001 * 4);
  expect([health['_OTHER _OTHER unhealthy'], health['_OTHER _OTHER healthy']]).toEqual([2, 0]);
});
