import type { Client } from './clients.ts';
import type { GatewayEntry } from './gateway-entry.ts';
import { renderCodex } from './render-codex.ts';
import { type Rendered, renderJson } from './render-json.ts';

/**
 * Put a gateway's entry into the text of a client's file; foreign entries, comments and order stay.
 * @param text empty for a new file
 * @returns CLIENT_FILE_INVALID or CLIENT_ENTRY_TAKEN when it cannot be done
 */
export function render(client: Client, text: string, entry: GatewayEntry, file: string): Rendered {
  return client.format === 'codex' ? renderCodex(text, entry, file) : renderJson(client, text, entry, file);
}
