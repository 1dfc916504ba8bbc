import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOf } from '../../schema/index.ts';
import { applyStep } from './apply.ts';
import { sha256 } from './bundle.ts';
import type { OfferedSkill } from './desired.ts';
import { observe } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import { planSync } from './plan.ts';
import type { SkillsState } from './state.ts';
import { discard, isOutdated } from './working-copy.ts';

/** Where there is a file system in memory, ten thousand sequences take a minute less. */
const SHM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const NAMES = ['a', 'b'];
const FILES = ['SKILL.md', 'x/run.sh', 'notes.md'];
const DAY = 25 * 3600 * 1000;

type Act =
  | { do: 'write' | 'delete' | 'replace'; skill: string; file: string }
  | { do: 'move'; skill: string; file: string; to: string }
  | { do: 'entry'; skill: string; how: 'delete' | 'rename' | 'own folder' }
  | { do: 'release'; skill: string; files: string[]; version: number }
  | { do: 'sync'; force: boolean; keepOrphans: boolean; later: boolean };

const skill = fc.constantFrom(...NAMES);
const file = fc.constantFrom(...FILES, 'mine.txt', 'x/mine.txt');
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('write', 'delete', 'replace'), skill, file }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move'), skill, file, to: file }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('entry'), skill, how: fc.constantFrom('delete', 'rename', 'own folder') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('release'), skill, files: fc.subarray(FILES), version: fc.nat({ max: 3 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('sync'),
      force: fc.boolean(),
      keepOrphans: fc.boolean(),
      later: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Act>;

it('random sequences of edits, renames, removals and updates lose no byte of the user’s', {
  timeout: 600_000,
}, async () => {
  const root = mkdtempSync(join(SHM, 'mcpctl-bytes-'));
  let turn = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 10 }), async acts => {
        turn += 1;
        const world = new World(join(root, String(turn)));
        await world.act({ do: 'sync', force: false, keepOrphans: false, later: false });
        for (const one of acts) await world.act(one);
        await world.act({ do: 'sync', force: false, keepOrphans: false, later: true });
        rmSync(world.home, { recursive: true, force: true });
      }),
      { numRuns: Number(process.env.MCPCTL_PROPERTY_RUNS ?? 2_000), seed: 20_260_901 },
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

/** A machine, what is offered to it, and what its user wrote and did not delete. */
class World {
  readonly home: string;
  private readonly places: Places;
  private readonly folder: string;
  private state: SkillsState = { schema: 1, skills: [], superseded: [], settled: [] };
  private offered = new Map<string, OfferedSkill>();
  private now = Date.now();
  private count = 0;
  /** What the user wrote, by its text. */
  private readonly mine = new Set<string>();

  constructor(home: string) {
    this.home = home;
    this.places = placesIn(join(home, '.mcpctl'));
    this.folder = join(home, '.claude', 'skills');
    for (const name of NAMES) this.release(name, ['SKILL.md', 'x/run.sh'], 0);
  }

  async act(one: Act): Promise<void> {
    if (one.do === 'sync') return this.sync(one);
    if (one.do === 'release') return this.release(one.skill, one.files, one.version);
    const entry = join(this.folder, one.skill);
    if (one.do === 'entry') return this.changeEntry(entry, one.how);
    const path = join(entry, one.file);
    const before = this.textAt(path);
    if (one.do === 'delete' && before !== undefined) {
      rmSync(path);
      this.mine.delete(before);
    }
    if (one.do === 'write' || one.do === 'replace') this.write(path, before, one.do === 'replace');
    if (one.do === 'move' && before !== undefined && one.to !== one.file) this.move(path, join(entry, one.to));
  }

  /** As editors do: into the file, or a new file in its place. */
  private write(path: string, before: string | undefined, replace: boolean): void {
    if (!isFolder(dirname(path))) return;
    const text = `mine ${this.count++}`;
    if (before === undefined && existsSync(path)) return;
    if (before !== undefined) this.mine.delete(before);
    if (replace) {
      writeFileSync(`${path}~`, text);
      renameSync(`${path}~`, path);
    } else writeFileSync(path, text);
    this.mine.add(text);
  }

  private move(from: string, to: string): void {
    if (!isFolder(dirname(to)) || isFolder(to)) return;
    const gone = this.textAt(to);
    renameSync(from, to);
    if (gone !== undefined) this.mine.delete(gone);
  }

  private changeEntry(entry: string, how: 'delete' | 'rename' | 'own folder'): void {
    const stats = lstatSync(entry, { throwIfNoEntry: false });
    if (how === 'own folder' && !stats) {
      mkdirSync(entry, { recursive: true });
      const text = `mine ${this.count++}`;
      writeFileSync(join(entry, 'own.txt'), text);
      this.mine.add(text);
    }
    // A link that is deleted deletes no file; what it led to is looked for below the home.
    if (stats?.isSymbolicLink() && how === 'delete') rmSync(entry);
    if (stats?.isSymbolicLink() && how === 'rename' && !existsSync(`${entry}-mine`)) renameSync(entry, `${entry}-mine`);
  }

  private release(name: string, paths: readonly string[], version: number): void {
    const id = `skill/${name}`;
    if (paths.length === 0) {
      this.offered.delete(id);
      return;
    }
    const files = paths.map(path => {
      const bytes = Buffer.from(`${path} of version ${version}`);
      return { path, bytes, executable: path.endsWith('.sh'), sha256: sha256(bytes) };
    });
    const digest = digestOf(files.map(one => [one.path, one.sha256]));
    const load = () => Promise.resolve(files);
    this.offered.set(id, { id, name, scope: 'global', fingerprint: digest, facts: { digest }, load });
  }

  private async sync({ force, keepOrphans, later }: Extract<Act, { do: 'sync' }>): Promise<void> {
    if (later) this.now += DAY;
    const { places, state, folder, offered, now } = this;
    const desired = [...offered.values()].map(({ id, name, scope, facts }) => {
      return { id, name, scope, folder, path: join(folder, name), digest: facts.digest };
    });
    const observed = observe(
      places,
      desired.map(({ path }) => path),
      state.skills,
    );
    const applying = { places, state, observed, offered, commit: 'c', now, beforeRemoval: async () => [] };
    for (const step of planSync(desired, observed, { force, keepOrphans })) {
      const { error } = await applyStep(applying, step);
      expect(error).toBeUndefined();
    }
    for (const copy of state.superseded.filter(one => isOutdated(one, now))) {
      await discard(places, copy, now);
      state.superseded = state.superseded.filter(one => one !== copy);
    }
    const there = this.texts();
    for (const text of this.mine) expect(there.has(text), `lost: ${text}`).toBe(true);
  }

  private textAt(path: string): string | undefined {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined;
  }

  /** The text of every file below the home. */
  private texts(): Set<string> {
    const texts = new Set<string>();
    for (const entry of readdirSync(this.home, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.add(readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    }
    return texts;
  }
}

/** Through links: an entry is one. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
