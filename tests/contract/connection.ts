import type { Connection, Runtime } from '../../reconciler/runtimes/index.ts';

/** The way to speak with an instance that runs. */
export async function connectionOf(runtime: Runtime, id: string): Promise<Connection> {
  const connection = await runtime.connect(id);
  if ('problem' in connection) throw new Error(connection.problem.message);
  return connection;
}
