// Read, parse and link a folder's files in this process; prints how many milliseconds that took.
import { readWorktree } from '../../repo/index.ts';
import { link } from '../../schema/index.ts';

const began = performance.now();
const files = await readWorktree(process.argv[2] ?? '.');
const { problems } = link(
  files.flatMap(({ resource }) => resource ?? []),
  [],
);
const took = performance.now() - began;
if (problems.some(({ severity }) => severity === 'error')) throw new Error(JSON.stringify(problems));
console.log(took);
