import type { Files } from './temp-repository.ts';

/** For tests: a small repository with one thing of each sort, one that nothing names, and scopes of every kind. */
export const shopFiles: Files = {
  'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: shop.example\n',
  'servers/stock.yaml': `apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  description: What is in the shop
  labels: { team: store, tier: gold }
spec:
  transport: stdio
  command: [stock-server, --all]
  env:
    - name: STOCK_KEY
      valueFrom: { secretRef: { name: keys, key: stock } }
`,
  'servers/spare.yaml': `apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  labels: { team: store }
spec:
  transport: streamable-http
  url: http://127.0.0.1:9/mcp
`,
  'secrets/keys.yaml': `apiVersion: mcpctl.dev/v1
kind: Secret
spec:
  data:
    stock: { env: MCPCTL_SECRET_STOCK }
`,
  'prompts/greet.md': `---
title: A greeting
arguments:
  - name: who
    required: true
---
Greet {{who}}.
`,
  'projects/counter/project.yaml': `apiVersion: mcpctl.dev/v1
kind: Project
metadata:
  description: Where people buy
spec:
  servers: [stock]
  prompts: [greet]
`,
  'projects/counter/prompts/sell.md': '---\ntitle: Sell something\n---\nSell it.\n',
};
