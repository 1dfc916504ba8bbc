/**
 * Milliseconds since the process began. The usual clock is loaded, with a dozen of Node’s modules, when it is first read.
 */
export const ticks = (): number => process.uptime() * 1000;
