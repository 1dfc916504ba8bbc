import type { HttpClient, HttpOptions } from './checked-http.ts';

export type { HttpClient, HttpOptions };

/**
 * An outbound HTTP client: keep-alive, HTTP_PROXY, HTTPS_PROXY and NO_PROXY honoured (never for loopback), and an
 * address rule applied to what a name resolves to, at the moment of connecting. Where a proxy resolves names, only
 * literal addresses can be judged here.
 */
export function createHttpClient(options: HttpOptions = {}): HttpClient {
  // Loaded when it is needed: the library behind it takes longer to load than most commands run.
  let opened: Promise<HttpClient> | undefined;
  return {
    async fetch(url, init) {
      opened ??= import('./checked-http.ts').then(({ openCheckedHttp }) => openCheckedHttp(options));
      return (await opened).fetch(url, init);
    },
    async close() {
      // What could not be opened has nothing to close; `fetch` said why.
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
