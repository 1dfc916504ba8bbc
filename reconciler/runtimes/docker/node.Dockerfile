# Runs npm packages and commands of Node: docker build -t mcpctl/runner-node -f node.Dockerfile .
# Another BASE, such as node:24-slim, keeps the Node and npm that it has.
ARG BASE=debian:stable-slim
FROM $BASE
USER root
RUN if ! command -v npm; then \
    apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates nodejs npm \
    && rm -rf /var/lib/apt/lists/*; \
  fi
COPY node-package.sh /usr/local/bin/mcpctl-package
RUN chmod 0755 /usr/local/bin/mcpctl-package && mkdir -p /home/server && chown 1000:1000 /home/server
USER 1000:1000
WORKDIR /home/server
