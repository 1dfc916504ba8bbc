/**
 * What can be wrong, as data. A problem says what, where and what to do next; it never holds a secret.
 * Expected trouble (an invalid document, a server that does not start) is returned as `Problem`s; a fault that ends
 * an operation is thrown as a `ProblemError`. The table below is the only list of codes: `docs/problems.md` is
 * generated from it.
 */

import { printable } from './quote.ts';

/** `error` refuses the resource (or the operation); `warning` is shown and refuses nothing. */
export type Severity = 'error' | 'warning';

/** A place in a repository file. Lines and columns count from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  file: string;
  line?: number;
  column?: number;
}

interface Code {
  severity: Severity;
  /** One sentence for the documentation: what the code means. */
  meaning: string;
  /** One sentence for the documentation: what a person does about it. */
  cure: string;
}

/** The table; made when the first problem is, for most commands meet none. */
function allCodes() {
  return {
    // ── files and documents ──
    YAML_SYNTAX: {
      severity: 'error',
      meaning: 'The file is not valid YAML 1.2.',
      cure: 'Mend the syntax at the position named.',
    },
    YAML_VERSION: {
      severity: 'error',
      meaning: 'A `%YAML` directive names a version other than 1.2.',
      cure: 'Remove the directive; every file is YAML 1.2.',
    },
    YAML_DUPLICATE_KEY: {
      severity: 'error',
      meaning: 'A mapping has the same key twice.',
      cure: 'Keep one of the two.',
    },
    YAML_LIMIT: {
      severity: 'error',
      meaning: 'The document is nested too deeply, has too many parts, or its aliases expand to too much.',
      cure: 'Flatten or split the document; aliases are for small repetitions only.',
    },
    YAML_UNSUPPORTED: {
      severity: 'error',
      meaning:
        'The document uses a part of YAML that the repository format leaves out: tags, `%TAG`, merge keys, keys that are not text, or several documents in one file.',
      cure: 'Write it out plainly.',
    },
    FILE_TOO_LARGE: {
      severity: 'error',
      meaning: 'The file is larger than its kind may be.',
      cure: 'Make the file smaller.',
    },
    FILE_NOT_TEXT: {
      severity: 'error',
      meaning: 'The file is not UTF-8 text.',
      cure: 'Save it as UTF-8 without NUL bytes.',
    },
    FILE_TOO_COSTLY: {
      severity: 'error',
      meaning: 'Reading this file exhausted the reader process (time or memory).',
      cure: 'Simplify the file; the rest of the commit was read without it.',
    },
    FILE_NOT_REGULAR: {
      severity: 'error',
      meaning: 'A symbolic link or a submodule stands where a file is expected; neither is followed.',
      cure: 'Replace it by a regular file.',
    },
    FILE_UNKNOWN: {
      severity: 'warning',
      meaning: 'A file in one of the repository format’s folders has no meaning there and is not read.',
      cure: 'Rename it (YAML files end in `.yaml`, prompts in `.md`), or move it out of the folder.',
    },
    FILE_UNMERGED: {
      severity: 'error',
      meaning: 'The index has several versions of the file: a merge is not done.',
      cure: 'Resolve the conflict, then `git add` the file.',
    },
    FRONT_MATTER_MISSING: {
      severity: 'error',
      meaning:
        'A Markdown resource does not open with a line of exactly `---`, or its front matter is not closed by one.',
      cure: 'Begin the file with `---`, the front matter, and `---`, each delimiter alone on its line.',
    },
    FIELD_UNKNOWN: { severity: 'error', meaning: 'The kind has no such field.', cure: 'Correct or remove the field.' },
    FIELD_MISSING: { severity: 'error', meaning: 'A required field is missing.', cure: 'Add the field.' },
    FIELD_INVALID: {
      severity: 'error',
      meaning: 'A field has a value that its type or rule does not allow.',
      cure: 'Correct the value.',
    },
    NAME_INVALID: {
      severity: 'error',
      meaning: 'A file or folder name is not a DNS label of the length its kind allows.',
      cure: 'Use lower-case letters, digits and `-`; at most 24 characters for servers and projects, 63 for the rest.',
    },
    IDENTITY_MISMATCH: {
      severity: 'error',
      meaning: 'The file says another kind, name or apiVersion than its path does.',
      cure: 'Make the file agree with its path, or move it.',
    },
    FILE_EXTENSION: {
      severity: 'error',
      meaning:
        'A file would declare a resource if its name had the extension of its kind: `.yaml`, or `.md` for prompts.',
      cure: 'Rename it; until then the resource stays as it was.',
    },
    // ── what is taken out of service ──
    PRUNE_HELD: {
      severity: 'error',
      meaning:
        'The commit would take more out of service than `prune.max` allows, or everything of a sort; all its removals wait.',
      cure: 'Mend the repository if it is an accident; else `mcpctl reconcile --allow-prune COMMIT`.',
    },
    PRUNE_DISPLACED: {
      severity: 'error',
      meaning:
        'A resource is no longer declared, but a misplaced or misnamed file looks like its own; it stays in service.',
      cure: 'Put the file where it belongs, or remove it as well.',
    },
    PRUNE_KEPT: {
      severity: 'warning',
      meaning: 'A resource is no longer declared, and stays in service because it says `prune: never`.',
      cure: 'To remove it, declare it again with `prune: auto`, and remove that in a later commit.',
    },
    PRUNE_FAILED: {
      severity: 'error',
      meaning: 'An instance that is no longer declared could not be ended; it is tried again.',
      cure: 'See the message; the instance stays in the inventory until it is gone.',
    },
    PRUNE_NOT_HELD: {
      severity: 'error',
      meaning: '`--allow-prune` names a commit whose removals do not wait for it.',
      cure: '`mcpctl status` names the commit that waits, if one does, and what it removes.',
    },
    // ── the catalog as a whole ──
    REPOSITORY_MISSING: {
      severity: 'error',
      meaning: 'The commit has no `mcpctl.yaml` at the repository’s root (or below `--path`).',
      cure: 'Add `mcpctl.yaml`, or name the folder that has it with `--path`.',
    },
    REPOSITORY_OTHER: {
      severity: 'error',
      meaning: 'The commit’s `mcpctl.yaml` has another `id` than the repository that was followed so far.',
      cure: 'Check the address, `--ref` and `--path`; a repository with a new id needs a `--state-dir` of its own.',
    },
    PROBLEMS_OMITTED: {
      severity: 'warning',
      meaning: 'There are more problems than are shown.',
      cure: 'Mend those that are shown; `mcpctl validate` in a working tree shows all.',
    },
    DUPLICATE_RESOURCE: {
      severity: 'error',
      meaning:
        'Two files declare the same resource (same kind, scope and name, also when only case or Unicode form differ).',
      cure: 'Rename or remove one of the files.',
    },
    REFERENCE_UNRESOLVED: {
      severity: 'error',
      meaning: 'A resource names another one that the catalog does not have.',
      cure: 'Correct the name, or add what it names.',
    },
    SELECTOR_LIMIT: {
      severity: 'error',
      meaning: 'A project’s label selector matches more than 1,024 resources, or all selectors together take too long.',
      cure: 'Select by a label that fewer resources have, or name what the project needs.',
    },
    PROMPT_ARGUMENT_UNDECLARED: {
      severity: 'error',
      meaning: 'A prompt’s body uses an argument that its front matter does not declare.',
      cure: 'Declare the argument, or correct its name.',
    },
    PROMPT_ARGUMENT_UNUSED: {
      severity: 'warning',
      meaning: 'A prompt declares an argument that its body never uses.',
      cure: 'Use the argument as `{{name}}`, or remove it.',
    },
    SCOPE_CONFLICT: {
      severity: 'error',
      meaning: 'A path puts a resource into a project and into an agent at once.',
      cure: 'Move it into one of the two; what both need is global.',
    },
    PATH_COLLISION: {
      severity: 'error',
      meaning: 'Two paths differ only by upper and lower case or by Unicode form, so that some disks cannot hold both.',
      cure: 'Rename one of the two.',
    },
    DEPENDENCY_CYCLE: {
      severity: 'error',
      meaning: 'Servers wait for each other in a circle, or groups contain each other.',
      cure: 'Remove one of the dependencies that the message names.',
    },
    IMAGE_NOT_PINNED: {
      severity: 'warning',
      meaning: 'A container image is named by a tag, behind which its owner may put another image at any time.',
      cure: 'Name it by digest, `name@sha256:…`, or by image id.',
    },
    TEMPLATE_PARAMETER_UNDECLARED: {
      severity: 'error',
      meaning: 'A template uses a parameter that it does not declare.',
      cure: 'Declare the parameter, or correct its name; a doubled `$` stands for one that is meant as text.',
    },
    TEMPLATE_PARAMETER_UNUSED: {
      severity: 'warning',
      meaning: 'A template declares a parameter that nothing in it uses.',
      cure: 'Use the parameter in `server`, or remove it.',
    },
    TEMPLATE_VALUE_INVALID: {
      severity: 'error',
      meaning: 'A value given for a template’s parameter is missing, unknown, or not what its type allows.',
      cure: 'Give the value with `--set NAME=VALUE`; `mcpctl describe template NAME` lists what can be set.',
    },
    SKILL_NESTED: {
      severity: 'error',
      meaning: 'A skill’s folder lies within another skill’s, so that its files would belong to both.',
      cure: 'Move one of the two out of the other.',
    },
    BUNDLE_FILE_MISSING: {
      severity: 'error',
      meaning: 'A skill names a script that is no file of its own folder.',
      cure: 'Add the file to the skill’s folder, or correct the path.',
    },
    BUNDLE_TOO_LARGE: {
      severity: 'error',
      meaning: 'A skill has too many files, or too many bytes together.',
      cure: 'Remove what it does not need; large files do not belong in a skill.',
    },
    PATCH_UNMATCHED: {
      severity: 'error',
      meaning: 'An environment’s patch is for a resource that the repository does not declare.',
      cure: 'Correct the patch’s path, add what it is for, or remove the patch.',
    },
    ENVIRONMENT_UNKNOWN: {
      severity: 'error',
      meaning: 'An environment is named that the repository does not have.',
      cure: 'Correct its name, or add its folder below `environments/`.',
    },
    TOOL_NAME_TOO_LONG: {
      severity: 'warning',
      meaning: 'A tool’s full name, with the prefixes that clients add, is longer than the 64 characters they allow.',
      cure: 'Shorten the name of the server or of the project.',
    },
    RESOURCE_UNUSED: {
      severity: 'warning',
      meaning: 'Nothing uses a resource that is only there to be used.',
      cure: 'Use it, or remove it.',
    },
    RESOURCE_SHADOWED: {
      severity: 'warning',
      meaning: 'A project serves a global resource that its own one of the same name hides.',
      cure: 'Rename one of the two, or take the global one out of the project.',
    },
    FIELD_NOT_ACTED_ON: {
      severity: 'warning',
      meaning: 'A field is valid, but this version does nothing about it yet.',
      cure: 'Nothing to do; it takes effect with a version that knows it.',
    },
    KIND_NOT_ACTED_ON: {
      severity: 'warning',
      meaning: 'The repository declares resources of a kind that this version does nothing about yet.',
      cure: 'Nothing to do; they take effect with a version that knows them.',
    },
    LOCK_MISSING: {
      severity: 'warning',
      meaning: 'An npm server has no reviewed lock, so its dependencies are resolved anew on each machine.',
      cure: 'Run `mcpctl lock NAME` and commit what it writes.',
    },
    LOCK_MISMATCH: {
      severity: 'error',
      meaning: 'A lock is for another package or version than its server declares.',
      cure: 'Run `mcpctl lock NAME` again and review the difference.',
    },
    LOCK_INVALID: {
      severity: 'error',
      meaning:
        'A lock is not a package-lock that can be trusted: no integrity, or a dependency from outside the registry.',
      cure: 'Run `mcpctl lock NAME` again and review the difference.',
    },
    LOCK_UNUSED: { severity: 'warning', meaning: 'A lock belongs to no npm server.', cure: 'Remove the lock.' },
    // ── the remote ──
    REMOTE_UNSUPPORTED: {
      severity: 'error',
      meaning:
        'The repository’s address is not a path, `file://`, `http://`, `https://` or `ssh://`, or it carries credentials.',
      cure: 'Give a supported address; credentials belong in the environment or a 0600 file.',
    },
    REMOTE_NOT_FOUND: {
      severity: 'error',
      meaning: 'There is no git repository at the address.',
      cure: 'Check the address.',
    },
    REMOTE_AUTH: {
      severity: 'error',
      meaning: 'The remote refused the credentials, or wants some.',
      cure: 'Over https: set MCPCTL_GIT_TOKEN, or MCPCTL_GIT_USERNAME and MCPCTL_GIT_PASSWORD, or write ~/.mcpctl/git-credentials with mode 0600. Over ssh: add this machine’s deploy key at the forge.',
    },
    REMOTE_TIMEOUT: {
      severity: 'error',
      meaning: 'The remote did not answer in time.',
      cure: 'Check the remote; the next poll tries again.',
    },
    REMOTE_UNREACHABLE: {
      severity: 'error',
      meaning: 'The remote could not be reached, or what it sent is not usable.',
      cure: 'Check the network and the remote.',
    },
    SSH_MISSING: {
      severity: 'error',
      meaning: 'An ssh address is followed, but ssh or ssh-keygen is not installed.',
      cure: 'Install OpenSSH’s client (`openssh-client`), or follow the `https://` address.',
    },
    HOST_KEY_UNKNOWN: {
      severity: 'error',
      meaning: 'No key of the ssh host is pinned, so it was not spoken with.',
      cure: 'Compare the fingerprint with what the host’s owner publishes, then start once with `--host-key`.',
    },
    HOST_KEY_MISMATCH: {
      severity: 'error',
      meaning: 'The ssh host has none of the keys given with `--host-key`.',
      cure: 'Check the fingerprint with the host’s owner; somebody may stand between you and the host.',
    },
    HOST_KEY_CHANGED: {
      severity: 'error',
      meaning: 'The ssh host shows another key than the one that was pinned; nothing was fetched.',
      cure: 'Ask the host’s owner whether the key was changed; if so, start once with `--host-key` and the new fingerprint.',
    },
    REMOTE_RATE_LIMITED: {
      severity: 'error',
      meaning: 'The remote asked to be left alone for a while, and is not asked before that.',
      cure: 'Nothing to do; the first poll after it tries again. Raise `--poll` if it happens often.',
    },
    REMOTE_TOO_LARGE: {
      severity: 'error',
      meaning: 'A fetch brought more than its limit and was ended; the last good revision stays in service.',
      cure: 'Find what makes the repository large, or set MCPCTL_GIT_MAX_FETCH_MIB.',
    },
    HISTORY_REWRITTEN: {
      severity: 'warning',
      meaning: 'The followed branch was moved to a commit that does not descend from the one before (a forced push).',
      cure: 'If nobody meant to, push the old commit back; protect the branch against forced pushes.',
    },
    NOTIFICATION_FAILED: {
      severity: 'warning',
      meaning: 'A notification could not be delivered: its address is not allowed, does not answer, or refuses it.',
      cure: 'Check the address and the receiver; later notifications are tried all the same.',
    },
    REF_INVALID: {
      severity: 'error',
      meaning: 'The ref or path is not one git accepts, or looks like an option.',
      cure: 'Give a branch name such as `main`, or a plain relative path.',
    },
    REF_NOT_FOUND: {
      severity: 'error',
      meaning: 'The remote has no such branch; an empty repository has none at all.',
      cure: 'Push the branch, or name another with `--ref`.',
    },
    READ_FAILED: {
      severity: 'error',
      meaning: 'The commit could not be read within its limits, or its objects are damaged.',
      cure: 'See the message; the last good revision stays in service.',
    },
    GIT_MISSING: {
      severity: 'error',
      meaning: 'git is not installed, or too old.',
      cure: 'Install git 2.36 or newer.',
    },
    // ── trust and releases ──
    ROOT_INVALID: {
      severity: 'error',
      meaning: 'A file of `trust/root/` is not a version of the root of trust, or the chain of versions does not hold.',
      cure: 'Restore the file from git’s history; only `mcpctl trust` writes it.',
    },
    MANIFEST_INVALID: {
      severity: 'error',
      meaning: 'A release’s manifest is not one, or not in its canonical form.',
      cure: 'Make a new release with `mcpctl release`.',
    },
    RELEASE_INVALID: {
      severity: 'error',
      meaning: 'A tag is not that of a release.',
      cure: 'Make releases with `mcpctl release`; `mcpctl verify` tells what is wrong with one.',
    },
    NOT_TRUSTED: {
      severity: 'error',
      meaning: 'A release or a root of trust is not trusted: the message names the check that failed.',
      cure: 'See every check with `mcpctl verify --explain`; what is in service stays.',
    },
    TRUST_UNUSABLE: {
      severity: 'error',
      meaning: 'The pinned root or the high-water mark of this machine cannot be read, so nothing is trusted.',
      cure: 'See the message; after looking why, remove the folder and pin the root anew with `mcpctl trust add`.',
    },
    ROOT_PINNED: {
      severity: 'error',
      meaning: 'Another root of trust is pinned on this machine for the repository.',
      cure: 'Ask who runs the repository; if it really has a new root, remove the old one’s folder first.',
    },
    RELEASE_PASSED_OVER: {
      severity: 'warning',
      meaning: 'A tag with the name of a release is not trusted, and is passed over; what is in service stays.',
      cure: 'See the check that failed with `mcpctl verify TAG --explain`; find out who made the tag.',
    },
    PACKAGE_NOT_LOCKED: {
      severity: 'error',
      meaning: 'Where only releases are followed, an npm server without a reviewed lock is refused.',
      cure: 'Run `mcpctl lock NAME`, commit what it writes, and release again.',
    },
    IMAGE_REFUSED: {
      severity: 'error',
      meaning: 'Where only releases are followed, an image that is not named by digest is refused.',
      cure: 'Name it by digest, `name@sha256:…`, and release again.',
    },
    STRATEGY_IGNORED: {
      severity: 'warning',
      meaning: 'A server with a fixed port says `rolling`: it is replaced by `recreate` all the same.',
      cure: 'Remove `port`, so that each instance gets a free one, or say `recreate`.',
    },
    ISOLATION_REQUIRED: {
      severity: 'error',
      meaning:
        'Where only releases are followed, a process server without `isolation` is refused, unless `mcpctl.yaml` spells out `requireIsolation`.',
      cure: 'Declare its `isolation`, or write `requireIsolation: true`; `requireIsolation: false` accepts that it has the daemon’s own rights.',
    },
    ROOT_MISSING: {
      severity: 'error',
      meaning: 'The repository has no root of trust, or not the one that was named.',
      cure: 'Make one with `mcpctl trust init`, and commit it.',
    },
    ROOT_NOT_PINNED: {
      severity: 'error',
      meaning: 'This machine has no pinned root for the repository, so that it can trust no release of it.',
      cure: 'Run `mcpctl trust add REPO --fingerprint sha256:…`; the fingerprint comes from who runs the repository.',
    },
    RELEASE_NOTHING: {
      severity: 'error',
      meaning: 'Nothing changed since the last release, so that there is nothing to release.',
      cure: 'Commit what is to be released; `mcpctl release --renew` makes the same content a new release.',
    },
    RELEASE_RACED: {
      severity: 'error',
      meaning: 'Somebody else made a release in the meantime; nothing was pushed.',
      cure: 'Run the command again: it fetches that release and follows it.',
    },
    RELEASE_UNKNOWN: {
      severity: 'error',
      meaning: 'There is no such release here.',
      cure: 'Fetch the tags with `git fetch --tags`, then list them with `git tag --list "v*"`.',
    },
    SIGNING_FAILED: {
      severity: 'error',
      meaning: 'ssh-keygen or the ssh-agent did not sign, so nothing was tagged and nothing pushed.',
      cure: 'See ssh-keygen’s own words; name a key with `--sign-key`.',
    },
    VERSION_REFUSED: {
      severity: 'error',
      meaning: 'A version that was asked for is none, or is not above the last one.',
      cure: 'Ask for a higher one.',
    },
    // ── skills on a developer’s disk ──
    SKILLS_UNCONFIGURED: {
      severity: 'error',
      meaning: 'Nothing says where this machine’s skills come from.',
      cure: 'Run `mcpctl skills sync --from REPO` once.',
    },
    SKILLS_PROJECT_UNKNOWN: {
      severity: 'error',
      meaning: 'The project named by `--project` or a `.mcpctl-project` file is not there, or the file cannot be read.',
      cure: 'Correct the name; nothing was removed.',
    },
    SKILLS_STATE_UNUSABLE: {
      severity: 'error',
      meaning: 'What mcpctl remembers of installed skills cannot be read or saved.',
      cure: 'Check the disk’s space and the rights of `~/.mcpctl`; the next sync goes on from there.',
    },
    SKILLS_BUSY: {
      severity: 'error',
      meaning: 'Another sync on this machine takes longer than this one was ready to wait.',
      cure: 'Run it again when the other one has ended.',
    },
    SKILL_REFUSED: {
      severity: 'error',
      meaning:
        'A skill’s bundle could harm the disk it is written to, or is larger than a skill may be; nothing was written.',
      cure: 'Rename or remove the file in the repository.',
    },
    SKILL_INVALID: {
      severity: 'error',
      meaning: 'A skill of the repository is not valid; the copy on this disk stays as it is.',
      cure: 'Run `mcpctl validate` in the repository.',
    },
    SKILL_WRITE_FAILED: {
      severity: 'error',
      meaning: 'A skill could not be written to this disk; the one before stays.',
      cure: 'Mend what the system says; the next sync tries again.',
    },
    SKILL_FOREIGN: {
      severity: 'warning',
      meaning: 'Something that mcpctl did not put there stands where a skill belongs; it was left alone.',
      cure: 'Move it away, or rename the skill.',
    },
    SKILL_EDITED: {
      severity: 'warning',
      meaning: 'A skill was edited on this disk; it was neither updated nor removed.',
      cure: 'See `mcpctl skills diff NAME`; `--adopt` proposes the edit, `--restore` takes it back.',
    },
    SKILL_KEPT: {
      severity: 'warning',
      meaning: 'Files that are not the release’s were moved out of the way and kept.',
      cure: 'Look through the folder named, and delete it when nothing in it is needed.',
    },
    SKILL_VERSION: {
      severity: 'error',
      meaning: 'A project takes other versions of a skill than the one there is.',
      cure: 'Change `spec.versions.skills` of the project, release a version within the range, or make a global skill the project’s own: move it to `projects/<name>/skills/`.',
    },
    SKILL_SCRIPT_FAILED: {
      severity: 'error',
      meaning: 'A script of a skill, `postInstall` or `preUninstall`, did not succeed.',
      cure: 'See its log in `~/.mcpctl/skills/<name>/install.log`.',
    },
    SKILL_HOOKS_LEFT: {
      severity: 'warning',
      meaning:
        'The hooks of skills could not be put into a client’s settings file, or an entry there was changed by hand.',
      cure: 'Mend the file; the next sync puts them in.',
    },
    SKILL_HOOKS_IDLE: {
      severity: 'warning',
      meaning: 'The hooks of skills stand in a client’s settings, but a setting keeps them from running.',
      cure: 'Change the setting, or ask whoever manages this machine.',
    },
    SKILL_SERVER_UNATTACHED: {
      severity: 'warning',
      meaning: 'A skill needs an MCP server that it could not be given.',
      cure: 'Declare the server, or let a project take the skill in.',
    },
    // ── revisions ──
    REVISION_NOT_FOUND: {
      severity: 'error',
      meaning: 'Nothing in the history has that name: no commit, branch, tag, version or release.',
      cure: 'List what there is with `mcpctl log`, or `mcpctl get revisions KIND NAME`.',
    },
    REVISION_AMBIGUOUS: {
      severity: 'error',
      meaning: 'A shortened commit id is the beginning of several commits’ ids.',
      cure: 'Give more of its digits.',
    },
    REVISION_TOO_EARLY: {
      severity: 'error',
      meaning: 'A date is before the first commit of the history.',
      cure: 'Give a later date.',
    },
    HISTORY_SHALLOW: {
      severity: 'warning',
      meaning: 'The repository has only the newest part of its history, so that older revisions are missing.',
      cure: 'Get the rest with `git fetch --unshallow`.',
    },
    DIFF_TOO_LARGE: {
      severity: 'warning',
      meaning: 'A difference is larger than what is shown line by line, so that only its size is told.',
      cure: 'Compare a single resource, or look at the files with `git diff`.',
    },
    REVISION_INVALID: {
      severity: 'warning',
      meaning: 'What a revision says does not validate; it is shown as text.',
      cure: 'Mend it, or restore an older revision with `mcpctl restore`.',
    },
    // ── running servers ──
    SECRET_UNRESOLVED: {
      severity: 'error',
      meaning: 'A secret reference could not be resolved, so the instance was not started.',
      cure: 'Provide the variable or the 0600 file that the Secret names.',
    },
    PACKAGE_INSTALL_FAILED: {
      severity: 'error',
      meaning: 'An npm server’s package could not be installed.',
      cure: 'See npm’s own words in the message; `mcpctl lock NAME` renews a lock.',
    },
    RUNTIME_UNSUPPORTED: {
      severity: 'error',
      meaning:
        'A server needs something to run it that this version does not have: an image, a Python package, another runtime or transport.',
      cure: 'Declare it as an npm package, a command or a URL, or wait for a version that can run it.',
    },
    NPM_MISSING: { severity: 'error', meaning: 'npm is not on the PATH, and a server needs it.', cure: 'Install npm.' },
    SERVER_BINARY_MISSING: {
      severity: 'error',
      meaning: 'The server’s command does not exist or may not be executed.',
      cure: 'Install the command on this machine, or correct the Server.',
    },
    SERVER_EXITED: {
      severity: 'error',
      meaning: 'The server’s process ended; the message quotes its last line.',
      cure: 'Read `mcpctl status`; it is restarted with backoff.',
    },
    SERVER_INITIALIZE_TIMEOUT: {
      severity: 'error',
      meaning: 'The server did not answer `initialize` in time.',
      cure: 'Check that the command is an MCP server of the declared transport.',
    },
    SERVER_PROTOCOL: {
      severity: 'error',
      meaning: 'The server sent something that is not MCP, or more than is allowed in one message.',
      cure: 'Check that the server writes only JSON-RPC to its standard output.',
    },
    SERVER_TIMEOUT: {
      severity: 'error',
      meaning: 'A running server did not answer a request in time.',
      cure: 'Try again; `mcpctl status` tells whether the server is Ready.',
    },
    SERVER_ITEM_DROPPED: {
      severity: 'warning',
      meaning: 'A server lists a tool or prompt that cannot be served: its name is unusable, or there are too many.',
      cure: 'Correct the server; its other tools and prompts are served.',
    },
    SERVER_UNREACHABLE: {
      severity: 'error',
      meaning: 'The server’s address could not be reached or is not allowed.',
      cure: 'Check the address and the port.',
    },
    PORT_TAKEN: {
      severity: 'error',
      meaning: 'The server’s port is in use on this machine.',
      cure: 'Free the port, or leave `port` out so that a free one is chosen.',
    },
    // ── the health of running servers ──
    SERVER_START_TIMEOUT: {
      severity: 'error',
      meaning: 'What runs the server did not start it in time.',
      cure: 'Check the runtime, such as Docker; it is tried again with backoff.',
    },
    SERVER_UNHEALTHY: {
      severity: 'error',
      meaning: 'The server runs, but its health checks fail; the message has the server’s own words.',
      cure: 'Read `mcpctl describe instance NAME`; with `healthCheck.restart: true` it is restarted by itself.',
    },
    UNSANDBOXED: {
      severity: 'warning',
      meaning: 'The process runtime isolates nothing: the server runs with the daemon’s own rights.',
      cure: 'Run mcpctl as a user of its own, or wait for a runtime that isolates.',
    },
    // ── where servers run ──
    RUNTIME_EXEC_FAILED: {
      severity: 'error',
      meaning: 'A program could not be run beside an instance.',
      cure: 'See the runtime’s own words in the message.',
    },
    RUNTIME_UNREACHABLE: {
      severity: 'error',
      meaning:
        'The runtime that a server needs does not answer: Docker or the cluster is not there, stopped, or may not be spoken with.',
      cure: 'Start it; what waits for it goes on when it answers. `DOCKER_HOST` says where Docker listens.',
    },
    RUNTIME_REFUSED: {
      severity: 'error',
      meaning: 'The runtime answered that it will not do what was asked.',
      cure: 'See the runtime’s own words in the message.',
    },
    IMAGE_MISSING: {
      severity: 'error',
      meaning: 'A container image is not on this machine and could not be pulled.',
      cure: 'See Docker’s own words in the message; pull or build the image by hand.',
    },
    ISOLATION_IMPOSSIBLE: {
      severity: 'error',
      meaning: 'A server declares, or a policy requires, an isolation that its runtime cannot give on this machine.',
      cure: 'Change `isolation`, or run the server on another runtime.',
    },
    LIMIT_NOT_KEPT: {
      severity: 'warning',
      meaning: 'A limit that a server declares is not kept by the runtime it is on.',
      cure: 'Run it in a container (`runtime: docker`), or take the limit out.',
    },
    INSTANCE_CHANGED: {
      severity: 'warning',
      meaning: 'Somebody changed what runs: paused it, changed its limits, or started something else in its place.',
      cure: 'Change the Server in the repository instead. `up --drift` and `drift` of the Server say whether it is replaced.',
    },
    RUNTIME_PRETENDS: {
      severity: 'warning',
      meaning: 'Servers do not really run: the daemon was started with `--runtime memory`, or told so by a test.',
      cure: 'Start `mcpctl up` with another `--runtime`.',
    },
    // ── a Kubernetes cluster ──
    KUBE_CONTEXT: {
      severity: 'error',
      meaning: 'The kubeconfig cannot be used, or the context or namespace that is named is not there.',
      cure: 'Set `KUBECONFIG`, `MCPCTL_KUBE_CONTEXT` and `MCPCTL_KUBE_NAMESPACE` as the message says.',
    },
    KUBE_CLUSTER_CHANGED: {
      severity: 'error',
      meaning: 'The context leads to another cluster than the one that the state directory is for.',
      cure: 'Point it to the cluster of before, or give the new one a state directory of its own.',
    },
    KUBE_CREDENTIALS: {
      severity: 'error',
      meaning: 'The cluster does not accept the credentials of the kubeconfig: they are wrong, or have expired.',
      cure: 'Renew them; what waits goes on by itself.',
    },
    KUBE_FORBIDDEN: {
      severity: 'error',
      meaning: 'The cluster knows who asks, and does not allow it.',
      cure: 'Add the rule that the hint names; `docs/kubernetes.md` lists them all.',
    },
    KUBE_QUOTA: {
      severity: 'error',
      meaning: 'A quota of the namespace is used up.',
      cure: 'Raise the quota, declare less, or remove something. What waits goes on when there is room.',
    },
    KUBE_NAMESPACE_ENDING: {
      severity: 'error',
      meaning: 'The namespace is being deleted, and nothing can be made in it.',
      cure: 'Wait until it is gone; it is made anew then. A finalizer of somebody else’s may hold it up.',
    },
    KUBE_NAMESPACE_NAME: {
      severity: 'error',
      meaning: 'The name of a project’s namespace would be longer than a cluster allows.',
      cure: 'Set `MCPCTL_KUBE_NAMESPACE` to a shorter one, or give the project a shorter name.',
    },
    KUBE_OBJECT_FOREIGN: {
      severity: 'error',
      meaning: 'An object by the name that is needed is somebody else’s, or another installation’s of mcpctl.',
      cure: 'Remove or rename it, or set `MCPCTL_KUBE_NAMESPACE` to another namespace. It is never touched. A namespace that was made for a project is given to mcpctl by its label.',
    },
    KUBE_CONFLICT: {
      severity: 'error',
      meaning: 'Somebody else wrote the same object at the same time.',
      cure: 'Nothing: it is tried again.',
    },
    KUBE_POD_FAILING: {
      severity: 'error',
      meaning: 'A pod does not start, in the words of the kubelet or the scheduler.',
      cure: 'Do what the words ask for; the cluster goes on trying by itself.',
    },
    KUBE_NOT_LEADING: {
      severity: 'error',
      meaning:
        'Another process of the same installation leads, or the lead could not be renewed in time: this one writes nothing.',
      cure: 'Nothing, while another one leads: it does the work. Otherwise see whether the API answers.',
    },
    KUBE_NAME_TAKEN: {
      severity: 'error',
      meaning:
        'Another installation of mcpctl, which follows another repository, has the same name in the same namespace.',
      cure: 'Give this one another `MCPCTL_KUBE_INSTALLATION`. Of the other one nothing is touched.',
    },
    KUBE_CLOCK: {
      severity: 'warning',
      meaning: 'The clocks of this machine and of the cluster differ by more than a minute.',
      cure: 'Set the wrong one right. What is led and renewed does not depend on it, but certificates and times shown do.',
    },
    // ── files of AI clients, and contexts ──
    CLIENT_FILE_INVALID: {
      severity: 'error',
      meaning: 'The configuration file of an AI client cannot be read.',
      cure: 'Mend the file; nothing in it was changed.',
    },
    CLIENT_ENTRY_TAKEN: {
      severity: 'error',
      meaning: 'An AI client’s file has an entry of that name that mcpctl did not write.',
      cure: 'Give the entry another name with `--name`, or remove the other one.',
    },
    IMPORT_LEFT_OUT: {
      severity: 'warning',
      meaning: 'Something in an AI client’s file was not carried over.',
      cure: 'See what is named; add it by hand where it is needed.',
    },
    IMPORT_UNPINNED: {
      severity: 'warning',
      meaning: 'An imported server runs a package whose version is not exact.',
      cure: 'Name an exact version in `package`, then run `mcpctl lock`.',
    },
    CONTEXT_UNKNOWN: {
      severity: 'error',
      meaning: '`~/.mcpctl/config.yaml` has no context of that name, or the context has no token.',
      cure: 'Run `mcpctl login`; `mcpctl config contexts` lists the contexts.',
    },
    CONFIG_INVALID: {
      severity: 'error',
      meaning: '`~/.mcpctl/config.yaml` cannot be used.',
      cure: 'Mend the file, or remove it and run `mcpctl login` again.',
    },
    // ── forges ──
    FORGE_UNUSABLE: {
      severity: 'error',
      meaning: 'GitHub was asked for, but its address, or the token for it, cannot be used.',
      cure: 'Set MCPCTL_GITHUB_TOKEN, or MCPCTL_GITHUB_TOKEN_FILE to a file of mode 0600; or choose `--forge git`.',
    },
    // ── proposals and reviews ──
    REMOTE_REFUSED: {
      severity: 'error',
      meaning: 'The remote, or a hook of its own, did not take what was pushed.',
      cure: 'See the remote’s words in the message; nothing of it was changed.',
    },
    PROPOSALS_BUSY: {
      severity: 'error',
      meaning: 'The gateway takes no further requests about proposals: too many wait for the remote.',
      cure: 'Try again later; see `mcpctl status` for whether the remote answers.',
    },
    PROPOSAL_INVALID: {
      severity: 'error',
      meaning:
        'What is proposed is no proposal: a name, trailer or size that the format does not allow, or no change at all.',
      cure: 'Mend what is named and propose it again.',
    },
    PROPOSAL_NOT_FOUND: {
      severity: 'error',
      meaning: 'There is no proposal of that id on the remote.',
      cure: 'See `mcpctl get proposals --status all`.',
    },
    PROPOSAL_CONFLICT: {
      severity: 'error',
      meaning: 'The proposal cannot be merged: `main` changed the same lines since.',
      cure: 'Merge `main` into the branch, then `mcpctl propose --amend ID`.',
    },
    REVIEW_STALE: {
      severity: 'error',
      meaning: 'What was reviewed is not what would be merged now: the branch, the plan or the policy changed since.',
      cure: 'Look again with `mcpctl review diff ID`, then approve what is there now.',
    },
    REVIEW_NOT_ENTITLED: {
      severity: 'error',
      meaning: 'The statement’s key belongs to nobody who may approve this change.',
      cure: 'Ask somebody whom `mcpctl review show ID` names, or change the policy by a proposal of its own.',
    },
    REVIEW_SELF_APPROVAL: {
      severity: 'error',
      meaning: 'Authors do not approve their own changes here.',
      cure: 'Ask somebody else to review it.',
    },
    REVIEW_INCOMPLETE: {
      severity: 'error',
      meaning: 'The policy asks for more approvals than there are.',
      cure: 'See `mcpctl review show ID` for who still has to agree.',
    },
    HOOKS_UNUSABLE: {
      severity: 'error',
      meaning: 'git’s hooks could not be installed or removed there.',
      cure: 'Name a git repository that you may write with -C.',
    },
    TRAILER_INVALID: {
      severity: 'error',
      meaning: 'A trailer of the commit message is not one that mcpctl understands.',
      cure: 'Correct or remove it, and commit again.',
    },
    PUSH_REFUSED: {
      severity: 'error',
      meaning: 'The repository’s hook does not take this change of a ref.',
      cure: 'See the message; `mcpctl propose` is the way for what needs approval.',
    },
    REVIEW_RACE: {
      severity: 'error',
      meaning: 'Somebody else reviewed, changed or merged this at the same moment; nothing of yours was recorded.',
      cure: 'Look again with `mcpctl review show ID`.',
    },

    // ── this machine and the daemon ──
    STATE_LOCKED: {
      severity: 'error',
      meaning: 'Another `mcpctl up` uses this state directory.',
      cure: 'Stop it, or give another `--state-dir`.',
    },
    STATE_UNUSABLE: {
      severity: 'error',
      meaning: 'The state directory cannot be used: wrong owner or mode, damaged, or written by a newer version.',
      cure: 'See the message; nothing in it was changed.',
    },
    LISTEN_FAILED: {
      severity: 'error',
      meaning: 'The gateway could not listen on its address.',
      cure: 'Give another `--port`; `--port 0` takes any free one.',
    },
    FILE_EXISTS: {
      severity: 'error',
      meaning: 'A file that would be written is there already.',
      cure: 'Remove it, or name another place.',
    },
    RESOURCE_EXISTS: {
      severity: 'error',
      meaning: 'A resource of this kind, scope and name is declared already.',
      cure: 'Change it with `mcpctl edit` or `mcpctl apply`, or choose another name.',
    },
    RESOURCE_REFERENCED: {
      severity: 'error',
      meaning: 'Other resources name the one that is to be deleted.',
      cure: 'Change those first, or delete it all the same with `--force`.',
    },
    FILE_CHANGED: {
      severity: 'error',
      meaning: 'A file was changed by somebody else while a command worked on it; nothing was written.',
      cure: 'Run the command again.',
    },
    EDITOR_FAILED: {
      severity: 'error',
      meaning:
        'The editor could not be started, ended with an error, or left nothing to take over; nothing was changed.',
      cure: 'Set VISUAL or EDITOR to an editor that waits until the file is closed, such as `code --wait`.',
    },
    COMMIT_FAILED: {
      severity: 'error',
      meaning: 'git did not make the commit; the files are changed, but not committed.',
      cure: 'See git’s own words in the message, then commit yourself.',
    },
    RESOURCE_NOT_FOUND: {
      severity: 'error',
      meaning: 'The repository declares nothing of that kind and name in that scope.',
      cure: 'List what there is with `mcpctl get KIND`.',
    },
    DAEMON_NOT_RUNNING: {
      severity: 'error',
      meaning: 'No running `mcpctl up` was found.',
      cure: 'Start one with `mcpctl up REPO`, or name its `--state-dir`.',
    },
    DAEMON_REFUSED: {
      severity: 'error',
      meaning: 'The daemon refused the request.',
      cure: 'Check the token and the address.',
    },
    NOT_READY: {
      severity: 'error',
      meaning: 'Something was not Ready before the time was up.',
      cure: 'See what is named, or raise `--timeout`.',
    },
    USAGE: {
      severity: 'error',
      meaning: 'The command line is not understood.',
      cure: 'Run the command with `--help`.',
    },
    SYSTEM_REFUSED: {
      severity: 'error',
      meaning: 'The system does not let a file or folder be read or written, or something else stands in its place.',
      cure: 'Mend the place that is named, or name another one, and run the command again.',
    },
    INTERNAL: { severity: 'error', meaning: 'A defect in mcpctl.', cure: 'Report it with the message.' },
  } as const satisfies Record<string, Code>;
}

