/** A DNS label's. */
export const MAX_LABEL = 63;

/** Longest name of a server or project: `<server>__<tool>` with a client's own prefix must fit in 64 characters. */
export const MAX_SHORT_NAME = 24;
