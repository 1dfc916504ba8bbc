import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { ProblemError, problem } from '../../schema/index.ts';

/**
 * The certificate authorities that count for `https://`, as git is told them (`gitCertificates`): those of the variable
 * that names a file, else the system’s, and NODE_EXTRA_CA_CERTS besides.
 * @throws ProblemError REMOTE_UNREACHABLE for a file that cannot be read
 */
export async function certificateAuthorities(env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const named = env.GIT_SSL_CAINFO || env.SSL_CERT_FILE || env.CURL_CA_BUNDLE;
  const extra = env.NODE_EXTRA_CA_CERTS;
  const system = named ? [await readNamed(named)] : getCACertificates('system');
  const base = system.length > 0 ? system : getCACertificates('bundled');
  return [...base, ...(extra ? [await readNamed(extra)] : [])];
}

async function readNamed(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const message = `The certificate authorities in ${path} cannot be read: ${error.code}`;
    throw new ProblemError(problem('REMOTE_UNREACHABLE', message, { hint: 'Correct the variable that names it.' }));
  });
}
