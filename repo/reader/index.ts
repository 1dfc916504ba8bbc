/**
 * The room of the process that reads commits: repository content is taken apart there, with no secret in reach and
 * bounded time and memory, so that hostile input can kill or hang nothing else.
 */
export { openReader, type ReaderOptions } from './client.ts';
