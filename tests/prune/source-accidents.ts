import { execFileSync } from 'node:child_process';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Accident, commitAfter, renamed, replaceHistory, rewritten } from './accident.ts';
import { baseFiles, repositoryFile, serverFile } from './scene.ts';

const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 120\n`;

/** The repository as a whole: out of reach, replaced, empty, or not the one that was meant. */
export const sourceAccidents: readonly Accident[] = [
  {
    what: 'the remote is gone',
    seen: 'argoproj/argo-cd#18212: git out of reach for a moment, and its applications were uninstalled',
    steps: ({ repository }) => rmSync(repository.bare, { recursive: true }),
    shows: 'SourceFailed',
  },
  {
    what: 'the remote is gone, and the daemon starts again',
    seen: 'argoproj/argo-cd#22127: applications deleted when the part that reads repositories was restarted',
    steps: async scene => {
      rmSync(scene.repository.bare, { recursive: true });
      await scene.restart();
    },
    shows: 'SourceFailed',
  },
  {
    what: 'the remote was made anew, and is empty',
    seen: 'argoproj/argo-cd#4464: nothing in the repository, and the application ended up with nothing',
    steps: ({ repository }) => {
      rmSync(repository.bare, { recursive: true });
      repository.git('init', '--quiet', '--bare', '--initial-branch=main', repository.bare);
    },
    shows: 'SourceFailed',
  },
  {
    what: 'the branch is deleted',
    seen: 'argoproj/argo-cd#15602: the forge deletes a merged branch that is still followed',
    steps: ({ repository }) => void repository.git('--git-dir', repository.bare, 'branch', '-D', 'main'),
    shows: 'SourceFailed',
  },
  {
    what: 'the branch is renamed',
    seen: 'operator-framework/operator-controller#67: main goes on under another name',
    steps: ({ repository }) => void repository.git('--git-dir', repository.bare, 'branch', '-m', 'main', 'trunk'),
    shows: 'SourceFailed',
  },
  {
    what: 'the branch is made anew without a common history, and empty',
    seen: 'operator-framework/operator-controller#67: a new, empty main takes the place of the old one',
    steps: scene => {
      const empty = scene.repository.git('commit-tree', '-m', 'Start over', '4b825dc642cb6eb9a060e54bf8d69288fbee4904');
      scene.repository.git('push', '--quiet', '--force', 'origin', `${empty}:refs/heads/main`);
    },
    shows: 'REPOSITORY_MISSING',
  },
  {
    what: 'every file is deleted',
    seen: 'argoproj/argo-cd#23645: an empty repository got past the protection against it',
    steps: scene => commitAfter(scene, ['rm', '-r', '--quiet', '.']),
    shows: 'REPOSITORY_MISSING',
  },
  {
    what: 'every file but the README is deleted',
    seen: 'fluxcd/kustomize-controller#187: no manifests left in a repository that is there',
    steps: scene => commitAfter(scene, ['rm', '-r', '--quiet', '.', ':!README.md']),
    shows: 'REPOSITORY_MISSING',
  },
  {
    what: 'everything but mcpctl.yaml is deleted',
    seen: 'argoproj/argo-cd#3996: all resources need pruning at once',
    steps: scene => commitAfter(scene, ['rm', '-r', '--quiet', '.', ':!mcpctl.yaml']),
    shows: 'PruneHeld',
  },
  {
    what: 'nobody whom this machine trusts has signed the commit, which deletes nearly everything',
    seen: 'argoproj/argo-cd#2492: what was pushed was synced, whoever had made it',
    steps: ({ repository }) => {
      repository.git('rm', '-r', '--quiet', '.', ':!mcpctl.yaml');
      repository.commit({ 'mcpctl.yaml': repositoryFile(', trust: {mode: release}') });
    },
    shows: 'ROOT_NOT_PINNED',
  },
  {
    what: 'another repository is at the same address',
    seen: 'fluxcd/flux2#2421: a second object pointed at another part of the tree, and took over what it found',
    steps: scene => replaceHistory(scene, { 'mcpctl.yaml': repositoryFile('', 'other.example') }),
    shows: 'REPOSITORY_OTHER',
  },
  {
    what: 'the repository’s id is edited',
    seen: 'fluxcd/flux2#3316: an object’s name was changed, and all that it had made was deleted',
    steps: ({ repository }) => void repository.commit({ 'mcpctl.yaml': repositoryFile('', 'renamed.example') }),
    shows: 'REPOSITORY_OTHER',
  },
  {
    what: 'an unrelated history with the same id is pushed over the branch',
    seen: 'fluxcd/image-automation-controller#329: a robot replaced the whole history by one commit of its own',
    steps: (scene, url) =>
      replaceHistory(scene, { 'mcpctl.yaml': repositoryFile(), 'servers/s0.yaml': serverFile(0, url) }),
    shows: 'PruneHeld',
  },
  {
    what: 'a force-push takes the branch back to its beginnings',
    seen: 'devtron-labs/devtron#5225: a race of two pushes, one of them forced, lost what the other had',
    steps: (scene, url) => {
      const files = Object.entries(baseFiles(url)).filter(([path]) => !/[sp][1-4]\.|projects/.test(path));
      replaceHistory(scene, Object.fromEntries(files));
    },
    shows: 'PruneHeld',
  },
  {
    what: 'the mirror that is followed was copied half',
    seen: 'kubernetes/git-sync#915: a repository in which every file counted as deleted',
    steps: ({ repository }) => {
      const whole = `${repository.bare}.whole`;
      repository.commit({ 'servers/s0.yaml': null });
      renameSync(repository.bare, whole);
      cpSync(whole, repository.bare, { recursive: true, filter: path => !/objects\/[0-9a-f]{2}$|\.pack$/.test(path) });
    },
    shows: 'SourceFailed',
  },
  {
    what: 'a blob of the commit is damaged',
    seen: 'argoproj/argo-cd#14090: a resource pruned that was in the repository all the time',
    steps: ({ repository }) => {
      repository.commit({ 'servers/s0.yaml': 'x: 1\n', 'servers/s1.yaml': 'x: 2\n' });
      const blob = repository.git('rev-parse', 'HEAD:servers/s1.yaml');
      const object = join(repository.bare, 'objects', blob.slice(0, 2), blob.slice(2));
      execFileSync('chmod', ['u+w', object]);
      rmSync(object);
    },
    shows: 'SourceFailed',
  },
  {
    what: 'the daemon is started with a path that is not there',
    seen: 'argoproj/argo-cd#5205: a path that no longer exists, and the wish that this should delete',
    steps: scene => scene.restart({ path: 'gitpos' }),
    shows: 'SourceFailed',
  },
  {
    what: 'the daemon is started with the path of something else',
    seen: 'fluxcd/flux2#2421: staging’s folder given where production’s was meant',
    more: { 'staging/mcpctl.yaml': repositoryFile('', 'staging.example') },
    steps: scene => scene.restart({ path: 'staging' }),
    shows: 'REPOSITORY_OTHER',
  },
  {
    what: 'the daemon is started with the path of a copy that has little in it',
    seen: 'fluxcd/flux2#1035: a migration made with pruning on took a folder for the whole',
    more: { 'copy/mcpctl.yaml': repositoryFile(), 'copy/prompts/p0.md': '---\n---\nPrompt 0.\n' },
    steps: scene => scene.restart({ path: 'copy' }),
    shows: 'PruneHeld',
  },
  {
    what: 'the daemon is started with the ref of a branch that has little in it',
    seen: 'skkuding/codedang#3607: production follows a branch from which others delete',
    steps: async scene => {
      commitAfter(scene, ['checkout', '--quiet', '-b', 'feature'], ['rm', '-r', '--quiet', 'servers', 'projects']);
      scene.repository.git('push', '--quiet', 'origin', 'feature');
      scene.repository.git('push', '--quiet', '--force', 'origin', 'feature~1:main');
      await scene.restart({ ref: 'feature' });
    },
    shows: 'PruneHeld',
  },
  {
    what: 'everything moves into a subfolder',
    seen: 'fluxcd/helm-controller#1340: a folder got another name, and all of it was made anew',
    steps: ({ repository }, url) => void repository.commit(renamed(url, path => `gitops/${path}`)),
    shows: 'REPOSITORY_MISSING',
  },
  {
    what: 'everything but mcpctl.yaml moves into a subfolder',
    seen: 'fluxcd/kustomize-controller#338: what moved a level deeper was deleted first',
    steps: ({ repository }, url) =>
      void repository.commit(renamed(url, path => (path === 'mcpctl.yaml' ? path : `gitops/${path}`))),
    shows: 'PruneHeld',
  },
  {
    what: 'mcpctl.yaml becomes mcpctl.yml',
    seen: 'fleetdm/fleet#36212: files of the other extension are passed over without a word',
    steps: scene => commitAfter(scene, ['mv', 'mcpctl.yaml', 'mcpctl.yml']),
    shows: 'REPOSITORY_MISSING',
  },
  {
    what: 'mcpctl.yaml is a symbolic link',
    seen: 'sa-mw-dach/manuela#180: links in place of files, to keep everything in one folder',
    steps: ({ repository }) => void repository.commit({ 'mcpctl.yaml': { link: 'README.md' } }),
    shows: 'FILE_NOT_REGULAR',
  },
  {
    what: 'mcpctl.yaml is an LFS pointer',
    seen: 'argoproj/argo-cd#1853: pointers are taken for the files they stand for',
    steps: ({ repository }) => void repository.commit({ 'mcpctl.yaml': lfsPointer }),
    shows: 'CommitRefused',
  },
  {
    what: 'mcpctl.yaml has conflict markers',
    seen: 'jlevy/tbd#155: markers made a file unreadable, and what it declared vanished',
    steps: ({ repository }) =>
      void repository.commit({ 'mcpctl.yaml': `<<<<<<< ours\n${repositoryFile()}=======\n>>>>>>> theirs\n` }),
    shows: 'YAML_SYNTAX',
  },
  {
    what: 'mcpctl.yaml is cut off',
    seen: 'kubernetes/org#4365: a configuration that said less than it should, taken at its word',
    steps: ({ repository }) => void repository.commit({ 'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repos' }),
    shows: 'CommitRefused',
  },
  {
    what: 'the followed environment is removed',
    seen: 'argoproj/argo-cd#18780: sets of applications deleted when what they were generated for was not listed',
    followed: { environment: 'prod' },
    steps: scene => commitAfter(scene, ['rm', '-r', '--quiet', 'environments']),
    shows: 'ENVIRONMENT_UNKNOWN',
  },
  {
    what: 'the followed environment gets another name',
    seen: 'rancher/fleet#3437: a target that no longer matches is undeployed',
    followed: { environment: 'prod' },
    steps: scene => commitAfter(scene, ['mv', 'environments/prod', 'environments/production']),
    shows: 'ENVIRONMENT_UNKNOWN',
  },
  {
    what: 'export-ignore and sourceignore rules leave everything out',
    seen: 'fluxcd/source-controller#704: a change of the rules what to leave out',
    steps: ({ repository }) =>
      void repository.commit({ '.gitattributes': '* export-ignore\n', '.sourceignore': '/*\n' }),
    shows: 'AllReady',
  },
  {
    what: 'every line ends in CR LF',
    seen: 'dependabot/dependabot-core#11073: how an editor saves a file decides what is read of it',
    steps: ({ repository }, url) =>
      void repository.commit(rewritten(url, (_path, text) => text.replaceAll('\n', '\r\n'))),
    shows: 'AllReady',
  },
  {
    what: 'every file begins with a byte order mark',
    seen: 'dependabot/dependabot-core#11073: with a mark, only the first property of a file is seen',
    steps: ({ repository }, url) => void repository.commit(rewritten(url, (_path, text) => `\uFEFF${text}`)),
    shows: 'AllReady',
  },
];
