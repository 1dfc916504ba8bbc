import { type Declared, type DeclaredServer, plainServer } from './declared.ts';

const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'];

type Random = () => number;

export function pick<T>(random: Random, among: readonly T[]): T {
  const one = among[Math.floor(random() * among.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** A repository to begin with. */
export function firstDeclared(random: Random): Declared {
  const count = 3 + Math.floor(random() * 4);
  return { servers: new Map(NAMES.slice(0, count).map(name => [name, someServer(random, name)])), refused: false };
}

function someServer(random: Random, name: string): DeclaredServer {
  const external = random() < 0.15;
  return plainServer({
    replicas: external ? 1 : pick(random, [1, 1, 1, 2, 3]),
    rolling: random() < 0.5,
    behaviour: random() < 0.2 ? 'stubborn' : 'well',
    version: Math.floor(random() * 1000),
    secret: !external && random() < 0.4,
    checked: random() < 0.3,
    external,
    // Only on those before it in the alphabet, so that there is no circle.
    ...(name > 'bravo' && random() < 0.25 && { dependsOn: 'alpha' }),
  });
}

type Change = (random: Random, servers: Map<string, DeclaredServer>) => void;

function changing(how: (server: DeclaredServer, random: Random) => Partial<DeclaredServer>): Change {
  return (random, servers) => {
    if (servers.size === 0) return;
    const name = pick(random, [...servers.keys()]);
    const server = servers.get(name) ?? plainServer();
    servers.set(name, { ...server, version: server.version + 1, ...how(server, random) });
  };
}

/** What people do to a repository, well meant or not. */
const changes: Record<string, Change> = {
  change: changing(() => ({ broken: false })),
  scale: changing((_server, random) => ({ replicas: pick(random, [0, 1, 2, 3, 4]) })),
  'bad program': changing((_server, random) => ({
    behaviour: pick(random, ['crash', 'mortal', 'mute', 'ill'] as const),
  })),
  'mended program': (_random, servers) => {
    for (const [name, server] of servers) servers.set(name, { ...server, behaviour: 'well', broken: false });
  },
  strategy: changing(({ rolling }) => ({ rolling: !rolling })),
  secret: changing(({ secret, external }) => ({ secret: !secret && !external })),
  broken: changing(() => ({ broken: true })),
  add(random, servers) {
    const name = pick(random, NAMES);
    if (!servers.has(name)) servers.set(name, someServer(random, name));
  },
  remove(random, servers) {
    if (servers.size > 0) servers.delete(pick(random, [...servers.keys()]));
  },
  rename(random, servers) {
    const free = NAMES.filter(name => !servers.has(name));
    if (free.length === 0 || servers.size === 0) return;
    const from = pick(random, [...servers.keys()]);
    const server = servers.get(from);
    servers.delete(from);
    if (server) servers.set(pick(random, free), { ...server, secret: false });
  },
  'mass deletion'(random, servers) {
    const kept = random() < 0.5 ? [] : [...servers.keys()].slice(0, 1);
    for (const name of [...servers.keys()]) if (!kept.includes(name)) servers.delete(name);
  },
  'change of all'(_random, servers) {
    for (const [name, server] of servers) servers.set(name, { ...server, version: server.version + 1 });
  },
};

/** Another commit's content. */
export function nextDeclared(random: Random, before: Declared): { what: string; declared: Declared } {
  if (random() < 0.06) return { what: 'no mcpctl.yaml', declared: { ...before, refused: true } };
  const what = pick(random, Object.keys(changes));
  const servers = new Map(before.servers);
  changes[what]?.(random, servers);
  // What others wait for stays, for what they declare would not be valid without it.
  const needed = [...servers.values()].some(({ dependsOn }) => dependsOn === 'alpha');
  const alpha = servers.get('alpha') ?? before.servers.get('alpha') ?? plainServer();
  if (needed) servers.set('alpha', alpha);
  return { what, declared: { servers, refused: false } };
}

/** The same with nothing wrong in it. @param all also what is as it should be becomes another */
export function mended({ servers }: Declared, all: boolean): Declared {
  const fit = [...servers].map(([name, server]): [string, DeclaredServer] => {
    const isWell = !server.broken && (server.behaviour === 'well' || server.behaviour === 'stubborn');
    if (isWell && !all) return [name, server];
    return [name, { ...server, behaviour: 'well', broken: false, version: server.version + 10_000 }];
  });
  return { servers: new Map(fit), refused: false };
}
