import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpHttpHandler, type Server } from '@modelcontextprotocol/server';

type Serve = (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void>;

/** The handlers for sessionless clients, one per project, so that a change is told to that project's clients only. */
export interface ModernHandlers {
  serve(project: string, request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
  notify(project: string): McpHttpHandler['notify'] | undefined;
  closeProject(project: string): Promise<void>;
  close(): Promise<void>;
}

/** @param newServer makes the server for one request */
export function createModernHandlers(newServer: (project: string) => Server): ModernHandlers {
  const handlers = new Map<string, { handler: McpHttpHandler; serve: Serve }>();

  return {
    serve: (project, request, response, body) => of(project).serve(request, response, body),
    notify: project => handlers.get(project)?.handler.notify,
    async closeProject(project) {
      const known = handlers.get(project);
      handlers.delete(project);
      await known?.handler.close();
    },
    async close() {
      await Promise.all([...handlers.values()].map(({ handler }) => handler.close()));
    },
  };

  function of(project: string) {
    const known = handlers.get(project);
    if (known) return known;
    const handler = createMcpHandler(() => newServer(project), { legacy: 'reject' });
    const made = { handler, serve: toNodeHandler(handler) as Serve };
    handlers.set(project, made);
    return made;
  }
}
