/** Writes the files that are derived from this room: `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { problemPage } from './problem-page.ts';

writeFileSync(new URL('../docs/problems.md', import.meta.url), problemPage());
