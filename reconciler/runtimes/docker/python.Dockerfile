# Runs packages of PyPI and commands of Python: docker build -t mcpctl/runner-python -f python.Dockerfile .
# Another BASE, such as python:3.13-slim, keeps the Python that it has.
ARG BASE=debian:stable-slim
FROM $BASE
USER root
RUN if ! python3 -c 'import ensurepip, venv'; then \
    apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*; \
  fi
COPY python-package.sh /usr/local/bin/mcpctl-package
RUN chmod 0755 /usr/local/bin/mcpctl-package && mkdir -p /home/server && chown 1000:1000 /home/server
USER 1000:1000
WORKDIR /home/server
