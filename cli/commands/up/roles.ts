/** What one process of an installation does: `reconciler` makes what is declared, `gateway` serves it. */
export const ROLES = ['reconciler', 'gateway'] as const;
export type Role = (typeof ROLES)[number];
