import {
  chmodSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  emptyRepository,
  projectFile,
  type SkillsMachine,
  skillFiles,
  skillsMachine,
} from '../../../tests/skills-machine.ts';
import { type Files, type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';
import { placesIn } from '../places.ts';
import { applyHookFiles } from './apply-hooks.ts';

let repository: TempRepository;
let machine: SkillsMachine;

const SETTINGS = '.claude/settings.json';
const hooksOf = (yaml: string) => `apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  hooks:\n${yaml}`;
const lint = hooksOf(
  `    PostToolUse:\n      - matcher: Edit|Write\n        command: '"\${MCPCTL_SKILL_DIR}/lint.sh"'\n        timeout: 20\n`,
);
const withHooks = (yaml = lint): Files =>
  skillFiles('skills/review', 'R.', { 'skill.yaml': yaml, 'lint.sh': 'true\n' });

beforeEach(() => {
  repository = tempRepository({ ...emptyRepository, ...withHooks() });
  machine = skillsMachine();
});
afterEach(() => {
  repository.remove();
  machine.remove();
});

const settings = (file = SETTINGS) => JSON.parse(machine.read(file) ?? 'null');
const first = () => machine.sync(['--from', repository.bare]);

describe('hooks of a skill', () => {
  it('stand in the settings, tagged, with the skill’s folder put in', async () => {
    const { report, stderr } = await first();
    expect(report.errors, stderr).toEqual([]);
    expect(report.hooksApplied).toEqual(['skill/review PostToolUse']);
    expect(settings()).toEqual({
      hooks: {
        PostToolUse: [
          {
            matcher: 'Edit|Write',
            hooks: [{ command: `"${machine.path('.claude/skills/review')}/lint.sh"`, timeout: 20, type: 'command' }],
            _mcpctl_managed: true,
            _mcpctl_source: 'skill/review',
          },
        ],
      },
    });
    expect((await machine.sync()).report.hooksApplied).toEqual(['skill/review PostToolUse']);
  });

  it('go with the skill, and the file is what it was', async () => {
    const before = '{\n\t// mine\n\t"model": "opus",\n}\n';
    machine.write(SETTINGS, before);
    await first();
    expect(machine.read(SETTINGS)).toContain('// mine\n\t"model": "opus"');
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    await machine.sync();
    expect(machine.read(SETTINGS)).toBe(before);
  });

  it('a file that was not there is gone again', async () => {
    await first();
    repository.commit(skillFiles('skills/review', 'R.', { 'skill.yaml': null as never }));
    expect((await machine.sync()).report.hooksApplied).toEqual([]);
    expect(existsSync(machine.path(SETTINGS))).toBe(false);
  });

  it('come back when somebody took them out', async () => {
    await first();
    machine.write(SETTINGS, '{"model": "opus"}');
    await machine.sync();
    expect(settings()).toMatchObject({ model: 'opus', hooks: { PostToolUse: [{ _mcpctl_source: 'skill/review' }] } });
  });

  it('are found again by their tags when what is remembered of them is lost', async () => {
    machine.write(SETTINGS, '{\n  "hooks": {\n    "PostToolUse": [\n      { "hooks": [] }\n    ]\n  }\n}\n');
    await first();
    const before = machine.read(SETTINGS);
    rmSync(machine.path('.mcpctl/hooks.json'));
    expect(await machine.sync(['--force'])).toMatchObject({
      stderr: '',
      report: { hooksApplied: ['skill/review PostToolUse'] },
    });
    expect(machine.read(SETTINGS)).toBe(before);
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    await machine.sync();
    expect(settings()).toEqual({ hooks: { PostToolUse: [{ hooks: [] }] } });
  });

  it('that somebody changed are theirs, and told', async () => {
    await first();
    machine.write(SETTINGS, (machine.read(SETTINGS) ?? '').replace('"timeout": 20', '"timeout": 99'));
    const { stderr } = await machine.sync();
    expect(stderr).toContain('was changed by hand');
    expect(machine.read(SETTINGS)).toContain('"timeout": 99');
  });

  it('of a project stand in its own settings', async () => {
    repository.commit({
      'skills/review': null,
      'projects/demo/project.yaml': projectFile(),
      ...skillFiles('projects/demo/skills/check', 'C.', { 'skill.yaml': lint, 'lint.sh': '' }),
    });
    machine.write('work/.mcpctl-project', 'demo');
    await machine.sync(['--from', repository.bare], machine.path('work'));
    expect(settings('work/.claude/settings.local.json').hooks.PostToolUse).toHaveLength(1);
    expect(machine.read(SETTINGS)).toBeUndefined();
  });

  it('carry no markers where that was said, and are found again all the same', async () => {
    machine.write('.mcpctl/skills.json', JSON.stringify({ from: repository.bare, hookMarkers: false }));
    machine.write(SETTINGS, '{}');
    await machine.sync();
    expect(machine.read(SETTINGS)).not.toContain('_mcpctl');
    repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
    await machine.sync();
    expect(machine.read(SETTINGS)).toBe('{}');
  });

  it('a file that cannot be read as settings is left alone, and the sync goes on', async () => {
    machine.write(SETTINGS, '{"hooks": ');
    const { code, report, stderr } = await first();
    expect({ code, installed: report.installed, hooks: report.hooksApplied }).toEqual({
      code: 0,
      installed: ['skill/review'],
      hooks: [],
    });
    expect(stderr).toContain('SKILL_HOOKS_LEFT');
    expect(machine.read(SETTINGS)).toBe('{"hooks": ');
    machine.write(SETTINGS, '{}');
    const mended = await machine.sync();
    expect(mended.stderr).toBe('');
    expect(mended.report.hooksApplied).not.toEqual([]);
    expect(machine.read(SETTINGS)).toContain('_mcpctl');
  });

  it('a settings file that leads to a device is left alone', async () => {
    mkdirSync(machine.path('.claude'));
    symlinkSync('/dev/zero', machine.path(SETTINGS));
    const { report, stderr } = await first();
    expect(report).toMatchObject({ installed: ['skill/review'], hooksApplied: [] });
    expect(stderr).toContain('SKILL_HOOKS_LEFT');
  });

  it('keep the file’s mode, and write through a link', async () => {
    machine.write('dotfiles/settings.json', '{}');
    chmodSync(machine.path('dotfiles/settings.json'), 0o640);
    mkdirSync(machine.path('.claude'));
    symlinkSync('../dotfiles/settings.json', machine.path(SETTINGS));
    await first();
    expect(readlinkSync(machine.path(SETTINGS))).toBe('../dotfiles/settings.json');
    expect(statSync(machine.path(SETTINGS)).mode & 0o777).toBe(0o640);
    expect(settings().hooks.PostToolUse).toHaveLength(1);
  });

  it.each([
    ['disableAllHooks', SETTINGS],
    ['disableAllHooks', 'managed.json'],
    ['allowManagedHooksOnly', 'managed.json'],
  ])('%s in %s is told', async (name, file) => {
    machine.write(file, `{"${name}": true}`);
    const entries = [{ source: 'skill/a', event: 'Stop', value: {} }];
    const outcome = await applyHookFiles(
      placesIn(machine.path('.mcpctl')),
      new Map([[machine.path(SETTINGS), entries]]),
      [machine.path('managed.json')],
    );
    expect(outcome.warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `SKILL_HOOKS_IDLE \`${name}\` in ${machine.path(file)} keeps the hooks of skills from running`,
    ]);
  });

  const idle = (file: string) => [`\`disableAllHooks\` in ${file} keeps the hooks of skills from running`];
  it.each<[situation: string, files: Record<string, string>, told: string | undefined]>([
    ['in the user’s settings', { [SETTINGS]: 'true' }, SETTINGS],
    ['in the project’s shared settings', { 'work/.claude/settings.json': 'true' }, 'work/.claude/settings.json'],
    ['off, but the project says on', { [SETTINGS]: 'true', 'work/.claude/settings.local.json': 'false' }, undefined],
  ])('disableAllHooks %s counts for a project’s hooks', async (_situation, files, told) => {
    for (const [file, value] of Object.entries(files)) machine.write(file, `{"disableAllHooks": ${value}}`);
    const entries = [{ source: 'project/demo/skill/a', event: 'Stop', value: {} }];
    const { warnings } = await applyHookFiles(
      placesIn(machine.path('.mcpctl')),
      new Map([
        [machine.path(SETTINGS), []],
        [machine.path('work/.claude/settings.local.json'), entries],
      ]),
      [],
    );
    expect(warnings.map(({ message }) => message)).toEqual(told === undefined ? [] : idle(machine.path(told)));
  });

  it('are not put there twice when a sync was killed between file and ledger', async () => {
    const places = placesIn(machine.path('.mcpctl'));
    machine.write(SETTINGS, '{}');
    const entries = [{ source: 'skill/a', event: 'Stop', value: { hooks: [] } }];
    const file = machine.path(SETTINGS);
    // As it was before the last write of the ledger: the file is written, the ledger only means to.
    await applyHookFiles(places, new Map([[file, entries]]));
    const ledger = JSON.parse(machine.read('.mcpctl/hooks.json') ?? '');
    const { applied } = ledger.files[file];
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256')
      .update(machine.read(SETTINGS) ?? '')
      .digest('hex');
    ledger.files[file] = {
      applied: { entries: [], insertions: [] },
      look: '',
      next: { sha256, applied, created: false },
    };
    writeFileSync(places.ledger, JSON.stringify(ledger));
    await applyHookFiles(places, new Map([[file, entries]]));
    expect(settings().hooks.Stop).toHaveLength(1);
    await applyHookFiles(places, new Map([[file, []]]));
    expect(machine.read(SETTINGS)).toBe('{}');
    // And when it had only meant to.
    renameSync(places.ledger, `${places.ledger}.old`);
    writeFileSync(places.ledger, JSON.stringify(ledger));
    await applyHookFiles(places, new Map([[file, entries]]));
    expect(settings().hooks.Stop).toHaveLength(1);
  });
});
