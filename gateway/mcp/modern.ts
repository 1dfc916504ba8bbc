import { createMcpHandler, type McpHttpHandler, type Server } from '@modelcontextprotocol/server';

/** The handlers for sessionless clients, one per project, so that a change is told to that project's clients only. */
export interface ModernHandlers {
  serve(project: string, request: Request, body: unknown): Promise<Response>;
  notify(project: string): McpHttpHandler['notify'] | undefined;
  closeProject(project: string): Promise<void>;
  close(): Promise<void>;
}

/** @param newServer makes the server for one request */
export function createModernHandlers(newServer: (project: string) => Server): ModernHandlers {
  const handlers = new Map<string, McpHttpHandler>();

  return {
    serve: (project, request, body) => of(project).fetch(request, { parsedBody: body }),
    notify: project => handlers.get(project)?.notify,
    async closeProject(project) {
      const known = handlers.get(project);
      handlers.delete(project);
      await known?.close();
    },
    async close() {
      await Promise.all([...handlers.values()].map(handler => handler.close()));
    },
  };

  function of(project: string): McpHttpHandler {
    const known = handlers.get(project);
    if (known) return known;
    const handler = createMcpHandler(() => newServer(project), { legacy: 'reject' });
    handlers.set(project, handler);
    return handler;
  }
}
