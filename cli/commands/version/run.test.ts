import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { API_VERSION } from '../../../schema/kinds/envelope.ts';
import { mcpctl } from '../../../tests/command-line.ts';

describe('mcpctl version', () => {
  it('tells what it is and what it speaks, as JSON', async () => {
    const { code, stdout } = await mcpctl(['version', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      version: packageJson.version,
      commit: expect.toSatisfy(commit => commit === null || /^[0-9a-f]{40,64}(?:-dirty)?$/.test(commit)),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      // 2026-07-28 has no handshake, so the SDK keeps it apart from those that have.
      protocolVersions: ['2026-07-28', ...SUPPORTED_PROTOCOL_VERSIONS],
      apiVersion: API_VERSION,
    });
  });

  it('tells the same as a table', async () => {
    const { stdout } = await mcpctl(['version']);
    expect(stdout.replace(/(commit +).*/, '$1COMMIT')).toBe(`mcpctl      ${packageJson.version}
commit      COMMIT
node        ${process.versions.node}
platform    ${process.platform}-${process.arch}
protocols   2026-07-28, ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}
apiVersion  ${API_VERSION}
`);
  });

  it('tells the number alone with --version', async () => {
    expect(await mcpctl(['--version'])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});
