/** Beyond this a text is not compared line by line. In bytes. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** All files of one comparison that are read. */
export const MAX_TOTAL_BYTES = 32 * 1024 * 1024;
