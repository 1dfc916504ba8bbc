import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/client';
import { asProblem, type Problem, ProblemError, problem } from '../../../schema/index.ts';
import type { Gateway } from '../../contexts.ts';
import { isCutOff, isRefused, type LinkHandlers, openLink, statusOf } from './gateway-link.ts';
import { createLegacySession } from './legacy-session.ts';
import { createModernRequests, isModern } from './modern-requests.ts';

/** Between a client on stdio and one project of a gateway, message by message, in either protocol era. */
export interface Bridge {
  /** Take what the client wrote; undefined for a line that is not JSON. */
  receive(value: unknown): void;
  /** Resolves when every request has its answer, or after so many milliseconds. */
  settled(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

export interface BridgeOptions {
  project: string;
  /** The gateway as it is now. @throws ProblemError */
  locate(): Promise<Gateway>;
  /** One message to the client. */
  write(message: JSONRPCMessage): void;
  /** Told what the client cannot be told in a place where people look. */
  onProblem(problem: Problem): void;
  /** How long a message waits for a gateway that is away. In milliseconds. */
  patienceMs: number;
}

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
/** The gateway could not be asked, or went away before it answered. */
const UNAVAILABLE = -32_000;

export function createBridge({ project, locate, write, onProblem, patienceMs }: BridgeOptions): Bridge {
  const ending = new AbortController();
  const waiting = new Map<RequestId, JSONRPCRequest>();
  let whenSettled: (() => void) | undefined;
  /** Notifications keep their place among the messages. */
  let turn: Promise<void> = Promise.resolve();

  const common = {
    open: async (handlers: LinkHandlers) => openLink(await locate(), project, handlers),
    write: answer,
    signal: ending.signal,
    patienceMs,
    isAway: (error: unknown) => {
      return isRefused(error) || (error instanceof ProblemError && error.problem.code === 'DAEMON_NOT_RUNNING');
    },
  };
  const legacy = createLegacySession(common);
  const modern = createModernRequests(common);

  function answer(message: JSONRPCMessage): void {
    if (isJSONRPCResponse(message)) done(message.id);
    write(message);
  }

  function done(id: RequestId | undefined): boolean {
    const was = id !== undefined && waiting.delete(id);
    if (waiting.size === 0) whenSettled?.();
    return was;
  }

  async function deliver(message: JSONRPCMessage): Promise<void> {
    try {
      if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
        const id = message.params?.requestId as RequestId | undefined;
        if (id !== undefined) done(id);
        if (id !== undefined && modern.cancel(id)) return;
      }
      if (!isJSONRPCRequest(message)) return await legacy.send(message);
      const onEnd = () => fail(message, lost(message));
      if (isModern(message)) await modern.send(message, onEnd);
      else await legacy.send(message, onEnd);
    } catch (error) {
      if (!ending.signal.aborted) fail(message, explain(error, message, project));
    }
  }

  function fail(message: JSONRPCMessage, why: Problem): void {
    if (isJSONRPCRequest(message) && !done(message.id)) return;
    onProblem(why);
    if (!isJSONRPCRequest(message)) return;
    const error = { code: UNAVAILABLE, message: `${why.message}. ${why.hint}` };
    write({ jsonrpc: '2.0', id: message.id, error });
  }

  function refuse(code: number, message: string): void {
    // JSON-RPC 2.0: an error that belongs to no request has the id null.
    write({ jsonrpc: '2.0', id: null, error: { code, message } } as unknown as JSONRPCMessage);
  }

  return {
    receive(value) {
      if (value === undefined) return refuse(PARSE_ERROR, 'Parse error: the line is not JSON');
      if (!isMessage(value)) return refuse(INVALID_REQUEST, 'Invalid Request: not a JSON-RPC message');
      if (isJSONRPCRequest(value) && value.method !== 'subscriptions/listen') waiting.set(value.id, value);
      const delivered = turn.then(() => deliver(value));
      const holds = isJSONRPCNotification(value) || (isJSONRPCRequest(value) && value.method === 'initialize');
      if (holds) turn = delivered;
    },
    async settled(milliseconds) {
      if (waiting.size === 0) return;
      const enough = Promise.withResolvers<void>();
      const timer = setTimeout(enough.resolve, milliseconds);
      whenSettled = enough.resolve;
      await enough.promise;
      clearTimeout(timer);
    },
    async close() {
      ending.abort();
      await Promise.all([legacy.close(), modern.close()]);
    },
  };
}

function isMessage(value: unknown): value is JSONRPCMessage {
  return isJSONRPCRequest(value) || isJSONRPCNotification(value) || isJSONRPCResponse(value);
}

function lost({ method }: JSONRPCRequest): Problem {
  const hint = method === 'tools/call' ? 'The call may have been carried out.' : 'Ask again.';
  return problem('DAEMON_NOT_RUNNING', 'the gateway went away before it answered', { hint });
}

/** What a transport's error means to the person who configured the client. */
function explain(error: unknown, message: JSONRPCMessage, project: string): Problem {
  const status = statusOf(error);
  if (status === 401 || status === 403) {
    const hint = 'Run `mcpctl login` with a valid token.';
    return problem('DAEMON_REFUSED', 'the gateway refuses the token', { hint });
  }
  if (status === 404) {
    const hint = '`mcpctl status` shows what is in service.';
    return problem('DAEMON_REFUSED', `the gateway has no project \`${project}\` in service`, { hint });
  }
  if (status !== undefined) return problem('DAEMON_REFUSED', `the gateway answered with HTTP ${status}`);
  if (error instanceof ProblemError) return error.problem;
  if (isRefused(error)) return problem('DAEMON_NOT_RUNNING', 'the gateway does not answer');
  if (isCutOff(error) && isJSONRPCRequest(message)) return lost(message);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return problem('DAEMON_NOT_RUNNING', `the gateway cannot be reached: ${asProblem(cause).message}`);
}
