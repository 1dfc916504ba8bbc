import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getCACertificates } from 'node:tls';
import { ensurePrivateDir, writeAtomic } from '../host/index.ts';
import { ProblemError, problem } from '../schema/index.ts';

/**
 * The certificate authorities that git trusts for `https://`. git knows only variables of its own, so those that name
 * the machine's for other programs are translated: SSL_CERT_FILE and SSL_CERT_DIR replace, and NODE_EXTRA_CA_CERTS
 * adds to what is there, in a file of ours at `bundle`. GIT_SSL_CAINFO is taken as it is.
 * Throws a ProblemError, REMOTE_UNREACHABLE, when a file that is named cannot be read.
 */
export async function gitCertificates(env: NodeJS.ProcessEnv, bundle: string): Promise<Record<string, string>> {
  if (env.GIT_SSL_CAINFO) return {};
  const file = env.SSL_CERT_FILE || env.CURL_CA_BUNDLE;
  const folder = !env.GIT_SSL_CAPATH && env.SSL_CERT_DIR ? { GIT_SSL_CAPATH: env.SSL_CERT_DIR } : {};
  if (!env.NODE_EXTRA_CA_CERTS) return { ...folder, ...(file && { GIT_SSL_CAINFO: file }) };
  const base = file ? await readNamed(file) : getCACertificates('system').join('\n');
  const text = `${base}\n${await readNamed(env.NODE_EXTRA_CA_CERTS)}\n`;
  await ensurePrivateDir(dirname(bundle));
  await writeAtomic(bundle, text, { mode: 0o600 });
  return { ...folder, GIT_SSL_CAINFO: bundle };
}

async function readNamed(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const message = `The certificate authorities in ${path} cannot be read: ${error.code}`;
    throw new ProblemError(problem('REMOTE_UNREACHABLE', message, { hint: 'Correct the variable that names it.' }));
  });
}
