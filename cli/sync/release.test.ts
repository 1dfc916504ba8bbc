import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinRoot } from '../../repo/trust/index.ts';
import type { RootDocument } from '../../schema/index.ts';
import { projectFile, type SkillsMachine, skillFiles, skillsMachine } from '../../tests/skills-machine.ts';
import { type Key, makeKey, makeRoot, TrustScene } from '../../tests/trust-scene.ts';

let scene: TrustScene;
let machine: SkillsMachine;
let boss: Key;
let maker: Key;
let stranger: Key;
let root: RootDocument;

const review = (body: string) => skillFiles('skills/review', body) as Record<string, string>;
const SKILL = '.claude/skills/review/SKILL.md';
const sync = (argv: string[] = []) => machine.sync(['--from', scene.repository.work, ...argv]);
const codes = (errors: readonly { code: string }[]) => errors.map(({ code }) => code);

beforeEach(async () => {
  scene = new TrustScene(review('One.'));
  machine = skillsMachine();
  boss = makeKey(scene.keys, 'boss');
  maker = makeKey(scene.keys, 'maker');
  stranger = makeKey(scene.keys, 'stranger');
  root = await makeRoot(1, { root: [boss], release: [maker] }, [boss]);
  scene.addRoots(root);
  await pinRoot(machine.path('.mcpctl'), [root], [scene.repository.work], new Date());
});
afterEach(() => {
  scene.remove();
  machine.remove();
});

async function release(version: string, sequence: number, body?: string, key: Key = maker) {
  if (body !== undefined) scene.repository.commit(review(body));
  return scene.release({ version, sequence, key });
}

