import { describe, expect, it } from 'vitest';
import { commandRows } from './command-table.ts';
import { readHelp, referencePages } from './reference.ts';

const pages = await referencePages();

describe('the reference of the command line', () => {
  it('has a page for every command, and none for what is hidden', async () => {
    const names = (await readHelp()).map(({ name }) => name.split(' ').slice(1).join('-'));
    expect(pages.map(({ file }) => file)).toEqual(['README.md', ...names.map(name => `${name}.md`)]);
    expect(names).not.toContain('__complete');
    expect(commandRows.filter(({ hidden }) => hidden !== true).every(({ name }) => names.includes(name))).toBe(true);
  });

  it('has no link that leads nowhere', () => {
    const files = new Set(pages.map(({ file }) => file));
    const links = pages.flatMap(({ text }) => [...text.matchAll(/\]\(([^)]+)\)/g)].map(match => match[1] ?? ''));
    expect(links.length).toBeGreaterThan(commandRows.length - 2);
    expect(links.filter(link => !files.has(link))).toEqual([]);
  });

  it('says everything that help says', () => {
    expect(pages.find(({ file }) => file === 'version.md')?.text).toMatchInlineSnapshot(`
      "<!-- Generated from the command line itself by \`npm run generate\`. -->

      # mcpctl version

      Show the version and the commit it was built from, the Node.js it runs on, the versions of the Model Context Protocol that it speaks with servers and clients, and the version of the repository format.

      \`\`\`
      mcpctl version [options]
      \`\`\`

      ## Options

      | | |
      | --- | --- |
      | \`-o, --output <format>\` | how it is printed (choices: "table", "json", default: "table") |
      | \`-h, --help\` | display help for command |

      ## Examples

      \`\`\`console
      $ mcpctl version
      $ mcpctl version -o json
      $ mcpctl --version       # the number alone
      \`\`\`

      ## Exit codes

      0 ok · 2 wrong usage
      "
    `);
  });
});
