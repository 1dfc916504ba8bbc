/**
 * The room of what may be declared: one zod schema per kind, how files map to resources, the rules that hold over a
 * whole catalog, and every problem code. Pure: it reads no file, no clock and no network.
 */
export * from './kinds/index.ts';
export * from './problem.ts';
export * from './resource.ts';