describe('where a root is pinned', () => {
  it('the newest signed release counts, not the branch', async () => {
    await release('1.0.0', 1);
    scene.repository.commit(review('Not released.'));
    const first = await sync();
    expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], errors: [], exitCode: 0 });
    expect(machine.read(SKILL)).toContain('One.');
    await release('1.1.0', 2, 'Two.');
    expect((await sync()).report.updated).toEqual(['skill/review']);
    expect(machine.read(SKILL)).toContain('Two.');
    const [skill] = JSON.parse(machine.read('.mcpctl/skills-state.json') ?? '').skills;
    expect(skill).toMatchObject({ release: 'v1.1.0', signedBy: 'maker' });
    expect(skill.version).toMatch(/^\d+\.\d+\.\d+$/);
    // A second time nothing is looked at.
    expect((await machine.sync()).report.skipped).toEqual(['skill/review']);
  });

  it.each<[situation: string, attack: () => Promise<unknown>]>([
    ['an unsigned one', () => scene.release({ version: '9.0.0', sequence: 9 })],
    ['one of a stranger', () => release('9.0.0', 2, 'Evil.', stranger)],
    ['a replayed one', () => scene.release({ version: '9.0.0', sequence: 1, key: maker })],
    [
      'one whose manifest is another',
      () =>
        scene.release({
          version: '9.0.0',
          sequence: 2,
          key: maker,
          message: { manifest: { sha256: '0'.repeat(64), size: 5 } },
        }),
    ],
    [
      'one whose manifest has another file’s digest',
      () => {
        scene.repository.commit(review('Evil.'));
        return scene.release({
          version: '9.0.0',
          sequence: 2,
          key: maker,
          manifest: manifest =>
            `${JSON.stringify(manifest, undefined, 2)}\n`.replace(/"sha256": "[0-9a-f]{4}/, '"sha256": "0000'),
        });
      },
    ],
    [
      'one that was changed after it was signed',
      () =>
        scene.release({
          version: '9.0.0',
          sequence: 2,
          key: maker,
          bytes: tag =>
            Buffer.from(
              tag.toString('latin1').replace('"sequence": 2', '"sequence": 3').replace('"sequence":2', '"sequence":3'),
              'latin1',
            ),
        }),
    ],
  ])('%s is refused: exit 5, nothing changed', async (_situation, attack) => {
    await release('1.0.0', 1);
    await sync();
    await attack();
    const { code, report } = await sync();
    expect({ code, errors: codes(report.errors) }).toEqual({ code: 5, errors: ['NOT_TRUSTED'] });
    expect(report).toMatchObject({ installed: [], updated: [], removed: [] });
    expect(machine.read(SKILL)).toContain('One.');
  });

  it('a release that was taken back does not come again', async () => {
    const one = await release('1.0.0', 1);
    await release('1.1.0', 2, 'Two.');
    await sync();
    scene.repository.git('tag', '-d', 'v1.1.0');
    expect(one.ref).toBe('refs/tags/v1.0.0');
    const { code, report } = await sync();
    expect({ code, errors: codes(report.errors) }).toEqual({ code: 5, errors: ['NOT_TRUSTED'] });
    expect(machine.read(SKILL)).toContain('Two.');
  });

  it('a root that takes a key away counts before any release has it', async () => {
    await release('1.0.0', 1);
    await sync();
    scene.repository.commit(review('Two.'));
    const commit = scene.repository.git('rev-parse', 'HEAD');
    scene.addRoots(await makeRoot(2, { root: [boss], release: [stranger] }, [boss]));
    // The thief releases what does not have the new root yet.
    await scene.release({ version: '1.1.0', sequence: 2, key: maker, commit });
    expect((await sync()).code).toBe(5);
    expect(machine.read(SKILL)).toContain('One.');
  });

  it('a project that takes an older version of its skill gets that from an older release', async () => {
    const deploy = (body: string) => skillFiles('projects/demo/skills/deploy', body) as Record<string, string>;
    const project = (range: string) => projectFile(`versions:\n  skills:\n    deploy: "${range}"`);
    scene.repository.commit({ 'projects/demo/project.yaml': projectFile(), ...deploy('One.') });
    await release('1.0.0', 1);
    machine.write('work/.mcpctl-project', 'demo');
    const inProject = (argv: string[] = []) => machine.sync(argv, machine.path('work'));
    await inProject(['--from', scene.repository.work]);
    const installed = () => {
      const { skills } = JSON.parse(machine.read('.mcpctl/skills-state.json') ?? '');
      return skills.find(({ name }: { name: string }) => name === 'deploy');
    };
    const { version } = installed();
    scene.repository.commit({ 'projects/demo/project.yaml': project(`<=${version}`), ...deploy('Two.') });
    await release('1.1.0', 2, 'Two.');
    const { report, stderr } = await inProject();
    expect(report.errors, stderr).toEqual([]);
    expect(report).toMatchObject({ updated: ['skill/review'], skipped: ['project/demo/skill/deploy'] });
    expect(machine.read('work/.claude/skills/deploy/SKILL.md')).toContain('One.');
    // On a machine that never had it, too.
    const fresh = skillsMachine();
    await pinRoot(fresh.path('.mcpctl'), [root], [scene.repository.work], new Date());
    fresh.write('work/.mcpctl-project', 'demo');
    await fresh.sync(['--from', scene.repository.work], fresh.path('work'));
    expect(fresh.read('work/.claude/skills/deploy/SKILL.md')).toContain('One.');
    fresh.remove();
    // Without any version within the range it stays as it is.
    scene.repository.commit({ 'projects/demo/project.yaml': project('^99') });
    await release('1.2.0', 3);
    const none = await inProject();
    expect(codes(none.report.errors)).toEqual(['SKILL_VERSION']);
    expect(machine.read('work/.claude/skills/deploy/SKILL.md')).toContain('One.');
  });

  it('a global skill out of a project’s range is an error each time, and stays for everybody else', async () => {
    const spec = 'versions:\n  skills:\n    review: "^99"';
    scene.repository.commit({ 'projects/demo/project.yaml': projectFile(spec) });
    await release('1.0.0', 1);
    machine.write('work/.mcpctl-project', 'demo');
    const first = await machine.sync(['--from', scene.repository.work], machine.path('work'));
    expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], exitCode: 0 });
    expect(codes(first.report.errors)).toEqual(['SKILL_VERSION']);
    const second = await machine.sync([], machine.path('work'));
    expect(second.report).toMatchObject({ skipped: ['skill/review'], updated: [], removed: [] });
    expect(codes(second.report.errors)).toEqual(['SKILL_VERSION']);
    expect((await machine.sync()).report.errors).toEqual([]);
  });

  it('a pinned release stays, whichever is newest', async () => {
    await release('1.0.0', 1);
    await release('1.1.0', 2, 'Two.');
    await sync();
    const pinned = await machine.run(['skills', 'pin', 'v1.0.0']);
    expect(pinned.code, pinned.stderr).toBe(0);
    expect((await machine.sync()).report.updated).toEqual(['skill/review']);
    expect(machine.read(SKILL)).toContain('One.');
    await release('1.2.0', 3, 'Three.');
    expect((await machine.sync()).report.skipped).toEqual(['skill/review']);
    await machine.run(['skills', 'pin', '--newest']);
    await machine.sync();
    expect(machine.read(SKILL)).toContain('Three.');
  });
});

it('without a pinned root, --trust release is refused', async () => {
  await release('1.0.0', 1);
  const other = skillsMachine();
  const { code, report } = await other.sync(['--from', scene.repository.work, '--trust', 'release']);
  expect({ code, errors: codes(report.errors) }).toEqual({ code: 5, errors: ['ROOT_NOT_PINNED'] });
  other.remove();
});
