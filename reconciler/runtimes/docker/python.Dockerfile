# Runs packages of PyPI and commands of Python: docker build -t mcpctl/runner-python -f python.Dockerfile .
FROM debian:stable-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
  && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 python-package.sh /usr/local/bin/mcpctl-package
RUN useradd --uid 1000 --home-dir /home/server --create-home server
USER server
WORKDIR /home/server
