import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{schema,host,repo,reconciler,gateway,cli,tests}/**/*.test.ts'],
    globalSetup: ['tests/setup.ts'],
    // For what hangs, not for what takes long: machines differ.
    testTimeout: 90_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
  },
});
