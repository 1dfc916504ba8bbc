/** What Docker's client is started with: the daemon that is meant, and nothing of the user's. */
export function clientEnv(host: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: '/nonexistent', DOCKER_HOST: host };
}
