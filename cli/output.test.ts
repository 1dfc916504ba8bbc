import { expect, it } from 'vitest';
import { formatListing, type ListFormat, type Listing } from './output.ts';

interface Pet {
  name: string;
  says: string;
  broken?: boolean;
}

const pets: Pet[] = [
  { name: 'cat', says: 'meow\nmeow' },
  { name: 'fish', says: '' },
  { name: 'ghost', says: '\u001b[31mboo', broken: true },
];

function listing(items: readonly Pet[]): Listing<Pet> {
  return {
    items,
    columns: [
      { header: 'NAME', cell: pet => pet.name },
      { header: 'LENGTH', wide: true, cell: pet => String(pet.says.length) },
      { header: 'SAYS', cell: pet => pet.says },
    ],
    name: pet => `pet/${pet.name}`,
    document: ({ broken, ...pet }) => (broken ? undefined : pet),
    yaml: document => `name: ${(document as Pet).name}\n`,
  };
}

it.each<[situation: string, items: Pet[], format: ListFormat, expected: string]>([
  ['a table', pets, 'table', 'NAME   SAYS\ncat    meow meow\nfish   -\nghost  \\u001b[31mboo\n'],
  ['wide', pets.slice(0, 1), 'wide', 'NAME  LENGTH  SAYS\ncat   9       meow meow\n'],
  ['names, also of what is no document', pets, 'name', 'pet/cat\npet/fish\npet/ghost\n'],
  ['json, an array also for one', pets.slice(1), 'json', '[\n  {\n    "name": "fish",\n    "says": ""\n  }\n]\n'],
  ['yaml, a stream', pets, 'yaml', 'name: cat\n---\nname: fish\n'],
  ['nothing, as a table', [], 'table', ''],
  ['nothing, as names', [], 'name', ''],
  ['nothing, as json', [], 'json', '[]\n'],
  ['nothing, as yaml', [], 'yaml', ''],
])('%s', (_situation, items, format, expected) => {
  expect(formatListing(listing(items), format)).toBe(expected);
});
