import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningServer, startGitServer } from '../git-server.ts';
import { emptyRepository, projectFile, type SkillsMachine, skillFiles, skillsMachine } from '../skills-machine.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';

const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'skills.md'), 'utf8');
// What needs a gateway with releases is in a block of another kind; tests/e2e/bundles.test.ts does it.
const commands = [...guide.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  [...block.matchAll(/^\$ mcpctl (.*)$/gm)].map(([, command = '']) => command),
);

let repository: TempRepository;
let machine: SkillsMachine;
let server: RunningServer;

beforeAll(async () => {
  repository = tempRepository({
    ...emptyRepository,
    'projects/demo/project.yaml': projectFile(),
    ...skillFiles('skills/review'),
    ...skillFiles('projects/demo/skills/deploy'),
  });
  machine = skillsMachine();
  mkdirSync(machine.path('work'));
  server = await startGitServer({ root: repository.folder });
});
afterAll(async () => {
  await server.close();
  repository.remove();
  machine.remove();
});

it('docs/skills.md has commands', () => {
  expect(commands.length).toBeGreaterThan(6);
});

it.each(commands)('docs/skills.md: mcpctl %s', async command => {
  const argv = command.replace('https://git.example.com/ai.git', `${server.url}/remote.git`).split(' ');
  // A skill that was removed with its project is there again for the commands that follow.
  if (argv[1] === 'diff') await machine.sync();
  const { code, stderr } = await machine.run(argv, machine.path('work'));
  expect(code, stderr).toBe(0);
});
