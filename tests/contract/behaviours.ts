import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import type { Program, Programs } from '../../reconciler/runtimes/index.ts';

/** What the servers of the contract do: as a script for Node, and as a program of the machine in memory. */
interface Behaviour {
  script: string;
  program: Program;
}

const idle = 'setInterval(() => {}, 1e6);';

/** Ends when it is asked to, as a program does that handles no signal. */
function polite(program: Program): Program {
  return run => {
    run.asked.addEventListener('abort', () => run.exit(0));
    program(run);
  };
}

function exits(stderr: string, code: number): Behaviour {
  return {
    script: `process.stderr.write(${JSON.stringify(stderr)}); process.exitCode = ${code};`,
    program: run => {
      run.stderr.write(stderr);
      run.exit(code);
    },
  };
}

export const behaviours = {
  /** Says `up`, then answers each line with the same line. */
  echo: {
    script:
      'console.log("up"); process.stdin.on("data", chunk => process.stdout.write(chunk)); setInterval(() => {}, 1e6);',
    program: polite(({ stdin, stdout }) => {
      stdout.write('up\n');
      stdin.on('data', chunk => stdout.write(chunk));
    }),
  },
  /** Does not end when it is asked to. */
  deaf: {
    script: `process.on("SIGTERM", () => {}); process.stdin.resume(); console.log("up"); ${idle}`,
    program: ({ stdout }) => void stdout.write('up\n'),
  },
  /** Says its environment. */
  environment: {
    script: `console.log(JSON.stringify(process.env)); ${idle}`,
    program: polite(({ stdout, env }) => void stdout.write(`${JSON.stringify(env)}\n`)),
  },
  /** Says its arguments. */
  arguments: {
    script: `console.log(process.argv.slice(1).join(" ")); ${idle}`,
    program: polite(({ stdout, argv }) => void stdout.write(`${argv.slice(1).join(' ')}\n`)),
  },
  /** Leaves a file at home, then says whether one was there: who heard it may end it at once. */
  settler: {
    script: `const { existsSync, writeFileSync } = require('node:fs'); const file = process.env.HOME + '/kept';
      const kept = existsSync(file); writeFileSync(file, ''); console.log(String(kept)); ${idle}`,
    program: polite(({ stdout, home }) => {
      const kept = home.has('kept');
      home.set('kept', '');
      stdout.write(`${kept}\n`);
    }),
  },
  /** Serves HTTP at PORT; answers with the path. */
  listen: {
    script: `require('node:http').createServer((request, response) => response.end(request.url))
      .listen(process.env.PORT, () => console.error('listening'));`,
    program: polite(({ env, ended, stderr }) => {
      const server = createServer((request, response) => response.end(request.url));
      server.listen(Number(env.PORT), '127.0.0.1', () => stderr.write('listening\n'));
      ended.addEventListener('abort', () => {
        server.close();
        server.closeAllConnections();
      });
    }),
  },
  /** Tells on stderr each line it is given. */
  tell: {
    script: `console.log("up");
      require('node:readline').createInterface({ input: process.stdin }).on('line', line => console.error(line)); ${idle}`,
    program: polite(({ stdin, stdout, stderr }) => {
      stdout.write('up\n');
      createInterface({ input: stdin }).on('line', line => stderr.write(`${line}\n`));
    }),
  },
  fail: exits('first\nlast\n\n', 3),
  half: exits('half', 1),
  quiet: exits('', 0),
  leak: exits('token s3cret!\n', 1),
} satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof behaviours;

/** The programs of a machine in memory, by the names of the behaviours. */
export const memoryPrograms: Programs = name =>
  Object.hasOwn(behaviours, name) ? behaviours[name as BehaviourName].program : undefined;
