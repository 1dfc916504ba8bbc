/** Variables of the user's that git may see: where programs are, proxies, certificate authorities. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
];

/** What git-fsck(1) holds against names and special files; what it holds against an object's structure stays. */
const CHECKOUT_DANGERS = [
  'hasDot',
  'hasDotdot',
  'hasDotgit',
  'gitmodulesBlob',
  'gitmodulesLarge',
  'gitmodulesMissing',
  'gitmodulesName',
  'gitmodulesParse',
  'gitmodulesPath',
  'gitmodulesSymlink',
  'gitmodulesUpdate',
  'gitmodulesUrl',
  'gitattributesSymlink',
  'gitignoreSymlink',
  'mailmapSymlink',
];

const QUARANTINE = ['GIT_QUARANTINE_PATH', 'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES'];

/** git's own configuration is not read, so this is all of it. */
const CONFIG: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['credential.helper', ''],
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '30'],
  ['protocol.version', '2'],
  ['protocol.allow', 'never'],
  ['protocol.file.allow', 'always'],
  ['protocol.http.allow', 'always'],
  ['protocol.https.allow', 'always'],
  ['protocol.ssh.allow', 'always'],
  ['transfer.fsckObjects', 'true'],
  // Old tools left these in many honest repositories; nothing here depends on them.
  ['fetch.fsck.zeroPaddedFilemode', 'ignore'],
  ['fetch.fsck.badTimezone', 'ignore'],
  ['fetch.fsck.missingSpaceBeforeDate', 'ignore'],
  // These are dangers to a checkout, of which there is none: our own reading tells of bad names, and a repository must
  // not become unusable for ever by one commit in its history.
  ...CHECKOUT_DANGERS.map(name => [`fetch.fsck.${name}`, 'ignore'] as const),
  ['fetch.recurseSubmodules', 'no'],
  // What is received grows in one file, so that its size can be watched.
  ['fetch.unpackLimit', '1'],
  // Large files go to the disk without being held in memory.
  ['core.bigFileThreshold', '16m'],
  ['fetch.writeCommitGraph', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
];

export interface GitEnvironmentOptions {
  /** Further configuration, after the fixed one. */
  config?: readonly (readonly [string, string])[];
  /** The repository; without it git runs outside of any. */
  gitDir?: string;
  /** A configuration file that also the other side of a path remote reads; see `safe.directory` in git-config(1). */
  globalConfig?: string;
}

/**
 * The whole environment of a git process: a fixed configuration, no prompts, no hooks, no protocols but file,
 * http(s) and ssh, and of the caller's variables only those it needs. No secret is among them.
 */
export function gitEnvironment(env: NodeJS.ProcessEnv, options: GitEnvironmentOptions = {}): Record<string, string> {
  const { config = [], gitDir, globalConfig = '/dev/null' } = options;
  const result: Record<string, string> = {
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    // Without an ssh remote nothing speaks ssh; with one, its own command comes after this.
    GIT_SSH_COMMAND: 'false',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_ALLOW_PROTOCOL: 'file:http:https:ssh',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
  };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) result[name] = value;
  }
  if (gitDir !== undefined) result.GIT_DIR = gitDir;
  // Within git's hook, what is pushed is in quarantine until the hook agrees; see git-receive-pack(1).
  if (env.GIT_QUARANTINE_PATH) {
    for (const name of QUARANTINE) if (env[name] !== undefined) result[name] = env[name];
  }
  const entries = [...CONFIG, ...config];
  result.GIT_CONFIG_COUNT = String(entries.length);
  for (const [index, [key, value]] of entries.entries()) {
    result[`GIT_CONFIG_KEY_${index}`] = key;
    result[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return result;
}
