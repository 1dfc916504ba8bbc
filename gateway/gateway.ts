import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { createMetrics } from '../host/index.ts';
import type { Desk, MachineEventRecords, ReconcilerView, Telemetry } from '../reconciler/index.ts';
import type { Bundles } from '../repo/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import { addBundleRoutes } from './api/bundles.ts';
import { addMachineEventRoutes } from './api/machine-events.ts';
import { addProposalRoutes } from './api/proposals.ts';
import { addRestoreRoute } from './api/restore.ts';
import type { Past } from './api/revisions.ts';
import { addApiRoutes } from './api/routes.ts';
import { addErrorHandlers } from './errors.ts';
import { addGitHook } from './hooks/git.ts';
import { createCallObserver } from './mcp/observe-calls.ts';
import { addMcpRoutes } from './mcp/routes.ts';
import { addSecurity } from './security.ts';

export interface GatewayOptions {
  /** The bearer token of every route but /healthz, /readyz and /hooks/*. */
  token: string;
  /** The key of the HMAC on /hooks/git. */
  hookSecret: string;
  /** An IP address. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Values of the Host header that are allowed besides loopback with the port: `name` or `name:port`. */
  allowedHosts?: readonly string[];
  /** Serve projects to MCP clients; true unless given. */
  projects?: boolean;
  /** Where calls are counted, and what /metrics shows. */
  telemetry?: Telemetry;
  /** The past of what is followed; without it, there are no routes about revisions. */
  past?: Past;
  /** Takes proposals and reviews; without it there are none. */
  desk?: Desk;
  /** Keeps what developers’ machines tell; without it nothing is taken. */
  machineEvents?: MachineEventRecords;
  /** What machines without access to the repository sync from; without it there is nothing for them. */
  bundles?: Bundles;
  /** Told of faults inside a request; never of tokens or bodies. */
  log?: (message: string) => void;
}

export interface Gateway {
  /** Where this machine reaches it: `http://127.0.0.1:PORT` unless it listens elsewhere only. */
  url: string;
  port: number;
  /** End streams and sessions and stop listening; returns within two seconds. */
  close(): Promise<void>;
}

const CLOSE_MS = 1_800;
const MAX_CONNECTIONS = 4_096;

/**
 * The one HTTP app: MCP endpoints of projects, the API, the webhook. Listens when this resolves.
 * Throws a ProblemError LISTEN_FAILED when the address cannot be had.
 */
export async function createGateway(view: ReconcilerView, options: GatewayOptions): Promise<Gateway> {
  const { log = () => undefined, telemetry = { metrics: createMetrics() } } = options;
  const hosts = new Set<string>();
  const app = fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: 5_000, maxHeaderSize: 16_384, connectionsCheckingInterval: 2_000 },
    forceCloseConnections: true,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  addSecurity(app, { token: options.token, hosts: () => hosts });
  addErrorHandlers(app, log);
  addApiRoutes(app, view, telemetry.metrics, options.past);
  if (options.machineEvents) addMachineEventRoutes(app, options.machineEvents);
  if (options.bundles) addBundleRoutes(app, view, options.bundles);
  addGitHook(app, view, options.hookSecret);
  const mcp =
    options.projects === false ? undefined : addMcpRoutes(app, view, createCallObserver(telemetry), log, options.desk);
  if (options.desk) {
    addProposalRoutes(app, options.desk);
    addRestoreRoute(app, options.desk);
  }

  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await mcp?.close();
    await app.close();
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ProblemError(problem('LISTEN_FAILED', `Cannot listen on ${options.host}:${options.port} (${code})`), {
      cause: error,
    });
  }
  const { port } = app.server.address() as AddressInfo;
  const own = nameOf(options.host);
  for (const name of [own, '127.0.0.1', 'localhost', '[::1]']) hosts.add(`${name}:${port}`);
  for (const name of options.allowedHosts ?? []) hosts.add(name.toLowerCase());

  return {
    url: `http://${own}:${port}`,
    port,
    async close() {
      const timer = Promise.withResolvers<void>();
      const limit = setTimeout(timer.resolve, CLOSE_MS);
      await Promise.race([Promise.resolve(mcp?.close()).then(() => app.close()), timer.promise]);
      clearTimeout(limit);
      app.server.closeAllConnections();
    },
  };
}

/** An address as it stands in a URL; of all addresses, the one that this machine reaches. */
function nameOf(address: string): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
