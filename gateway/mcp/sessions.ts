import { randomUUID } from 'node:crypto';
import { type Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';

/** A legacy client's session: it lives in the project it was made in. */
export interface Session {
  readonly project: string;
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Requests and streams that are open now. */
  open: number;
  /** Milliseconds since the epoch. */
  lastUsed: number;
}

export interface Sessions {
  /** A session that gets its id with the `initialize` request it is made for; undefined when there are too many. */
  create(project: string): Promise<Session | undefined>;
  find(id: string, project: string): Session | undefined;
  ofProject(project: string): Session[];
  closeProject(project: string): Promise<void>;
  close(): Promise<void>;
}

const MAX_SESSIONS = 1_000;
const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;

/**
 * The sessions of legacy clients: bounded in number (the longest idle one makes room), and ended when idle.
 * @param newServer makes the server a session is for
 */
export function createSessions(
  newServer: (project: string) => Server,
  { max = MAX_SESSIONS, idleMs = IDLE_MS }: { max?: number; idleMs?: number } = {},
): Sessions {
  const sessions = new Map<string, Session>();
  const sweep = setInterval(
    () => {
      const limit = Date.now() - idleMs;
      for (const session of sessions.values()) if (session.open === 0 && session.lastUsed < limit) end(session);
    },
    Math.min(SWEEP_MS, idleMs),
  );
  sweep.unref();

  return {
    async create(project) {
      if (sessions.size >= max && !makeRoom()) return undefined;
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => {
          sessions.set(id, session);
        },
      });
      const server = newServer(project);
      const session: Session = { project, server, transport, open: 0, lastUsed: Date.now() };
      server.onclose = () => {
        if (transport.sessionId !== undefined) sessions.delete(transport.sessionId);
      };
      await server.connect(transport);
      return session;
    },
    find(id, project) {
      const session = sessions.get(id);
      return session?.project === project ? session : undefined;
    },
    ofProject: project => [...sessions.values()].filter(session => session.project === project),
    async closeProject(project) {
      await Promise.all(this.ofProject(project).map(end));
    },
    async close() {
      clearInterval(sweep);
      await Promise.all([...sessions.values()].map(end));
    },
  };

  function makeRoom(): boolean {
    let oldest: Session | undefined;
    for (const session of sessions.values()) {
      if (session.open === 0 && (!oldest || session.lastUsed < oldest.lastUsed)) oldest = session;
    }
    if (oldest) end(oldest);
    return oldest !== undefined;
  }
}

function end(session: Session): Promise<void> {
  return session.server.close().catch(() => undefined);
}
