/**
 * How this machine speaks ssh with a repository's host: host keys pinned in a file of ours, a deploy key of ours, and a
 * command line that reads nobody's configuration. The ssh program does the rest.
 */
export { type SshOptions, sshAccess } from './access.ts';
export { type DeployKeyFile, openDeployKey } from './deploy-key.ts';
