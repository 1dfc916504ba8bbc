import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Peer } from './peer.ts';

/** The one revision of the modern era there is. */
const MODERN_VERSION = '2026-07-28';
const LEGACY_VERSION = '2025-11-25';
const CLIENT_INFO = { name: 'mcpctl', version: '0.1.0' };

const ServerInfo = z.object({ name: z.string(), version: z.string() });
const ListChanged = z.object({ listChanged: z.boolean().optional() });
const Capabilities = z.object({ tools: ListChanged.optional(), prompts: ListChanged.optional() });
const Initialized = z.object({
  protocolVersion: z.string(),
  capabilities: Capabilities.default({}),
  serverInfo: ServerInfo.optional().catch(undefined),
  instructions: z.string().optional().catch(undefined),
});
const Discovered = z.object({
  supportedVersions: z.array(z.string()),
  capabilities: Capabilities.default({}),
  instructions: z.string().optional().catch(undefined),
  _meta: z.record(z.string(), z.unknown()).optional(),
});

export interface Handshake {
  era: 'modern' | 'legacy';
  protocolVersion: string;
  capabilities: z.infer<typeof Capabilities>;
  serverInfo: { name: string; version: string } | undefined;
  instructions: string | undefined;
}

export interface HandshakeOptions {
  name: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** After a legacy handshake: whether the server keeps a session, or (HTTP only) answers each request by itself. */
  keepsSession: () => boolean;
}

/**
 * Agree on an era and a protocol version: `initialize` first, `server/discover` on the same connection for a server
 * that refuses it, or that answers it but keeps no session. docs/decisions/0002-upstream-era.md says why.
 * Rejects with what the transport or the server said.
 */
export async function shakeHands(peer: Peer, options: HandshakeOptions): Promise<Handshake> {
  const legacy = await initialize(peer, options);
  if ('refusal' in legacy) return discover(peer, options).catch(() => Promise.reject(new ProblemError(legacy.refusal)));
  if (options.keepsSession()) return greet(peer, legacy);
  return discover(peer, options).catch(() => greet(peer, legacy));
}

async function greet(peer: Peer, handshake: Handshake): Promise<Handshake> {
  await peer.notify('notifications/initialized');
  return handshake;
}

async function initialize(peer: Peer, options: HandshakeOptions): Promise<Handshake | { refusal: Problem }> {
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo: CLIENT_INFO };
  try {
    const answer = Initialized.safeParse(await peer.request('initialize', params, options));
    if (!answer.success) return refused(options.name, 'its answer to `initialize` is not valid');
    const { protocolVersion, ...rest } = answer.data;
    if (!SUPPORTED_PROTOCOL_VERSIONS.includes(protocolVersion)) {
      return refused(
        options.name,
        `it speaks the unknown protocol version ${JSON.stringify(protocolVersion.slice(0, 40))}`,
      );
    }
    return { era: 'legacy', protocolVersion, ...rest, serverInfo: rest.serverInfo, instructions: rest.instructions };
  } catch (error) {
    if (error instanceof ProtocolError) return refused(options.name, `it refused \`initialize\`: ${error.message}`);
    throw error;
  }
}

/** On success the peer sends the modern envelope from here on. */
async function discover(peer: Peer, options: HandshakeOptions): Promise<Handshake> {
  const envelope = {
    [PROTOCOL_VERSION_META_KEY]: MODERN_VERSION,
    [CLIENT_INFO_META_KEY]: CLIENT_INFO,
    [CLIENT_CAPABILITIES_META_KEY]: {},
  };
  const answer = Discovered.parse(await peer.request('server/discover', { _meta: envelope }, options));
  if (!answer.supportedVersions.includes(MODERN_VERSION))
    throw new Error(`${options.name} does not speak ${MODERN_VERSION}`);
  peer.envelope = envelope;
  const info = ServerInfo.safeParse(answer._meta?.[SERVER_INFO_META_KEY]);
  return {
    era: 'modern',
    protocolVersion: MODERN_VERSION,
    capabilities: answer.capabilities,
    serverInfo: info.success ? info.data : undefined,
    instructions: answer.instructions,
  };
}

function refused(name: string, why: string): { refusal: Problem } {
  return { refusal: problem('SERVER_PROTOCOL', `No MCP connection with ${name}: ${why}`) };
}
