import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { type AddressClass, classifyAddress, isLoopbackHost, literalAddress } from './addresses.ts';
import { limitBody } from './body-limit.ts';

export interface HttpOptions {
  /** Allow 127.0.0.0/8 and ::1. Default false. */
  allowLoopback?: boolean;
  /** Allow private and shared address space (RFC 1918, RFC 6598, RFC 4193). Default false. */
  allowPrivate?: boolean;
  /** Milliseconds until the response's headers are there. Default 30,000. */
  headersTimeoutMs?: number;
  /** Milliseconds of silence inside a body; 0 for none, as event streams need. Default 300,000. */
  bodyTimeoutMs?: number;
  /** Bytes of one response body, or of one event of an event stream. Default 16 MiB. */
  maxResponseBytes?: number;
  /** PEM certificates trusted besides the system's and those of NODE_EXTRA_CA_CERTS. */
  extraCa?: readonly string[];
}

export interface HttpClient {
  /** `fetch` under the client's limits; redirects are handed to the caller, not followed. */
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Close idle connections and end the others. */
  close(): Promise<void>;
}

/** An address that outbound requests may not go to. `code` is `EADDRNOTALLOWED`. */
class AddressRefused extends Error {
  readonly code = 'EADDRNOTALLOWED';

  constructor(host: string, kind: AddressClass) {
    super(
      `${host} is a ${kind === 'forbidden' ? 'link-local, multicast or reserved' : kind} address, which is not allowed`,
    );
    this.name = 'AddressRefused';
  }
}

const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** The client behind `createHttpClient`. */
export function openCheckedHttp(options: HttpOptions): HttpClient {
  const { maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  const allowed = addressRule(options);
  const ca = options.extraCa?.length ? [...getCACertificates('default'), ...options.extraCa] : undefined;
  const agentOptions = {
    connect: checkedConnector(allowed, ca),
    headersTimeout: options.headersTimeoutMs ?? 30_000,
    bodyTimeout: options.bodyTimeoutMs ?? 300_000,
    keepAliveTimeout: 30_000,
  };
  const direct = new Agent(agentOptions);
  // Reads the environment itself, and is as direct as the other where that names no proxy.
  const proxied = new EnvHttpProxyAgent({ ...agentOptions, ...(ca && { requestTls: { ca }, proxyTls: { ca } }) });

  async function fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const target = new URL(url);
    const literal = literalAddress(target.hostname);
    if (literal !== undefined) allowed(literal);
    const dispatcher: Dispatcher = isLoopbackHost(target.hostname) ? direct : proxied;
    const request = { redirect: 'manual', ...init, dispatcher } as Parameters<typeof undiciFetch>[1];
    const response = (await undiciFetch(target, request)) as unknown as Response;
    return limitBody(response, maxResponseBytes);
  }

  return {
    fetch,
    async close() {
      await Promise.allSettled([direct.destroy(), proxied.destroy()]);
    },
  };
}

/** Throws AddressRefused for what the options do not allow. */
function addressRule(options: HttpOptions): (address: string) => void {
  return address => {
    const kind = classifyAddress(address);
    if (kind === 'public') return;
    if (kind === 'loopback' && options.allowLoopback) return;
    if (kind === 'private' && options.allowPrivate) return;
    throw new AddressRefused(address, kind);
  };
}

/** A connector that judges literal addresses before, and resolved ones between look-up and connecting. */
function checkedConnector(allowed: (address: string) => void, ca: string[] | undefined): buildConnector.connector {
  const checkedLookup: LookupFunction = (hostname, lookupOptions, callback) => {
    lookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const first = judge(addresses, allowed);
      if (first instanceof Error) return callback(first, []);
      if (lookupOptions.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({
    lookup: checkedLookup,
    timeout: 10_000,
    ...(ca && { ca }),
  } as buildConnector.BuildOptions);
  return (connectOptions, callback) => {
    const literal = literalAddress(connectOptions.hostname);
    try {
      if (literal !== undefined) allowed(literal);
    } catch (error) {
      return callback(error as Error, null);
    }
    connect(connectOptions, callback);
  };
}

/** The first address, or why none is used: one address that is not allowed spoils the name. */
function judge(addresses: readonly LookupAddress[], allowed: (address: string) => void): LookupAddress | Error {
  const [first] = addresses;
  if (!first) return new Error('the name resolves to no address');
  try {
    for (const { address } of addresses) allowed(address);
  } catch (error) {
    return error as Error;
  }
  return first;
}