let made: ReturnType<typeof allCodes> | undefined;

/** Every code there is, with what it means and what to do about it. */
export function problemCodes(): ReturnType<typeof allCodes> {
  made ??= allCodes();
  return made;
}

export type ProblemCode = keyof ReturnType<typeof allCodes>;

/** One thing that is wrong. `hint` is the next command or edit; `resource` is a resource id where one is known. */
export interface Problem {
  code: ProblemCode;
  severity: Severity;
  message: string;
  hint: string;
  at?: Position;
  resource?: string;
}

/**
 * Build a problem; severity and, where none is given, hint come from the code's row in the table.
 * @param message what happened, without a trailing full stop; may quote the input, never a secret
 */
export function problem(
  code: ProblemCode,
  message: string,
  more: { hint?: string; at?: Position; resource?: string } = {},
): Problem {
  const { severity, cure } = problemCodes()[code];
  const { hint = cure, at, resource } = more;
  return { code, severity, message, hint, ...(at && { at }), ...(resource !== undefined && { resource }) };
}

/** A fault that ends an operation, carrying the problem to show. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(`${problem.code}: ${problem.message}`, options);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

/** What the system says of files and folders that is no defect of ours (errno(3)), in words. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a file stands where a folder is needed',
  EISDIR: 'a folder stands where a file is needed',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
};

/** What went wrong, as a problem: a ProblemError's own, SYSTEM_REFUSED for a file or folder, or INTERNAL for anything unexpected. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof Error)) return problem('INTERNAL', String(error));
  const { code = '', path, syscall = '' } = error as Error & { code?: string; path?: unknown; syscall?: string };
  const isOfFile =
    typeof path === 'string' ? !syscall.startsWith('spawn') : ['read', 'write', 'fsync'].includes(syscall);
  const refusal = isOfFile && Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  if (refusal === undefined) return problem('INTERNAL', error.message);
  return problem('SYSTEM_REFUSED', `${typeof path === 'string' ? `${printable(path)}: ` : ''}${refusal} (${code})`);
}

/** `file:line:column`, as far as it is known; empty for a problem without a place. */
export function formatPosition(at: Position | undefined): string {
  if (!at) return '';
  return [printable(at.file), at.line, at.column].filter(part => part !== undefined).join(':');
}

/** The stable order in which problems are shown: by file, line, column, then code, message and resource. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compareText(a.at?.file ?? '', b.at?.file ?? '') ||
    (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
    (a.at?.column ?? 0) - (b.at?.column ?? 0) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message) ||
    compareText(a.resource ?? '', b.resource ?? '')
  );
}

/** Problems in stable order, each once. */
export function sortProblems(problems: Iterable<Problem>): Problem[] {
  const sorted = [...problems].sort(compareProblems);
  return sorted.filter((one, index) => {
    const before = sorted[index - 1];
    return !before || compareProblems(before, one) !== 0;
  });
}

/** Code-unit order: the same on every machine, unlike locale order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first `max` problems, and how many more there are, as one. */
export function limitProblems(problems: Problem[], max: number): Problem[] {
  if (problems.length <= max) return problems;
  const omitted = problem('PROBLEMS_OMITTED', `${problems.length - max} more problems are not shown`);
  return [...problems.slice(0, max), omitted];
}
