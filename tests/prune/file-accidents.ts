import { type Accident, commitAfter, removed, renamed, rewritten } from './accident.ts';
import { repositoryFile, serverFile } from './scene.ts';

const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 120\n`;
const project = (spec: string) => `apiVersion: mcpctl.dev/v1\nkind: Project\nmetadata: {}\nspec: ${spec}\n`;

/** Folders and files: moved, misnamed, unreadable, cut off, or fewer than there should be. */
export const fileAccidents: readonly Accident[] = [
  // ── folders ──
  {
    what: 'the folder of servers gets another name',
    seen: 'fluxcd/kustomize-controller#428: manifests moved from the folder that is followed to one that is not',
    steps: scene => commitAfter(scene, ['mv', 'servers', 'mcp-servers']),
    shows: 'PruneHeld',
  },
  {
    what: 'the folder of servers is spelt with a capital',
    seen: 'fluxcd/helm-controller#1340: another spelling of a folder, and all of it was made anew',
    steps: scene => commitAfter(scene, ['mv', 'servers', 'elsewhere'], ['mv', 'elsewhere', 'Servers']),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'the folder of servers is a submodule',
    seen: 'fluxcd/flux2#4564: an entry of a submodule that is not what the tree has',
    steps: ({ repository }) => {
      const head = repository.git('rev-parse', 'HEAD');
      repository.git('rm', '-r', '--quiet', 'servers');
      repository.git('update-index', '--add', '--cacheinfo', `160000,${head},servers`);
      repository.git('commit', '--quiet', '-m', 'Use a submodule');
      repository.git('push', '--quiet', 'origin', 'HEAD:main');
    },
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'the folder of servers is a symbolic link',
    seen: 'sa-mw-dach/manuela#180: links in place of folders, to keep everything in one place',
    steps: scene => {
      scene.repository.git('mv', 'servers', 'config');
      scene.repository.commit({ servers: { link: 'config' } });
    },
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'the folder of servers is a file',
    seen: 'AlexanderMattTurner/claude-automation-template#311: a copy met something else than the folder it expected',
    steps: ({ repository }) => void repository.commit({ servers: 'see elsewhere\n' }),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'every server is a symbolic link to where it was moved',
    seen: 'sa-mw-dach/manuela#180: each application a link into another folder',
    steps: ({ repository }, url) => {
      repository.commit(renamed(url, path => path.replace(/^servers/, 'config')));
      repository.commit(
        Object.fromEntries(
          [0, 1, 2, 3, 4].map(number => [`servers/s${number}.yaml`, { link: `../config/s${number}.yaml` }]),
        ),
      );
    },
    shows: 'FILE_NOT_REGULAR',
  },
  {
    what: 'every server moves a folder deeper',
    seen: 'fluxcd/kustomize-controller#338: what moves deeper is deleted and made anew',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => path.replace(/^servers/, 'servers/data'))),
    shows: 'AllReady',
  },
  {
    what: 'every prompt moves to the documentation',
    seen: 'garrytan/gbrain#2871: pages below another folder count as none, and are deleted at the next change',
    steps: scene => commitAfter(scene, ['mv', 'prompts', 'docs']),
    shows: 'PruneHeld',
  },
  {
    what: 'every project is gone from its folder',
    seen: 'rancher/fleet#926: of several paths only the last one stayed, the others were uninstalled',
    steps: scene => commitAfter(scene, ['mv', 'projects', 'teams']),
    shows: 'PruneHeld',
  },
  {
    what: 'a move left a copy behind',
    seen: 'rancher/rancher#38672: bundles that took each other for superfluous',
    steps: ({ repository }, url) => void repository.commit({ 'servers/data/s1.yaml': serverFile(1, url) }),
    shows: 'DUPLICATE_RESOURCE',
  },
  // ── names of files ──
  {
    what: 'one server is renamed to .yml',
    seen: 'fluxcd/flux#330: files of the other extension are passed over in silence',
    steps: scene => commitAfter(scene, ['mv', 'servers/s1.yaml', 'servers/s1.yml']),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'every YAML file of a folder is renamed to .yml',
    seen: 'openshift/release#2517: what reads the configuration expects .yaml only',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => path.replace(/^(servers.*)\.yaml$/, '$1.yml'))),
    shows: 'FILE_EXTENSION',
  },
  {
    what: 'project files are renamed to .yml',
    seen: 'fleetdm/fleet#36212: teams of the other extension are skipped',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => path.replace('project.yaml', 'project.yml'))),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'a server is set aside as .BAK',
    seen: 'argoproj/argo-cd#10987: a manifest renamed to .BAK, and the question what that means',
    steps: scene => commitAfter(scene, ['mv', 'servers/s1.yaml', 'servers/s1.yaml.BAK']),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'an editor leaves .orig instead of the file',
    seen: 'fluxcd/flux2#2627: the file named is not there any more, something else is',
    steps: scene => commitAfter(scene, ['mv', 'servers/s2.yaml', 'servers/s2.yaml.orig']),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'a server’s name gets a capital',
    seen: 'hashicorp/terraform#10792: renamed, it was deleted and not made again',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => path.replace('servers/s1', 'servers/S1'))),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'prompts are renamed to .markdown',
    seen: 'crowdsecurity/hub#661: the extension decides whether a file counts',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => path.replace(/^(prompts.*)\.md$/, '$1.markdown'))),
    shows: 'PRUNE_DISPLACED',
  },
  {
    what: 'every server gets another name and other content',
    seen: 'hashicorp/terraform#33540: a renamed resource is destroyed first',
    steps: ({ repository }, url) => {
      const fresh = [0, 1, 2, 3, 4].map(number => [
        `servers/new-s${number}.yaml`,
        serverFile(`new-${number}`, url).replace('tier: prod', 'tier: new'),
      ]);
      repository.commit({ ...removed('servers', 5), ...Object.fromEntries(fresh) });
    },
    shows: 'PruneHeld',
  },
  // ── contents of files ──
  {
    what: 'servers are LFS pointers',
    seen: 'argoproj/argo-cd#1853: manifests kept in LFS are applied as pointers',
    steps: ({ repository }, url) =>
      void repository.commit(rewritten(url, path => (path.startsWith('servers/') ? lfsPointer : undefined))),
    shows: 'ResourcesStalled',
  },
  {
    what: 'prompts are LFS pointers',
    seen: 'fluxcd/flux2#1895: a file kept in LFS is not fetched',
    steps: ({ repository }, url) =>
      void repository.commit(rewritten(url, path => (path.startsWith('prompts/') ? lfsPointer : undefined))),
    shows: 'FRONT_MATTER_MISSING',
  },
  {
    what: 'a server has conflict markers',
    seen: 'jlevy/tbd#155: a file with markers is skipped, and what it declared with it',
    steps: ({ repository }, url) => {
      const text = serverFile(1, url);
      repository.commit({ 'servers/s1.yaml': `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> theirs\n` });
    },
    shows: 'YAML_SYNTAX',
  },
  {
    what: 'a server is an empty file',
    seen: 'git-lfs/git-lfs#2449: an empty file stands for itself, or for nothing',
    steps: ({ repository }) => void repository.commit({ 'servers/s1.yaml': '' }),
    shows: 'ResourcesStalled',
  },
  {
    what: 'every file is empty but mcpctl.yaml',
    seen: 'dependabot/dependabot-core#11073: after its first property, the rest of a file was ignored',
    steps: ({ repository }, url) =>
      void repository.commit(rewritten(url, path => (/^(?:servers|prompts|projects)\//.test(path) ? '' : undefined))),
    shows: 'ResourcesStalled',
  },
  {
    what: 'servers are cut off in the middle',
    seen: 'fluxcd/kustomize-controller#391: fewer objects than the file had',
    steps: ({ repository }, url) =>
      void repository.commit(
        rewritten(url, (path, text) => (path.startsWith('servers/') ? text.slice(0, text.length / 2) : undefined)),
      ),
    shows: 'ResourcesStalled',
  },
  {
    what: 'a server is saved as UTF-16',
    seen: 'aaubry/YamlDotNet#324: an invisible beginning of a file makes it unreadable',
    steps: ({ repository }, url) =>
      void repository.commit({ 'servers/s1.yaml': Buffer.from(`\uFEFF${serverFile(1, url)}`, 'utf16le') }),
    shows: 'FILE_NOT_TEXT',
  },
  {
    what: 'a server is larger than a server may be',
    seen: 'argoproj/argo-cd#15058: a resource pruned while its source was read',
    steps: ({ repository }, url) =>
      void repository.commit({ 'servers/s1.yaml': `${serverFile(1, url)}${'# more\n'.repeat(50_000)}` }),
    shows: 'FILE_TOO_LARGE',
  },
  {
    what: 'aliases of a server expand without end',
    seen: 'argoproj/argo-cd#14090: something that is in the repository is pruned because it was not made out of it',
    steps: ({ repository }) => {
      const bomb = [
        'a: &a0 [x]',
        ...Array.from({ length: 20 }, (_, n) => `b${n}: &a${n + 1} [*a${n}, *a${n}, *a${n}]`),
      ];
      repository.commit({ 'servers/s1.yaml': `${bomb.join('\n')}\n` });
    },
    shows: 'YAML_LIMIT',
  },
  {
    what: 'every apiVersion is raised to one that is not known',
    seen: 'argoproj/argo-cd#9227: an update of how applications are written deleted them with all they had',
    steps: ({ repository }, url) =>
      void repository.commit(
        rewritten(url, (path, text) =>
          path === 'mcpctl.yaml' ? undefined : text.replace('mcpctl.dev/v1', 'mcpctl.dev/v2'),
        ),
      ),
    shows: 'IDENTITY_MISMATCH',
  },
  {
    what: 'search and replace changes every kind',
    seen: 'argoproj/applicationset#435: one that cannot be made stops those after it',
    steps: ({ repository }, url) =>
      void repository.commit(
        rewritten(url, (path, text) => (path.startsWith('servers/') ? text.replace('Server', 'Service') : undefined)),
      ),
    shows: 'IDENTITY_MISMATCH',
  },
  // ── fewer than there should be ──
  {
    what: 'a generator breaks off after the first server',
    seen: 'pulumi/pulumi#7050: what a program had not named when it threw was marked for deletion',
    steps: ({ repository }) =>
      void repository.commit({ ...removed('servers', 4), 'projects/names/project.yaml': project('{servers: [s4]}') }),
    shows: 'PruneHeld',
  },
  {
    what: 'a generator makes nothing, and exits well',
    seen: 'kubernetes-sigs/external-dns#3140: an error became an empty list, and the records were deleted',
    steps: scene => commitAfter(scene, ['rm', '-r', '--quiet', 'servers', 'projects']),
    shows: 'PruneHeld',
  },
  {
    what: 'an ignore rule swallows the files of a robot’s commit',
    seen: 'CentOS/container-index#271: renamed files did not come along, since they were ignored',
    steps: scene => {
      scene.repository.git('rm', '-r', '--quiet', '--cached', 'servers');
      scene.repository.git('commit', '--quiet', '-m', 'Clean up');
      scene.repository.git('push', '--quiet', 'origin', 'HEAD:main');
    },
    shows: 'PruneHeld',
  },
  {
    what: 'somebody commits from a sparse checkout',
    seen: 'kubernetes/git-sync#915: in a working tree without files, everything is deleted',
    steps: scene =>
      commitAfter(
        scene,
        ['sparse-checkout', 'set', '--no-cone', '/mcpctl.yaml', '/projects/'],
        ['rm', '-r', '--quiet', '--cached', '--sparse', 'servers', 'prompts'],
      ),
    shows: 'PruneHeld',
  },
  {
    what: 'more goes than the budget set in the same commit would allow before',
    seen: 'octodns/octodns#785: the threshold stopped a change, and the way past it was wanted',
    steps: ({ repository }) =>
      void repository.commit({
        ...removed('prompts', 4),
        'mcpctl.yaml': repositoryFile(', prune: {max: 100}'),
      }),
    shows: 'PruneHeld',
  },
  {
    what: 'nothing may go, and one does',
    seen: 'kubernetes/test-infra#8187: how many may be removed at once is a setting, with a careful default',
    more: { 'mcpctl.yaml': repositoryFile(', prune: {max: 0}') },
    steps: scene => commitAfter(scene, ['rm', '--quiet', 'prompts/p4.md']),
    shows: 'PruneHeld',
  },
  {
    what: 'one that is never to go is removed',
    seen: 'argoproj/argo-cd#19252: a resource of which pruning was to be switched off',
    more: { 'prompts/p4.md': '---\nlabels: {mcpctl.dev/prune: never}\n---\nPrompt 4.\n' },
    steps: scene => commitAfter(scene, ['rm', '--quiet', 'prompts/p4.md']),
    shows: 'PRUNE_KEPT',
  },
  {
    what: 'a server is removed that a project still names',
    seen: 'kubernetes-sigs/external-dns#3841: one faulty part, and what depended on it went as well',
    steps: scene => commitAfter(scene, ['rm', '--quiet', 'servers/s0.yaml', 'environments/prod/servers/s0.yaml']),
    shows: 'REFERENCE_UNRESOLVED',
  },
  // ── projects that would serve nothing ──
  {
    what: 'a project’s list is made empty',
    seen: 'fluxcd/kustomize-controller#391: `resources: []` where there were some',
    steps: ({ repository }) =>
      void repository.commit({ 'projects/names/project.yaml': project('{servers: [], prompts: [p0, p1]}') }),
    shows: 'PruneHeld',
  },
  {
    what: 'a project’s list is cut off',
    seen: 'kubernetes/org#4365: members left out of a list were removed from their teams',
    steps: ({ repository }) => void repository.commit({ 'projects/names/project.yaml': project('\n  servers:') }),
    shows: 'ResourcesStalled',
  },
  {
    what: 'a selector matches nothing any more',
    seen: 'rancher/fleet#3437: targets edited, and what they no longer matched was undeployed',
    steps: ({ repository }) =>
      void repository.commit({
        'projects/labels/project.yaml': project('{selector: {servers: {matchLabels: {tier: prd}}}}'),
      }),
    shows: 'PruneHeld',
  },
  {
    what: 'the label that a selector looks for is taken from every server',
    seen: 'kubernetes/kubernetes#66430: what a label does not select is taken for superfluous',
    steps: ({ repository }, url) =>
      void repository.commit(
        rewritten(url, (path, text) =>
          path.startsWith('servers/') ? text.replace('tier: prod', 'stage: prod') : undefined,
        ),
      ),
    shows: 'PruneHeld',
  },
  {
    what: 'an environment’s patch makes a selector match nothing',
    seen: 'argoproj/argo-cd#18480: clusters could not be listed, and all applications for them were deleted',
    followed: { environment: 'prod' },
    steps: ({ repository }) =>
      void repository.commit({
        'environments/prod/projects/labels/project.yaml': 'spec: {selector: {servers: {matchLabels: {tier: none}}}}\n',
      }),
    shows: 'PruneHeld',
  },
  // ── over time ──
  {
    what: 'removals wait, and the daemon starts again',
    seen: 'argoproj/argo-cd#18780: applications deleted suddenly, without a change',
    steps: async scene => {
      commitAfter(scene, ['rm', '-r', '--quiet', 'prompts', 'projects/names']);
      await scene.until('held', ({ prune }) => prune?.held !== undefined);
      await scene.restart();
    },
    shows: 'PruneHeld',
  },
  {
    what: 'removals wait, and a later commit changes something else',
    seen: 'pulumi/pulumi#16298: deletions that no change of that day explains',
    steps: async scene => {
      commitAfter(scene, ['rm', '-r', '--quiet', 'prompts', 'projects/names']);
      await scene.until('held', ({ prune }) => prune?.held !== undefined);
      const head = scene.repository.commit({ 'README.md': 'Something else.\n' });
      await scene.until('held for the newest', ({ prune }) => prune?.held?.commit === head);
    },
    shows: 'PruneHeld',
  },
  {
    what: 'another commit’s removals are allowed',
    seen: 'argoproj/gitops-engine#245: what was to be pruned depended on which comparison was last',
    steps: async scene => {
      const before = scene.repository.git('rev-parse', 'HEAD');
      commitAfter(scene, ['rm', '-r', '--quiet', 'prompts', 'projects/names']);
      await scene.until('held', ({ prune }) => prune?.held !== undefined);
      scene.reconciler.allowPrune(before);
    },
    shows: 'PruneHeld',
  },
];
