import { visibleText } from '../schema/index.ts';
import { table } from './table.ts';

/** The values of `-o` where things are listed. */
export const listFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type ListFormat = (typeof listFormats)[number];

/** One column of a listing. */
export interface Column<Item> {
  header: string;
  /** Shown with `-o wide` only. */
  wide?: boolean;
  /** Empty is shown as `-`. */
  cell(item: Item): string;
}

/** What a listing command hands over. */
export interface Listing<Item> {
  items: readonly Item[];
  columns: readonly Column<Item>[];
  /** `server/everything`: what `-o name` prints, one on a line. */
  name(item: Item): string;
  /** The item as data, for json and yaml; undefined leaves it out. */
  document(item: Item): unknown;
  /** One document as YAML, ending in a newline. */
  yaml(document: unknown): string;
}

/**
 * A listing as text, ending in a newline where there is anything to say. JSON is always an array, also for one item;
 * YAML is a stream of documents.
 */
export function formatListing<Item>(listing: Listing<Item>, format: ListFormat): string {
  const { items, columns } = listing;
  switch (format) {
    case 'table':
      return columnsOf(
        items,
        columns.filter(({ wide }) => wide !== true),
      );
    case 'wide':
      return columnsOf(items, columns);
    case 'name':
      return items.map(item => `${listing.name(item)}\n`).join('');
    case 'json':
      return `${JSON.stringify(documentsOf(listing), undefined, 2)}\n`;
    case 'yaml':
      return documentsOf(listing).map(listing.yaml).join('---\n');
  }
}

function documentsOf<Item>({ items, document }: Listing<Item>): unknown[] {
  return items.map(document).filter(one => one !== undefined);
}

function columnsOf<Item>(items: readonly Item[], columns: readonly Column<Item>[]): string {
  if (items.length === 0) return '';
  return table([
    columns.map(({ header }) => header),
    ...items.map(item => columns.map(({ cell }) => oneLine(cell(item)) || '-')),
  ]);
}

/** What a repository says is no command to a terminal. */
export function harmless(text: string): string {
  return visibleText(text);
}

/** A cell never breaks its row. */
export function oneLine(text: string): string {
  return harmless(text.replace(/\s+/g, ' ').trim());
}
