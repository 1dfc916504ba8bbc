import { join } from 'node:path';
import { run } from '../../../host/index.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { table } from '../../table.ts';

/** Written into the bundle when it is made; empty where git did not know. */
declare const MCPCTL_COMMIT: string;

export interface VersionOptions extends CliContext {
  output: 'table' | 'json';
}

/** What `version -o json` prints. */
export interface Version {
  version: string;
  /** With `-dirty` behind it when the source was changed since; null when it is not known. */
  commit: string | null;
  node: string;
  platform: string;
  /** Of the Model Context Protocol, newest first. Written out, since asking the SDK takes longer than all the rest. */
  protocolVersions: readonly string[];
  apiVersion: string;
}

/** Show what this is. */
export async function runVersion({ io, env, output }: VersionOptions): Promise<ExitCode> {
  const version: Version = {
    version: packageJson.version,
    commit: (typeof MCPCTL_COMMIT === 'undefined' ? await checkoutCommit(env) : MCPCTL_COMMIT) || null,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    protocolVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'],
    apiVersion: 'mcpctl.dev/v1',
  };
  if (output === 'json') io.stdout(`${JSON.stringify(version, undefined, 2)}\n`);
  else {
    io.stdout(
      table([
        ['mcpctl', version.version],
        ['commit', version.commit ?? '-'],
        ['node', version.node],
        ['platform', version.platform],
        ['protocols', version.protocolVersions.join(', ')],
        ['apiVersion', version.apiVersion],
      ]),
    );
  }
  return ExitCodes.ok;
}

/** The commit of the checkout that this file is in. */
async function checkoutCommit(env: CliContext['env']): Promise<string> {
  const root = join(import.meta.dirname, '..', '..', '..');
  const argv = ['git', '-C', root, 'describe', '--always', '--dirty', '--exclude=*', '--abbrev=40'];
  const result = await run(argv, { env, timeoutMs: 5_000 });
  return result.code === 0 ? result.stdout.toString().trim() : '';
}
