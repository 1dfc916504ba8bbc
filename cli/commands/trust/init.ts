import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensurePrivateDir, mcpctlHome } from '../../../host/index.ts';
import { sshKeygen } from '../../../repo/trust/index.ts';
import { ProblemError, problem, type Root, rootFingerprint } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { loadCatalog } from '../../load-catalog.ts';
import { ownGit } from '../../own-git.ts';
import { findSigningKey, ownKeyFile, publicKeyOf } from '../../signing-key.ts';
import { done, step } from '../../style.ts';
import { addSignature, hasRoot, rootFile, writeRoot } from './root-files.ts';

export interface InitOptions extends CliContext {
  signKey?: string;
  name?: string;
}

/** Make version 1 of the root in the working tree. stdout: its fingerprint. */
export async function runInit(options: InitOptions): Promise<ExitCode> {
  const { io, cwd, env, signKey } = options;
  const { root, catalog } = await loadCatalog({ cwd, env }, { dir: '.' });
  const id = catalog.repository?.spec.id;
  if (id === undefined) throw new ProblemError(problem('REPOSITORY_MISSING', '`mcpctl.yaml` is missing or broken'));
  if (hasRoot(root)) {
    const hint = 'See it with `mcpctl trust show`; `mcpctl trust rotate` makes the next version.';
    throw new ProblemError(problem('FILE_EXISTS', 'the repository has a root of trust already', { hint }));
  }
  const git = ownGit(options, root);
  if (signKey === undefined && !existsSync(ownKeyFile(env, id))) await makeKey(options, id);
  const file = await findSigningKey(options, git, id, signKey ?? ownKeyFile(env, id));
  try {
    const { id: keyId, key } = await publicKeyOf(options, file.file);
    const name =
      options.name ?? ((await git.try(['config', '--get', 'user.name'])).stdout.toString().trim() || 'maker');
    const only = { keys: [keyId], threshold: 1 };
    const signed: Root = {
      apiVersion: 'mcpctl.dev/v1',
      kind: 'Root',
      repository: id,
      version: 1,
      keys: { [keyId]: { key, name } },
      roles: { root: only, release: only, renew: { keys: [], threshold: 1 } },
    };
    await writeRoot(rootFile(root, 1), await addSignature(options, { signed, signatures: [] }, file.file));
    done(io, `trust/root/1.json: ${name}, ${keyId}`);
    const fingerprint = rootFingerprint(signed);
    io.stdout(`${fingerprint}\n`);
    if (!io.quiet) io.stderr(nextSteps(fingerprint));
    return ExitCodes.ok;
  } finally {
    await file.release();
  }
}

async function makeKey(options: InitOptions, id: string): Promise<void> {
  const path = ownKeyFile(options.env, id);
  await ensurePrivateDir(mcpctlHome(options.env));
  await ensurePrivateDir(dirname(path));
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', `mcpctl ${id}`, '-f', path];
  await sshKeygen(args, Buffer.alloc(0), options.env, options.signal);
  step(options.io, `made a key without a passphrase: ${path} (give it one with \`ssh-keygen -p -f ${path}\`)`);
}

function nextSteps(fingerprint: string): string {
  return `
Next:
  commit trust/root/1.json, and set \`trust: { mode: release }\` in mcpctl.yaml
  mcpctl release                 the first signed release
  on each machine, with the fingerprint sent another way than the repository:
  mcpctl trust add REPO --fingerprint ${fingerprint}
`;
}
