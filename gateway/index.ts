/** The room of the one HTTP app: MCP endpoints for clients, the API, webhooks. */
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';
