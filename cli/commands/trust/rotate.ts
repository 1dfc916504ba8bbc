import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { keyFault, newest, type RootChain, walkRoots } from '../../../repo/trust/index.ts';
import {
  keyId,
  ProblemError,
  parseRoot,
  problem,
  type Root,
  type RootDocument,
  type RootRole,
  rootFingerprint,
} from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { chainAtHead, openPlace, type ReleasePlace } from '../../release-place.ts';
import { findSigningKey } from '../../signing-key.ts';
import { done, step } from '../../style.ts';
import { addSignature, rootFile, writeRoot } from './root-files.ts';

export interface RotateOptions extends CliContext {
  add: string[];
  remove: string[];
  signKey: string[];
  name?: string;
  threshold?: string;
}

/** Make the next version of the root, or add a signature to its draft. stdout: its fingerprint, once it is complete. */
export async function runRotate(options: RotateOptions): Promise<ExitCode> {
  const { io } = options;
  const place = await openPlace(options);
  const chain = await chainAtHead(place);
  const version = newest(chain).version + 1;
  const draftFile = rootFile(place.root, version, true);
  let document = await begin(options, place, chain, draftFile);
  for (const given of options.signKey.length > 0 ? options.signKey : [undefined]) {
    const key = await findSigningKey(options, place.git, place.repository.spec.id, given);
    try {
      document = await addSignature(options, document, key.file);
    } finally {
      await key.release();
    }
  }
  const walk = walkRoots(chain, new Map([[version, document]]));
  if (walk.faults.length > 0) {
    await writeRoot(draftFile, document);
    step(io, `trust/root/${version}.draft.json is not signed enough: ${walk.faults.join('; ')}`);
    io.stderr('  → Each further holder of a root key runs `mcpctl trust rotate --sign-key KEY` on it.\n');
    return ExitCodes.failed;
  }
  await writeRoot(rootFile(place.root, version), document);
  await rm(draftFile, { force: true });
  done(
    io,
    `trust/root/${version}.json; commit it, then run \`mcpctl release\`: earlier releases are void once it is known`,
  );
  io.stdout(`${rootFingerprint(document.signed)}\n`);
  return ExitCodes.ok;
}

/** The draft that is there, or a new version as the options say. */
async function begin(
  options: RotateOptions,
  place: ReleasePlace,
  chain: RootChain,
  draft: string,
): Promise<RootDocument> {
  const text = await readFile(draft).catch(() => undefined);
  const changes = options.add.length + options.remove.length + (options.threshold === undefined ? 0 : 1);
  if (text === undefined) return { signed: await nextRoot(options, newest(chain)), signatures: [] };
  if (changes > 0) {
    const hint = `Sign it with \`mcpctl trust rotate --sign-key KEY\`, or remove ${draft} to begin anew.`;
    throw new ProblemError(problem('FILE_EXISTS', 'a draft of the next version is there already', { hint }));
  }
  const parsed = parseRoot(text, draft);
  if ('problem' in parsed) throw new ProblemError(parsed.problem);
  const { repository, version } = parsed.value.signed;
  if (repository === place.repository.spec.id && version === newest(chain).version + 1) return parsed.value;
  throw new ProblemError(problem('ROOT_INVALID', `${draft} is not the next version of this root`));
}

async function nextRoot(options: RotateOptions, before: Root): Promise<Root> {
  const keys = new Map(Object.entries(before.keys));
  const roles = new Map(Object.entries(before.roles).map(([role, { keys: own }]) => [role, new Set(own)]));
  for (const given of options.remove) {
    const found = [...keys].filter(([id, { name }]) => id === given || name === given);
    const [only] = found;
    if (!only || found.length > 1) {
      const why = only
        ? `several keys are called \`${given}\`; name one by SHA256:…`
        : `the root has no key \`${given}\``;
      throw new ProblemError(problem('USAGE', why));
    }
    keys.delete(only[0]);
    for (const own of roles.values()) own.delete(only[0]);
  }
  for (const given of options.add) {
    const { role, id, key, name } = await readAdded(options, given);
    keys.set(id, keys.get(id) ?? { key, name });
    roles.get(role)?.add(id);
  }
  const threshold = options.threshold === undefined ? before.roles.root.threshold : Number(options.threshold);
  const listed = (role: RootRole) => [...(roles.get(role) ?? [])].sort();
  const root: Root = {
    ...before,
    version: before.version + 1,
    keys: Object.fromEntries(keys),
    roles: {
      root: { keys: listed('root'), threshold },
      release: { keys: listed('release'), threshold: 1 },
      renew: { keys: listed('renew'), threshold: 1 },
    },
  };
  if (listed('root').length < threshold || !Number.isSafeInteger(threshold) || threshold < 1) {
    throw new ProblemError(
      problem('USAGE', `the root would have ${listed('root').length} keys, and need ${threshold}`),
    );
  }
  if (listed('release').length === 0) throw new ProblemError(problem('USAGE', 'nobody could sign releases any more'));
  return root;
}

async function readAdded({ cwd, name }: RotateOptions, given: string) {
  const [, role = '', file = ''] = /^(root|release|renew)=(.+)$/.exec(given) ?? [];
  if (role === '')
    throw new ProblemError(problem('USAGE', `\`${given}\` is not root=FILE, release=FILE or renew=FILE`));
  const text = await readFile(resolve(cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ProblemError(problem('USAGE', `${file} could not be read: ${error.code}`));
  });
  const [type = '', base64 = '', ...comment] = text.trim().split(/\s+/);
  const key = `${type} ${base64}`;
  const fault = keyFault(key);
  if (fault !== undefined)
    throw new ProblemError(problem('USAGE', `${file} is not a public key that can be used: ${fault}`));
  return { role: role as RootRole, id: keyId(key), key, name: name ?? (comment.join(' ').slice(0, 128) || 'unnamed') };
}
