/**
 * The room of the machine: files, locks, child processes, the database, outbound HTTP, redaction. It knows no word of
 * the domain. Expected trouble is thrown as a plain `Error` with a `code`, or returned in a typed result.
 */

export { isLoopbackHost } from './addresses.ts';
export { type Clock, systemClock } from './clock.ts';
export { DatabaseUnusable, openDatabase } from './database.ts';
export { within } from './deadline.ts';
export {
  ensurePrivateDir,
  openPrivateFile,
  readPrivateFile,
  type UnsafeFileCode,
  UnsafeFileError,
  writeAtomic,
} from './files.ts';
export { mcpctlHome } from './home.ts';
export { createHttpClient, type HttpClient, type HttpOptions } from './http.ts';
export { type LightAnswer, type LightHttp, openLightHttp } from './light-http.ts';
export { acquireLock } from './lock.ts';
export { createMetrics, type Family, type Labels, type Metrics } from './metrics.ts';
export { openOtlpExporter } from './otlp.ts';
export { freePort, isPortTaken, portHolder } from './ports.ts';
export {
  endChild,
  endGroup,
  findByFolder,
  identify,
  isSame,
  killGroupsAtExit,
  type ProcessIdentity,
} from './process.ts';
export { redact } from './redact.ts';
export { type RunOptions, type RunResult, run } from './run.ts';
export { createSlots, type Slots } from './slots.ts';
export {
  createTracer,
  formatTraceparent,
  parseTraceparent,
  type Span,
  type TraceContext,
  type Tracer,
} from './tracing.ts';
