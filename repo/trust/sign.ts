import { spawn } from 'node:child_process';
import { ProblemError, problem } from '../../schema/index.ts';
import { isOver, parseArmour, parseSignature, type SshSignature } from './ssh-signature.ts';

const MAX_OUTPUT = 64 * 1024;

/** A signature just made, and checked. */
export interface Signed extends SshSignature {
  /** As ssh-keygen wrote it. */
  armour: string;
}

/**
 * Sign with ssh-keygen: a private key's file, or a public one's whose private half is in the ssh-agent or on a security
 * key. Somebody may be asked for a passphrase, a PIN or a touch. What was made is verified before it is used.
 * @throws ProblemError SIGNING_FAILED
 */
export async function signWithKey(
  keyFile: string,
  namespace: string,
  message: Buffer,
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<Signed> {
  const output = await sshKeygen(['-Y', 'sign', '-q', '-n', namespace, '-f', keyFile], message, env, signal);
  try {
    const armour = output.endsWith('\n') ? output : `${output}\n`;
    const signature = parseSignature(parseArmour(armour));
    if (signature.namespace !== namespace || !isOver(signature, message)) throw new Error('it is not over the message');
    return { ...signature, armour };
  } catch (error) {
    throw failed(`the signature that ssh-keygen made with ${keyFile} is of no use: ${(error as Error).message}`);
  }
}

/**
 * Run ssh-keygen. It stays in this terminal, which is where it asks for a passphrase.
 * @throws ProblemError SIGNING_FAILED
 */
export async function sshKeygen(
  args: readonly string[],
  input: Buffer,
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<string> {
  const child = spawn('ssh-keygen', args, { env, stdio: 'pipe', ...(signal && { signal }) });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (stdout.length < MAX_OUTPUT) stdout += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = await new Promise<number | string>(resolve => {
    child.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.on('close', (code, by) => resolve(code ?? by ?? 'nothing'));
  });
  if (ended === 0) return stdout;
  if (ended === 'ENOENT') throw failed('ssh-keygen could not be run', 'Install OpenSSH’s client programs.');
  const words = stderr
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  throw failed(`ssh-keygen did not sign: ${words.join(' ') || `it ended with ${ended}`}`);
}

function failed(message: string, hint?: string): ProblemError {
  return new ProblemError(problem('SIGNING_FAILED', message, hint === undefined ? {} : { hint }));
}
