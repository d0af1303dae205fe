# CorporateAssist in a container. docs/deploy.md says how to use it.
# Two stages: the first installs, the second has what runs and nothing that builds.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/assist
# The pins first: they change less often than the code, so this layer is kept.
COPY requirements.txt ./
RUN python -m pip --python /opt/assist install --no-cache-dir --only-binary :all: --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY bot ./bot
COPY handlers ./handlers
COPY playground ./playground
# setuptools is among the pins and builds the project; nothing needs it afterwards.
RUN python -m pip --python /opt/assist install --no-cache-dir --no-deps --no-build-isolation . \
    && python -m pip --python /opt/assist uninstall --yes setuptools

FROM python:3.13-slim
RUN python -m pip uninstall --yes pip \
    && useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin assist
COPY --from=build /opt/assist /opt/assist
# Receivers and workers serve the same port inside, so that one health check fits both.
ENV PATH=/opt/assist/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    WORKER_PORT=3000 \
    DATA_DIR=/data
WORKDIR /data
USER 10001
EXPOSE 3000
# /health and not /ready: a container that is started anew cannot mend Slack or Redis.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 3000, timeout=4); c.request('GET', '/health'); exit(c.getresponse().status != 200)"]
# Without a shell in between: SIGTERM reaches the bot, which drains.
ENTRYPOINT ["assist"]
CMD ["run"]
