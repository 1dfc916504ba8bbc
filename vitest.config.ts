import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{schema,host,repo,reconciler,gateway,cli,tests}/**/*.test.ts'],
    globalSetup: ['tests/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
  },
});
