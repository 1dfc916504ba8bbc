/** What a commit declares, as the simulation means it; the reconciler only ever sees the files made of it. */
export interface Declared {
  servers: ReadonlyMap<string, DeclaredServer>;
  /** A commit that must be refused as a whole. */
  refused: boolean;
}

export interface DeclaredServer {
  replicas: number;
  rolling: boolean;
  behaviour: Behaviour;
  /** Makes one change of it differ from the next. */
  version: number;
  /** It needs a secret to start. */
  secret: boolean;
  /** It calls a tool to see whether it works, and wants to be restarted when it does not. */
  checked: boolean;
  /** It runs elsewhere, and is only connected to. */
  external: boolean;
  dependsOn?: string;
  /** Its file cannot be read: what is in service stays. */
  broken?: boolean;
}

/** How a server's program acts. */
export type Behaviour =
  /** It works, and ends when it is asked to. */
  | 'well'
  /** It works, and does not end when it is asked to. */
  | 'stubborn'
  /** It ends at once. */
  | 'crash'
  /** It works for a while, then it ends. */
  | 'mortal'
  /** It never answers. */
  | 'mute'
  /** It runs, and its tool does not work. */
  | 'ill';

const HEAD = 'apiVersion: mcpctl.dev/v1\nkind:';

export function plainServer(change: Partial<DeclaredServer> = {}): DeclaredServer {
  const plain = { replicas: 1, rolling: false, behaviour: 'well', version: 0 } as const;
  return { ...plain, secret: false, checked: false, external: false, ...change };
}

/** How many instances there may be at most of what is declared so. */
export function budgetOf(server: DeclaredServer | undefined): number {
  if (!server || server.external) return 0;
  return server.replicas === 0 ? 0 : server.replicas + (server.rolling ? 1 : 0);
}

/** What its program is started with, by which it is known again on the machine. */
export function argsOf({ behaviour, version, secret }: DeclaredServer): string[] {
  return [behaviour, `version-${version}`, secret ? WITH_SECRET : 'plain'];
}

/** An argument of programs that must not be started without their secret. */
export const WITH_SECRET = 'with-secret';

/** The variable that a server's secret comes from. */
export function variableOf(server: string): string {
  return `MCPCTL_SECRET_${server.toUpperCase()}`;
}

/** The repository's files: path → text. */
export function filesOf({ servers, refused }: Declared): Map<string, string> {
  const files = new Map<string, string>();
  if (!refused) files.set('mcpctl.yaml', `${HEAD} Repository\nspec: {id: simulated.example}\n`);
  files.set('prompts/stays.md', '---\n---\nStays.\n');
  files.set('projects/all/project.yaml', `${HEAD} Project\nspec: {selector: {servers: {matchLabels: {of: all}}}}\n`);
  for (const [name, server] of servers) {
    files.set(`servers/${name}.yaml`, server.broken ? `${HEAD} Server\nspec: {transport: [` : serverFile(name, server));
    if (server.secret) {
      files.set(`secrets/${name}.yaml`, `${HEAD} Secret\nspec: {data: {value: {env: ${variableOf(name)}}}}\n`);
    }
  }
  return files;
}

function serverFile(name: string, server: DeclaredServer): string {
  const { replicas, rolling, behaviour, version, secret, checked, external, dependsOn } = server;
  const spec = {
    ...(external
      ? { transport: 'streamable-http', url: `http://${name}.example/mcp?version=${version}&how=${behaviour}` }
      : { transport: 'stdio', command: [name], args: argsOf(server), replicas }),
    strategy: rolling ? 'rolling' : 'recreate',
    ...(secret && !external && { env: [{ name: 'TOKEN', valueFrom: { secretRef: { name, key: 'value' } } }] }),
    ...(checked && { healthCheck: { tool: 'works', intervalSeconds: 20, timeoutSeconds: 5, restart: true } }),
    ...(dependsOn !== undefined && { dependsOn: [dependsOn] }),
  };
  return `${HEAD} Server\nmetadata: {labels: {of: all}}\nspec: ${JSON.stringify(spec)}\n`;
}
