# Runs npm packages and commands of Node: docker build -t mcpctl/runner-node -f node.Dockerfile .
FROM debian:stable-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates nodejs npm \
  && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 node-package.sh /usr/local/bin/mcpctl-package
RUN useradd --uid 1000 --home-dir /home/server --create-home server
USER server
WORKDIR /home/server
