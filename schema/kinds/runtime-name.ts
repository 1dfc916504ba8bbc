import { z } from 'zod';

/** A runtime that a repository may name. */
export const RuntimeName = z.enum(['process', 'docker', 'kubernetes']);
