import { readFileSync, statSync } from 'node:fs';
import { createHttpClient, isPortTaken, portHolder, redact } from '../../../host/index.ts';
import { stateDirs } from '../../state-dirs.ts';
import { type Check, type Finding, failed, ok, warning } from './finding.ts';

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'] as const;
const CERTIFICATES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'GIT_SSL_CAINFO', 'CURL_CA_BUNDLE'] as const;
/** A clock may differ by as much before certificates and signatures are judged wrongly. Milliseconds. */
const MAX_SKEW_MS = 60_000;

export const port: Check = async ({ home, port: number }) => {
  if (number === 0 || !(await isPortTaken(number))) return [ok('port', `${number} is free`)];
  const own = stateDirs(home).find(({ inUse, daemon }) => inUse && daemon?.url.endsWith(`:${number}`));
  if (own) return [ok('port', `${number} is the gateway of the daemon on ${own.name}`)];
  const pid = portHolder(number);
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  return [warning('port', `${number} is taken by ${holder}`, 'End that process, or run `mcpctl up --port 0`.')];
};

/** Judged by a server's clock where one is named, else only against the time at which mcpctl was put here. */
export const clock: Check = async ({ remote, signal }) => {
  const cure = 'Set the clock (NTP); certificates and signatures are judged by it.';
  if (remote === undefined) {
    const installed = statSync(new URL(import.meta.url)).mtimeMs;
    const now = Date.now();
    if (now >= installed - MAX_SKEW_MS) return [ok('clock', new Date(now).toISOString())];
    return [failed('clock', `${new Date(now).toISOString()} is before mcpctl was installed`, cure)];
  }
  const client = createHttpClient({ allowLoopback: true, allowPrivate: true, headersTimeoutMs: 10_000 });
  try {
    const sent = Date.now();
    const answer = await client.fetch(remote, { method: 'HEAD', signal });
    const date = Date.parse(answer.headers.get('date') ?? '');
    if (Number.isNaN(date)) return [warning('clock', `${redact(remote, [])} tells no time`, 'Name another --remote.')];
    // The header has whole seconds, and was written while we waited.
    const skew = Math.max(0, Math.max(sent - (date + 1000), date - Date.now()));
    const seconds = Math.round(skew / 1000);
    const found = seconds === 0 ? 'agrees with' : `is ${seconds} s away from`;
    const line = `${found} ${redact(remote, [])}`;
    return [skew > MAX_SKEW_MS ? failed('clock', line, cure) : ok('clock', line)];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [failed('remote', redact(`${remote} does not answer: ${why}`, []), 'Check the address and the proxy.')];
  } finally {
    await client.close();
  }
};

export const proxies: Check = ({ env }) => {
  const set = PROXIES.flatMap(name => {
    const value = env[name] || env[name.toLowerCase()];
    return value ? [{ name, value }] : [];
  });
  if (set.length === 0) return [ok('proxy', 'none configured')];
  return set.map(({ name, value }): Finding => {
    const shown = `${name}=${redact(value, [])}`;
    if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return ok('proxy', shown);
    return failed('proxy', `${shown} is no http(s) URL`, `Set ${name} to http://HOST:PORT.`);
  });
};

export const certificates: Check = ({ env }) => {
  const set = CERTIFICATES.flatMap(name => (env[name] ? [{ name, file: env[name] }] : []));
  if (set.length === 0) return [ok('certificates', 'the system’s own authorities')];
  return [...Map.groupBy(set, ({ file }) => file)].map(([file, variables]) => {
    const names = variables.map(({ name }) => name).join(', ');
    const shown = `${file} (${names})`;
    try {
      if (readFileSync(file, 'utf8').includes('-----BEGIN')) return ok('certificates', shown);
      return failed('certificates', `${shown} has no PEM certificate`, `Set ${names} to a PEM file.`);
    } catch {
      return failed('certificates', `${shown} cannot be read`, `Correct ${names}, or unset it.`);
    }
  });
};
