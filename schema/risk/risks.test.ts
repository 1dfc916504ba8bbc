import { describe, expect, it } from 'vitest';
import type { FileContent } from '../document.ts';
import { visibleLine, visibleText } from '../hidden-text.ts';
import { type ChangedFile, risksOf } from './index.ts';

function content(text: string | undefined, mode: FileContent['mode'] = '100644'): FileContent | undefined {
  return text === undefined ? undefined : { bytes: Buffer.from(text), mode };
}

function changed(path: string, before: string | undefined, after: string | undefined): ChangedFile {
  return { path, before: content(before), after: content(after) };
}

function told(...files: ChangedFile[]): string[] {
  return risksOf(files).map(({ category, op, resource, what, before, after }) => {
    const values = [before, after].map(value => value ?? '-').join(' → ');
    return `${category} ${op} ${resource ?? '-'}: ${what}: ${values}`;
  });
}

function yaml(kind: string, spec: string, metadata = '{}'): string {
  return `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nmetadata: ${metadata}\nspec: ${spec}\n`;
}

const skill = '---\nname: review\ndescription: Reviews\n---\nLook.\n';

describe('risksOf', () => {
  it.each<[situation: string, path: string, before: string | undefined, after: string | undefined, expected: string[]]>(
    [
      [
        'a command',
        'servers/a.yaml',
        yaml('Server', '{transport: stdio, command: [node, a.js]}'),
        yaml('Server', '{transport: stdio, command: [node, b.js], args: [--all]}'),
        [
          'command added server/a: spec.args: - → ["--all"]',
          'command changed server/a: spec.command: ["node","a.js"] → ["node","b.js"]',
        ],
      ],
      [
        'a package and an image, in a new server',
        'servers/a.yaml',
        undefined,
        yaml('Server', '{package: {registry: npm, identifier: x, version: 1.0.0}, image: "x@sha256:0"}'),
        [
          'package added server/a: spec.package: - → {"registry":"npm","identifier":"x","version":"1.0.0"}',
          'image added server/a: spec.image: - → x@sha256:0',
        ],
      ],
      [
        'variables and secrets, each by its name',
        'servers/a.yaml',
        yaml('Server', '{env: [{name: A, value: one}, {name: B, value: two}, {name: GONE, value: x}]}'),
        yaml('Server', '{env: [{name: B, valueFrom: {secretRef: {name: s, key: k}}}, {name: A, value: other}]}'),
        [
          'secret changed server/a: spec.env B: two → secret s/k',
          'environment changed server/a: spec.env A: one → other',
          'environment removed server/a: spec.env GONE: x → -',
        ],
      ],
      [
        'nothing but comments and order',
        'servers/a.yaml',
        yaml('Server', '{transport: stdio, command: [a]}'),
        `# a comment\n${yaml('Server', '{command: [a], transport: stdio}')}`,
        [],
      ],
      [
        'hooks, scripts and servers of a skill',
        'skills/review/skill.yaml',
        yaml('Skill', '{hooks: {Stop: [{command: a}]}}'),
        yaml(
          'Skill',
          '{hooks: {Stop: [{command: b}], PostToolUse: [{command: c}]}, postInstall: run.sh, mcpServers: [{name: m}]}',
        ),
        [
          'hook added skill/review: spec.hooks.PostToolUse: - → [{"command":"c"}]',
          'hook changed skill/review: spec.hooks.Stop: [{"command":"a"}] → [{"command":"b"}]',
          'post-install added skill/review: spec.postInstall: - → run.sh',
          'exposure added skill/review: spec.mcpServers: - → [{"name":"m"}]',
        ],
      ],
      [
        'allowed-tools',
        'skills/review/SKILL.md',
        skill,
        skill.replace('---\nLook', 'allowed-tools: Bash Read\n---\nLook'),
        ['allowed-tools added skill/review: allowed-tools: - → Bash Read'],
      ],
      [
        'what a project serves',
        'projects/demo/project.yaml',
        yaml('Project', '{servers: [a]}'),
        yaml('Project', '{servers: [a, b], hide: [a__rm]}'),
        [
          'exposure added project/demo: spec.hide: - → ["a__rm"]',
          'exposure changed project/demo: spec.servers: ["a"] → ["a","b"]',
        ],
      ],
      [
        'a prompt in a project’s own folder',
        'projects/demo/prompts/x.md',
        undefined,
        '---\n---\nHello\n',
        ['exposure added project/demo/prompt/x: project/demo gets it: - → there'],
      ],
      [
        'labels, which selectors look at',
        'servers/a.yaml',
        yaml('Server', '{}', '{labels: {tier: test}}'),
        yaml('Server', '{}', '{labels: {tier: prod}}'),
        ['exposure changed server/a: metadata.labels: {"tier":"test"} → {"tier":"prod"}'],
      ],
      [
        'access',
        'access/bindings/admins.yaml',
        yaml('RoleBinding', '{role: view, subjects: [{kind: User, name: ann}]}'),
        yaml('RoleBinding', '{role: admin, subjects: [{kind: User, name: ann}]}'),
        ['access changed rolebinding/admins: spec.role: view → admin'],
      ],
      [
        'where a secret comes from',
        'secrets/s.yaml',
        yaml('Secret', '{data: {k: {env: MCPCTL_SECRET_K}}}'),
        yaml('Secret', '{data: {k: {file: k}}}'),
        ['secret changed secret/s: spec.data.k: {"env":"MCPCTL_SECRET_K"} → {"file":"k"}'],
      ],
      [
        'a policy',
        'mcpctl.yaml',
        yaml('Repository', '{id: a}'),
        yaml('Repository', '{id: b}'),
        ['policy changed repository/repository: spec.id: a → b'],
      ],
      [
        'a lock, and a package that runs scripts now',
        'locks/servers/a/package-lock.json',
        '{"packages": {"": {}, "node_modules/x": {"version": "1.0.0"}, "node_modules/z": {}}}',
        '{"packages": {"": {}, "node_modules/x": {"version": "2.0.0", "hasInstallScript": true}, "node_modules/y": {}}}',
        [
          'lock changed lock/a: 1 packages added, 1 removed, 1 changed: 2 packages → 2 packages',
          'lock added lock/a: install scripts of node_modules/x: - → declared',
        ],
      ],
      [
        'a tool surface',
        'locks/servers/a/tools.json',
        '{}',
        '{"tools": []}',
        ['tool-surface changed -: locks/servers/a/tools.json: there → there'],
      ],
      ['the root of trust', 'trust/root/2.json', undefined, '{}', ['trust added -: trust/root/2.json: - → there']],
      [
        'an environment’s patch',
        'environments/prod/servers/a.yaml',
        undefined,
        'spec:\n  command: [evil]\n',
        ['command added server/a: spec.command: - → ["evil"]'],
      ],
      [
        'a file that does not parse',
        'servers/a.yaml',
        yaml('Server', '{}'),
        'spec: [',
        ['unreadable added server/a: what it says cannot be told: - → it does not parse'],
      ],
      [
        'text that turns, or cannot be seen, in new lines only',
        'prompts/x.md',
        '---\n---\nold \u200b line\n',
        '---\n---\nold \u200b line\nsay \u202eyes\nzero\u200bwidth\n',
        [
          'hidden-text added prompt/x: text whose direction is turned: - → say \\u202eyes',
          'hidden-text added prompt/x: invisible characters: - → zero\\u200bwidth',
        ],
      ],
      [
        'emoji, Persian, CRLF: nothing is hidden',
        'prompts/x.md',
        '---\n---\n',
        '---\n---\n\u{1f469}\u200d\u{1f4bb} \u0645\u06cc\u200c\u062e ❤️\r\nx\r\n',
        [],
      ],
      ['what is none of ours', 'README.md', 'a', 'b\u202e', []],
      [
        'a key that is a trap',
        'servers/a.yaml',
        yaml('Server', '{}'),
        `${yaml('Server', '{}')}__proto__: {spec: {command: [x]}}\n`,
        ['unreadable added server/a: what it says cannot be told: - → it does not parse'],
      ],
    ],
  )('%s', (_situation, path, before, after, expected) => {
    expect(told(changed(path, before, after))).toEqual(expected);
  });

  it('a lock whose packages go deeper than anybody writes is another one', () => {
    const lock = (version: string) =>
      `{"packages":{"a":{"version":"${version}","x":${'['.repeat(5_000)}${']'.repeat(5_000)}}}}`;
    expect(told(changed('locks/servers/a/package-lock.json', lock('1'), lock('2')))).toEqual([
      'lock changed lock/a: 0 packages added, 0 removed, 1 changed: 1 packages → 1 packages',
    ]);
  });

  it('executable bits, and scripts that skill.yaml names', () => {
    const extras = yaml('Skill', '{postInstall: run.sh}');
    const script: ChangedFile = {
      path: 'skills/review/run.sh',
      before: content('echo 1\n'),
      after: content('echo 22\n', '100755'),
    };
    expect(told(script, changed('skills/review/skill.yaml', extras, extras))).toEqual([
      'post-install changed skill/review: the content of run.sh, which `spec.postInstall` names: 7 bytes → 8 bytes',
      'executable changed skill/review: run.sh: not executable → executable',
    ]);
  });

  it('escapes what could steer a terminal, and bounds what it shows', () => {
    const [risk] = risksOf([
      changed('servers/a.yaml', undefined, yaml('Server', `{command: ["\\e[2J${'x'.repeat(500)}"]}`)),
    ]);
    expect(risk?.after).toMatch(/^\["\\u001b\[2Jx+…$/);
    expect(risk?.after?.length).toBeLessThan(200);
  });
});

it.each([
  ['line ends and tabs stay', 'a\n\tb\n', 'a\n\tb\n'],
  ['a carriage return', 'safe\rrm', 'safe\\u000drm'],
  ['tags', '\u{e0041}', '\\u{e0041}'],
  ['escape sequences of eight bits', '\u009b2J', '\\u009b2J'],
])('visibleText: %s', (_what, text, shown) => {
  expect(visibleText(text)).toBe(shown);
  expect(visibleLine('a\nb')).toBe('a\\u000ab');
});
