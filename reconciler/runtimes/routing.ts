import { problem } from '../../schema/index.ts';
import { noSuchInstance } from './no-such-instance.ts';
import type { LaunchSpec, Runtime } from './runtime.ts';

/**
 * Several runtimes as one: each instance is where its spec says, or else in the standard one.
 * @param runtimes by name
 * @param standard a name among them
 */
export function createRoutingRuntime(runtimes: ReadonlyMap<string, Runtime>, standard: string): Runtime {
  const all = [...runtimes.values()];
  /** Where an instance was last seen, or asked for. */
  const places = new Map<string, Runtime>();

  function placeOf(spec: LaunchSpec): Runtime | undefined {
    return runtimes.get(spec.runtime ?? standard);
  }

  async function list() {
    const found = await Promise.all(all.map(async runtime => ({ runtime, instances: await runtime.list() })));
    for (const { runtime, instances } of found) {
      for (const { id, owned } of instances) if (owned && !places.has(id)) places.set(id, runtime);
    }
    return found.flatMap(({ instances }) => instances);
  }

  return {
    name: standard,
    list,
    schedules: spec => placeOf(spec)?.schedules?.(spec) ?? false,
    restarts: id => places.get(id)?.restarts?.(id) ?? false,
    async ensure(spec) {
      const place = placeOf(spec);
      if (!place) {
        const more = { resource: `server/${spec.server}` };
        return { problem: problem('RUNTIME_UNSUPPORTED', `${spec.id} needs the runtime \`${spec.runtime}\``, more) };
      }
      const before = places.get(spec.id);
      const others = before === undefined ? all : [before];
      // Of one that an earlier daemon left elsewhere nothing is known here. A runtime out of reach holds up no other.
      const removals = others.filter(other => other !== place).map(other => other.remove(spec.id));
      await (before === undefined ? Promise.allSettled(removals) : Promise.all(removals));
      places.set(spec.id, place);
      return place.ensure(spec);
    },
    connect: async id => places.get(id)?.connect(id) ?? { problem: noSuchInstance(id) },
    logs: async id => places.get(id)?.logs(id) ?? [],
    exec: async (id, argv, options) => places.get(id)?.exec(id, argv, options) ?? { problem: noSuchInstance(id) },
    watch(listener) {
      const stops = all.map(runtime => runtime.watch(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    async remove(id) {
      const place = places.get(id);
      // Nothing is known of what an earlier daemon left.
      await Promise.all((place ? [place] : all).map(runtime => runtime.remove(id)));
      if (places.get(id) === place) places.delete(id);
    },
    async reap() {
      return (await Promise.all(all.map(runtime => runtime.reap()))).flat();
    },
    async close(options) {
      await Promise.all(all.map(runtime => runtime.close(options)));
    },
  };
}
